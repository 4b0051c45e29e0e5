#include "runtime/configuration/sections.hpp"
#include "runtime/nearest_name.hpp"

#include <algorithm>

/// The models that the cache asks for itself.
namespace sluice {

namespace {

// A day's budget, up to what no operator spends on it by intent.
constexpr bounds<nanousd> budget{{0}, {1'000'000'000'000'000}};

/// Why `name` cannot do `what`, which is said as "chat"; empty where it can.
std::string objection(const std::string& name, const std::vector<model>& models, endpoint kind,
                      std::string_view what) {
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
  if (std::find(kinds.begin(), kinds.end(), kind) == kinds.end())
    return "is a model that cannot " + std::string{what};
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
  if (auto why = objection(into.checker, models, endpoint::chat_completions, "chat"); !why.empty())
    add_mistake(map.context(), map.value("checker"), why, "the name of a model that chats");
  if (into.checker_budget <= nanousd{})
    map.fail(map.has("checker_budget") ? "checker_budget" : "checker",
             "has no budget: checker_budget must be above 0", "dollars a day, as 1.50");
}

void read_embeddings(map_reader& outer, const std::vector<model>& models,
                     similar_settings& similar) {
  auto& into = similar.embeddings;
  map_reader map{outer.context(), outer.value("embeddings")};
  map.text("model", into.model);
  // More than any model's vectors have.
  map.integer<uint32_t>("dimensions", into.dimensions, {1, 16'384});
  map.decimal("answers_agree", into.answers_agree, {0, 1});
  map.usd("daily_budget", into.daily_budget, budget);
  if (into.model.empty()) {
    for (auto key : {"dimensions", "answers_agree", "daily_budget"})
      if (map.has(key))
        map.fail(key, "is said without a model", "model: the name of a model");
    return map.end();
  }
  if (auto why = objection(into.model, models, endpoint::embeddings, "embed"); !why.empty())
    add_mistake(map.context(), map.value("model"), why, "the name of a model that embeds");
  if (!map.has("dimensions"))
    map.fail("model", "has no dimensions: nobody knows how long its vectors are",
             "dimensions: 1536");
  if (into.daily_budget <= nanousd{})
    map.fail(map.has("daily_budget") ? "daily_budget" : "model",
             "has no budget: daily_budget must be above 0", "dollars a day, as 1.50");
  for (auto key : {"model", "precision"})
    if (outer.has(key))
      outer.fail(key, "is of the node's own encoder, and embeddings.model names another",
                 "one of the two");
  map.end();
}

} // namespace sluice
