#include "runtime/configuration/sections.hpp"

namespace sluice {

using namespace std::chrono_literals;
using std::chrono::seconds;

namespace {

// A million dollars: beyond it a slip is likelier than a plan.
constexpr bounds<nanousd> daily_budget{{0}, {1'000'000'000'000'000}};

/// Reads `name` into `into` where the file says it.
template <class T, class Read>
void read_optional(map_reader& map, const std::string& name, std::optional<T>& into, Read read) {
  if (!map.has(name))
    return;
  T value{};
  read(value);
  into = value;
}

cache_policy read_policy(reading& to, const yaml_value& at) {
  cache_policy result;
  map_reader map{to, at};
  map.text("tenant", result.tenant);
  map.text("model", result.model);
  read_optional(map, "enabled", result.enabled, [&](bool& x) { map.flag("enabled", x); });
  read_optional(map, "ttl", result.ttl, [&](seconds& x) {
    map.duration<seconds>("ttl", x, {1s, 10 * 365 * 24h});
  });
  read_optional(map, "stale_while_revalidate", result.stale_while_revalidate, [&](seconds& x) {
    map.duration<seconds>("stale_while_revalidate", x, {0s, 365 * 24h});
  });
  read_optional(map, "similar", result.similar, [&](bool& x) { map.flag("similar", x); });
  read_optional(map, "error_rate_max", result.error_rate_max, [&](double& x) {
    map.decimal("error_rate_max", x, {0, 1});
  });
  read_optional(map, "any_conversation", result.any_conversation,
                [&](bool& x) { map.flag("any_conversation", x); });
  map.end();
  return result;
}

/// Says where a policy names what there is not.
void check_name(reading& to, const yaml_value& policy, const std::string& setting,
                const std::string& name, const std::vector<std::string_view>& known,
                const std::string& what) {
  if (!name.empty())
    check_known_name(to, map_reader{to, policy}.value(setting), name, known, what);
}

} // namespace

void read_warming(reading& to, const yaml_value& at, warming_settings& into) {
  map_reader map{to, at};
  // An answer that is fetched anew in the first half of its time has the wrong time.
  map.integer<uint32_t>("refresh_ahead_percent", into.refresh_ahead_percent, {0, 50});
  map.flag("prefetch", into.prefetch);
  map.usd("daily_budget", into.daily_budget, daily_budget);
  auto on = into.refresh_ahead_percent > 0 || into.prefetch;
  if (on && into.daily_budget == nanousd{})
    map.fail("daily_budget", "is missing: what is fetched in advance costs money",
             "what that may cost on a day, in US dollars");
  map.end();
}

std::vector<cache_policy> read_cache_policies(reading& to, const yaml_value& at) {
  std::vector<cache_policy> result;
  if (at.there())
    for (auto& element : elements_of(to, at))
      result.push_back(read_policy(to, element));
  return result;
}

void check_cache_policies(reading& to, const yaml_value& cache, const configuration& all) {
  auto& policies = all.cache.policies;
  if (policies.empty())
    return;
  std::vector<std::string_view> models;
  for (auto& x : all.models)
    models.push_back(x.name);
  std::vector<std::string_view> tenants;
  if (all.keys.empty())
    tenants.push_back("default"); // as whom everybody is let in then
  for (auto& x : all.keys)
    tenants.push_back(x.tenant);
  reading unheard{to.file, to.env, {}, {}, {}}; // the section's mistakes were told
  map_reader map{unheard, cache};
  auto elements = elements_of(unheard, map.value("policies"));
  for (size_t i = 0; i < elements.size() && i < policies.size(); ++i) {
    check_name(to, elements[i], "model", policies[i].model, models, "model");
    check_name(to, elements[i], "tenant", policies[i].tenant, tenants, "tenant");
  }
}

} // namespace sluice
