#include "api/gateway/budget_wish.hpp"

#include "runtime/ec.hpp"
#include "runtime/nearest_name.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <optional>

namespace sluice {

namespace {

using json = nlohmann::json;

/// As in the configuration: a billion dollars.
constexpr int64_t limit_nanousd_max = 1'000'000'000'000'000'000;

constexpr std::array<std::string_view, 9> fields{"tenant",    "team",   "user",  "key",   "limit",
                                                 "time_zone", "period", "model", "action"};

struct scope_name {
  budget_scope scope;
  const char* field;
  std::string key_settings::*of_key;
};

constexpr std::array<scope_name, 4> scopes{{
    {budget_scope::tenant, "tenant", &key_settings::tenant},
    {budget_scope::team, "team", &key_settings::team},
    {budget_scope::user, "user", &key_settings::user},
    {budget_scope::key, "key", &key_settings::id},
}};

caf::error wrong(const std::string& field, const std::string& what) {
  auto end = what.ends_with('?') ? "" : ".";
  return make_error(ec::invalid_value, "'" + field + "' " + what + end, field);
}

/// Reads fields until one is wrong; what is wrong then is kept.
class wish_reader {
public:
  wish_reader(const json& body, const configuration& settings) : body_(body), all_(settings) {}

  caf::expected<budget_change> run() {
    for (auto& [field, value] : body_.items())
      if (std::ranges::find(fields, field) == fields.end())
        return wrong(field, "is no field of a budget");
    read_owner();
    read_limit();
    auto& rule = result_.rule;
    choose("period", rule.period, {period_kind::day, period_kind::week, period_kind::month});
    choose("action", rule.action,
           {budget_action::refuse, budget_action::alert, budget_action::downgrade});
    read_model();
    read_zone();
    if (error_)
      return error_;
    rule.at_run_time = true;
    return result_;
  }

private:
  void fail(caf::error why) {
    if (!error_)
      error_ = std::move(why);
  }

  /// Empty where it is not there.
  std::string text(const std::string& field) {
    auto found = body_.find(field);
    if (found == body_.end())
      return {};
    if (found->is_string() && !found->get_ref<const std::string&>().empty())
      return found->get<std::string>();
    fail(wrong(field, "must be a string that is not empty"));
    return {};
  }

  void check_known(const std::string& field, const std::string& name,
                   const std::vector<std::string_view>& known) {
    if (std::ranges::find(known, name) != known.end())
      return;
    auto near = nearest_name(name, known);
    fail(wrong(field, "is nobody that this node's configuration knows" +
                          (near.empty() ? "" : "; did you mean '" + near + "'?")));
  }

  /// The narrowest that is named, and beside it at most the tenant.
  void read_owner() {
    auto& rule = result_.rule;
    const scope_name* narrowest = nullptr;
    for (auto& x : scopes) {
      auto name = text(x.field);
      if (name.empty())
        continue;
      if (narrowest && narrowest->scope != budget_scope::tenant)
        fail(wrong(x.field, "stands beside '" + std::string{narrowest->field} +
                                "'; give one of team, user and key, and the tenant"));
      std::vector<std::string_view> known{"*"};
      if (all_.keys.empty() && x.scope == budget_scope::tenant)
        known.push_back("default"); // as whom everybody is let in then
      for (auto& key : all_.keys)
        known.push_back(key.*x.of_key);
      check_known(x.field, name, known);
      if (x.scope == budget_scope::tenant)
        rule.tenant = name;
      rule.scope = x.scope;
      rule.name = name;
      narrowest = &x;
    }
    if (!narrowest)
      fail(make_error(ec::missing_field,
                      "Say whose budget it is: 'tenant', 'team', 'user' or 'key'.", "tenant"));
    if (rule.scope == budget_scope::tenant || rule.tenant == "*")
      rule.tenant.clear();
  }

  void read_limit() {
    auto found = body_.find("limit");
    if (found == body_.end())
      return fail(make_error(ec::missing_field,
                             "'limit' is missing: US dollars, null for none, or \"configured\" for "
                             "what the configuration says.",
                             "limit"));
    if (found->is_null()) {
      result_.rule.limited = false;
      return;
    }
    auto text = found->is_string() ? found->get<std::string>() : std::string{};
    if (text == "configured") {
      result_.undo = true;
      return;
    }
    if (found->is_number()) // its shortest form is what was written
      text = found->dump();
    auto nanos = parse_usd_nanos(text);
    if (!nanos || *nanos > limit_nanousd_max)
      return fail(wrong("limit", "must be US dollars from 0 to 1000000000 with at most nine "
                                 "decimals, null for none, or \"configured\""));
    result_.rule.limit = {*nanos};
  }

  template <class Enum>
  void choose(const std::string& field, Enum& into, std::initializer_list<Enum> values) {
    auto name = text(field);
    if (name.empty())
      return;
    std::string allowed;
    for (auto x : values) {
      if (to_string_view(x) == name) {
        into = x;
        return;
      }
      (allowed += allowed.empty() ? "" : ", ") += to_string_view(x);
    }
    fail(wrong(field, "must be one of " + allowed));
  }

  void read_model() {
    result_.rule.model = text("model");
    std::vector<std::string_view> known;
    for (auto& x : all_.models)
      known.push_back(x.name);
    if (!result_.rule.model.empty())
      check_known("model", result_.rule.model, known);
  }

  void read_zone() {
    auto name = text("time_zone");
    if (name.empty())
      return;
    if (auto zone = time_zone::find(name))
      result_.rule.zone = zone->name();
    else
      fail(wrong("time_zone", "is unknown: " + message_of(zone.error())));
  }

  const json& body_;
  const configuration& all_;
  budget_change result_;
  caf::error error_;
};

} // namespace

caf::expected<budget_change> read_budget_change(std::string_view body,
                                                const configuration& settings) {
  auto parsed = json::parse(body, nullptr, false);
  if (!parsed.is_object())
    return make_error(ec::invalid_json, "The body must be one JSON object.");
  return wish_reader{parsed, settings}.run();
}

} // namespace sluice
