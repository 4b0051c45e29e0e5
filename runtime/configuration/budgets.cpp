#include "runtime/configuration/sections.hpp"

#include <array>
#include <set>

namespace sluice {

namespace {

// A billion dollars: beyond it a slip is likelier than a plan. Nothing is a budget, too: of a model
// that nobody may use.
constexpr bounds<nanousd> limit_bounds{{0}, {1'000'000'000'000'000'000}};

constexpr std::string_view every = "*";

struct scope_name {
  budget_scope scope;
  const char* setting;
  std::string key_settings::*of_key;
};

// The widest first: the narrowest that is named says whose budget it is.
constexpr std::array<scope_name, 4> scopes{{
    {budget_scope::tenant, "tenant", &key_settings::tenant},
    {budget_scope::team, "team", &key_settings::team},
    {budget_scope::user, "user", &key_settings::user},
    {budget_scope::key, "key", &key_settings::id},
}};

template <class Enum, size_t N>
void read_enum(map_reader& map, const std::string& name, Enum& into,
               const std::array<Enum, N>& values) {
  std::vector<std::string_view> allowed;
  for (auto x : values)
    allowed.push_back(to_string_view(x));
  std::string text{to_string_view(into)};
  map.choice(name, text, allowed);
  for (auto x : values)
    if (to_string_view(x) == text)
      into = x;
}

/// The names that a budget may say for `scope`: those of the keys, and everybody's.
std::vector<std::string_view> names_of(const scope_name& scope, const configuration& all) {
  std::vector<std::string_view> result{every};
  if (all.keys.empty() && scope.scope == budget_scope::tenant)
    result.push_back("default"); // as whom everybody is let in then
  for (auto& key : all.keys)
    if (!(key.*scope.of_key).empty())
      result.push_back(key.*scope.of_key);
  return result;
}

/// Whose budget it is: the narrowest that is named, and beside it at most the tenant.
void read_scope(reading& to, map_reader& map, int line, const configuration& all,
                budget_settings& into) {
  const scope_name* narrowest = nullptr;
  for (auto& x : scopes) {
    if (!map.has(x.setting))
      continue;
    if (narrowest && narrowest->scope != budget_scope::tenant)
      map.fail(x.setting, "stands beside '" + std::string{narrowest->setting} + "'",
               "one of team, user and key, and the tenant");
    narrowest = &x;
    std::string name;
    map.text(x.setting, name);
    check_known_name(to, map.value(x.setting), name, names_of(x, all), x.setting);
    if (x.scope == budget_scope::tenant)
      into.tenant = name;
    into.scope = x.scope;
    into.name = name;
  }
  if (!narrowest)
    to.add(line, map.path(), "does not say whose budget it is", "tenant, team, user or key");
  if (into.scope == budget_scope::tenant || into.tenant == every)
    into.tenant.clear();
}

void read_zone(map_reader& map, time_zone& into) {
  if (!map.has("time_zone"))
    return;
  std::string name;
  map.text("time_zone", name);
  if (auto zone = time_zone::find(name))
    into = *zone;
  else
    map.fail("time_zone", message_of(zone.error()), "a name of the IANA database, as Europe/Paris");
}

budget_settings read_budget(reading& to, const yaml_value& at, const configuration& all) {
  budget_settings result;
  map_reader map{to, at};
  read_scope(to, map, at.line, all, result);
  map.require("limit", "US dollars, as 250.00");
  map.usd("limit", result.limit, limit_bounds);
  read_enum(map, "period", result.period,
            std::array{period_kind::day, period_kind::week, period_kind::month});
  read_zone(map, result.zone);
  read_enum(map, "action", result.action,
            std::array{budget_action::refuse, budget_action::alert, budget_action::downgrade});
  if (map.has("model")) {
    map.text("model", result.model);
    std::vector<std::string_view> models;
    for (auto& x : all.models)
      models.push_back(x.name);
    check_known_name(to, map.value("model"), result.model, models, "model");
  }
  map.end();
  return result;
}

/// What two budgets must not share: one of them would never count.
std::string identity(const budget_settings& x) {
  std::string result{to_string_view(x.scope)};
  for (auto* part : {&x.name, &x.tenant, &x.model, &x.zone.name()})
    (result += '\0') += *part;
  return (result += '\0') += to_string_view(x.period);
}

} // namespace

std::vector<budget_settings> read_budgets(reading& to, const yaml_value& at,
                                          const configuration& all) {
  std::vector<budget_settings> result;
  if (!at.there())
    return result;
  std::set<std::string> seen;
  for (auto& element : elements_of(to, at)) {
    auto mistakes = to.mistakes.size();
    result.push_back(read_budget(to, element, all));
    if (to.mistakes.size() == mistakes && !seen.insert(identity(result.back())).second)
      to.add(element.line, element.path,
             "is a second budget of the same owner, model, period and time zone", "one of them");
  }
  return result;
}

} // namespace sluice
