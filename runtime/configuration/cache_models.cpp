#include "runtime/configuration/sections.hpp"
#include "runtime/nearest_name.hpp"

#include <algorithm>

/// The models that the cache asks for itself.
namespace sluice {

namespace {

// A day's budget, up to what no operator spends on it by intent.
constexpr bounds<nanousd> budget{{0}, {1'000'000'000'000'000}};

/// Why `name` cannot compare answers; empty where it can.
std::string objection(const std::string& name, const std::vector<model>& models) {
  auto found = std::find_if(models.begin(), models.end(), [&](auto& x) { return x.name == name; });
  if (found == models.end()) {
    std::vector<std::string_view> names;
    for (auto& x : models)
      names.push_back(x.name);
    auto nearest = nearest_name(name, names);
    return "is no model of this configuration" +
           (nearest.empty() ? std::string{} : "; did you mean '" + nearest + "'?");
  }
  auto& kinds = found->endpoints;
  if (std::find(kinds.begin(), kinds.end(), endpoint::chat_completions) == kinds.end())
    return "is a model that cannot chat";
  for (auto& x : found->deployments)
    if (!x.price)
      return "is a model whose price is unknown at '" + x.provider +
             "', so that its calls cannot be held to a budget";
  return {};
}

} // namespace

void read_checker(map_reader& map, const std::vector<model>& models, similar_settings& into) {
  map.text("checker", into.checker);
  map.usd("checker_budget", into.checker_budget, budget);
  if (into.checker.empty()) {
    if (map.has("checker_budget"))
      map.fail("checker_budget", "is said without a checker", "checker: the name of a model");
    return;
  }
  if (auto why = objection(into.checker, models); !why.empty())
    add_mistake(map.context(), map.value("checker"), why, "the name of a model that chats");
  if (into.checker_budget <= nanousd{})
    map.fail(map.has("checker_budget") ? "checker_budget" : "checker",
             "has no budget: checker_budget must be above 0", "dollars a day, as 1.50");
}

} // namespace sluice
