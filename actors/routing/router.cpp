#include "actors/routing/router.hpp"

#include "runtime/nearest_name.hpp"

#include <algorithm>
#include <limits>

namespace sluice {

namespace {

// Comparing a name with so many takes about a millisecond; a loop has better things to do.
constexpr size_t suggestion_models_max = 500;

// What the message of an error repeats of the name that the caller sent.
constexpr size_t quoted_max = 128;

std::string quoted(const std::string& name) {
  return "`" + (name.size() <= quoted_max ? name : name.substr(0, quoted_max) + "...") + "`";
}

/// OpenAI's wording, which people search for.
caf::error no_such_model(const catalogue& models, const std::string& name) {
  auto message = "The model " + quoted(name) + " does not exist or you do not have access to it.";
  std::vector<std::string_view> names;
  if (models.models().size() <= suggestion_models_max)
    for (auto& x : models.models())
      names.push_back(x.name);
  auto nearest = nearest_name(name, names);
  if (!nearest.empty())
    message += " Did you mean `" + nearest + "`?";
  return make_error(ec::model_not_found, std::move(message), "model");
}

caf::error wrong_endpoint(const model& x, endpoint kind) {
  std::string others;
  for (auto other : x.endpoints)
    others.append(others.empty() ? "/v1/" : ", /v1/").append(path_of(other));
  return make_error(ec::invalid_value,
                    "The model " + quoted(x.name) + " cannot be used with /v1/" +
                        std::string{path_of(kind)} +
                        (others.empty() ? "." : "; it can be used with " + others + "."),
                    "model");
}

} // namespace

caf::expected<route_decision> route(const catalogue& models, const route_query& query,
                                    const health_view& health, steady_time now) {
  auto found = models.find_model(query.model);
  if (!found)
    return no_such_model(models, query.model);
  auto& endpoints = found->endpoints;
  if (std::find(endpoints.begin(), endpoints.end(), query.kind) == endpoints.end())
    return wrong_endpoint(*found, query.kind);
  if (found->deployments.empty())
    return make_error(ec::upstream_unavailable);
  route_decision result;
  std::vector<candidate> failing;
  for (auto& x : found->deployments) {
    auto& list = health.available(x.id, now) ? result.candidates : failing;
    list.push_back({x.id, estimate_max(x, query)});
  }
  result.reason = "named model, " + std::to_string(result.candidates.size()) + " of " +
                  std::to_string(found->deployments.size()) + " deployments";
  result.candidates.insert(result.candidates.end(), failing.begin(), failing.end());
  return result;
}

nanousd estimate_max(const deployment& x, const route_query& query) {
  if (!x.price)
    return {0};
  auto price = x.price->price;
  price.input = std::max({price.input, price.cache_read, price.cache_write});
  price.output = std::max(price.output, price.reasoning);
  // No model writes more than it can, whatever the caller allows.
  auto output = x.output_tokens_max > 0 ? std::min(query.output_tokens_max, x.output_tokens_max)
                                        : query.output_tokens_max;
  auto result = cost({query.input_tokens, 0, 0, output, 0}, price);
  return result.value_or(nanousd{std::numeric_limits<int64_t>::max()});
}

} // namespace sluice
