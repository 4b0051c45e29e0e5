#include "api/gateway/usage_json.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <chrono>

namespace sluice {

namespace {

using json = nlohmann::ordered_json;

void put_money(json& to, const std::string& name, nanousd x) {
  to[name + "_usd"] = to_usd_string(x);
  to[name + "_nanousd"] = x.value;
}

void put_name(json& to, const char* name, const std::string& x) {
  if (!x.empty())
    to[name] = x;
}

} // namespace

std::string usage_body(const account_list& x) {
  auto accounts = json::array();
  for (auto& account : x.accounts) {
    json one;
    one["object"] = "budget.account";
    one["scope"] = std::string{to_string_view(account.scope)};
    put_name(one, "tenant", account.owner.tenant);
    put_name(one, "team", account.owner.team);
    put_name(one, "user", account.owner.user);
    put_name(one, "key", account.owner.key_id);
    put_name(one, "model", account.model);
    one["period"] = std::string{to_string_view(account.period)};
    one["period_name"] = account.period_name;
    one["time_zone"] = account.zone;
    one["begins_at"] = std::chrono::system_clock::to_time_t(account.begin);
    one["ends_at"] = std::chrono::system_clock::to_time_t(account.end);
    put_money(one, "spent", account.spent);
    put_money(one, "reserved", account.open);
    if (account.limited) {
      put_money(one, "limit", account.limit);
      put_money(one, "remaining",
                std::max(account.limit - account.spent - account.open, nanousd{}));
      one["action"] = std::string{to_string_view(account.action)};
    }
    one["charges"] = account.charges;
    accounts.push_back(std::move(one));
  }
  json body;
  body["object"] = "list";
  body["data"] = std::move(accounts);
  return body.dump(-1, ' ', false, json::error_handler_t::replace);
}

} // namespace sluice
