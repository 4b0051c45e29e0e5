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

json accounts_json(const std::vector<account_view>& of) {
  auto accounts = json::array();
  for (auto& account : of) {
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
  return accounts;
}

json rule_json(const budget_rule& x) {
  json one;
  one["object"] = "budget";
  if (x.scope != budget_scope::tenant)
    put_name(one, "tenant", x.tenant);
  one[std::string{to_string_view(x.scope)}] = x.name;
  put_name(one, "model", x.model);
  one["period"] = std::string{to_string_view(x.period)};
  one["time_zone"] = x.zone;
  one["action"] = std::string{to_string_view(x.action)};
  if (x.limited)
    put_money(one, "limit", x.limit);
  one["set_by"] = x.at_run_time ? "api" : "configuration";
  return one;
}

std::string text_of(const json& body) {
  return body.dump(-1, ' ', false, json::error_handler_t::replace);
}

} // namespace

std::string usage_body(const account_list& x) {
  json body;
  body["object"] = "list";
  body["data"] = accounts_json(x.accounts);
  return text_of(body);
}

std::string budgets_body(const budget_list& x) {
  auto budgets = json::array();
  for (auto& rule : x.budgets)
    budgets.push_back(rule_json(rule));
  json body;
  body["object"] = "list";
  body["data"] = std::move(budgets);
  body["accounts"] = accounts_json(x.accounts);
  return text_of(body);
}

} // namespace sluice
