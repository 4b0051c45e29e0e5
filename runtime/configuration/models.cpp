#include "runtime/configuration/deployments.hpp"
#include "runtime/configuration/names.hpp"
#include "runtime/configuration/sections.hpp"
#include "runtime/nearest_name.hpp"

#include <algorithm>
#include <array>

namespace sluice {

namespace {

struct named_endpoint {
  std::string_view name;
  endpoint value;
};

constexpr std::array endpoint_names{
    named_endpoint{"chat_completions", endpoint::chat_completions},
    named_endpoint{"completions", endpoint::completions},
    named_endpoint{"embeddings", endpoint::embeddings},
};

std::vector<endpoint> read_endpoints(reading& to, const yaml_value& at) {
  std::vector<endpoint> result;
  for (auto& element : elements_of(to, at)) {
    auto text = text_of(to, element);
    if (!text)
      continue;
    auto i = std::find_if(endpoint_names.begin(), endpoint_names.end(),
                          [&](const named_endpoint& x) { return x.name == *text; });
    if (i == endpoint_names.end())
      add_mistake(to, element, "is no endpoint", "chat_completions, completions, embeddings");
    else if (std::find(result.begin(), result.end(), i->value) == result.end())
      result.push_back(i->value);
  }
  return result;
}

/// Every provider whose table has `name`, in the order of the providers.
std::vector<placed_deployment>
deployments_by_name(const std::string& name, const std::vector<provider_settings>& providers) {
  std::vector<placed_deployment> result;
  for (auto& provider : providers) {
    auto known = known_models(provider);
    if (std::find(known.begin(), known.end(), name) != known.end())
      result.push_back(deployment_at(provider, name));
  }
  return result;
}

void report_unknown_model(reading& to, const yaml_value& at, const std::string& name,
                          const std::vector<provider_settings>& providers) {
  std::vector<std::string_view> names;
  for (auto& provider : providers)
    for (auto x : known_models(provider))
      names.push_back(x);
  auto nearest = nearest_name(name, names);
  to.add(at.line, at.path,
         "no provider is known to have '" + name + "'" +
             (nearest.empty() ? "" : "; did you mean '" + nearest + "'?"),
         "a model of the built-in price table, or one with deployments and their price");
}

/// What all of the deployments can be asked. Those whose model is not in the tables are taken to
/// know what the others know, and chat where no table says anything.
std::vector<endpoint> common_endpoints(const std::vector<placed_deployment>& deployments) {
  std::vector<endpoint> result;
  for (auto& candidate : endpoint_names) {
    bool known = false;
    bool all = true;
    for (auto& x : deployments) {
      if (x.endpoints.empty())
        continue;
      known = true;
      all = all &&
            std::find(x.endpoints.begin(), x.endpoints.end(), candidate.value) != x.endpoints.end();
    }
    if (known ? all : candidate.value == endpoint::chat_completions)
      result.push_back(candidate.value);
  }
  return result;
}

std::vector<placed_deployment> read_deployments(map_reader& map, const model& of,
                                                const std::vector<provider_settings>& providers) {
  std::vector<placed_deployment> result;
  bool embeddings_only = of.endpoints == std::vector{endpoint::embeddings};
  auto elements = elements_of(map.context(), map.value("deployments"));
  for (auto& element : elements) {
    auto x = read_deployment(map.context(), element, of.name, embeddings_only, providers);
    if (!x)
      continue;
    bool twice = std::any_of(result.begin(), result.end(),
                             [&](const placed_deployment& y) { return y.value.id == x->value.id; });
    if (twice)
      map.context().add(element.line, element.path,
                        "the deployment '" + x->value.id + "' is there twice",
                        "another provider or model");
    else
      result.push_back(std::move(*x));
  }
  if (elements.empty() && map.value("deployments").node.IsSequence())
    map.fail("deployments", "is empty", "at least one deployment");
  return result;
}

void place(model& into, std::vector<placed_deployment> deployments) {
  if (into.endpoints.empty())
    into.endpoints = common_endpoints(deployments);
  for (auto& x : deployments)
    into.deployments.push_back(std::move(x.value));
  if (into.owned_by.empty() && !into.deployments.empty())
    into.owned_by = into.deployments.front().provider;
}

model read_model(reading& to, const yaml_value& at,
                 const std::vector<provider_settings>& providers) {
  model result;
  if (at.is_scalar()) {
    result.name = text_of(to, at).value_or("");
    auto found = deployments_by_name(result.name, providers);
    if (found.empty() && !result.name.empty())
      report_unknown_model(to, at, result.name, providers);
    place(result, std::move(found));
    return result;
  }
  map_reader map{to, at};
  map.require("name", "the name that callers use");
  map.text("name", result.name);
  if (map.has("name") && !is_model_name(result.name))
    map.fail("name", "'" + result.name + "' is no name for a model",
             std::string{model_name_allowed});
  map.text("owned_by", result.owned_by);
  std::string pack = "deny";
  map.choice("packing", pack, {"allow", "deny"});
  result.pack = pack == "allow" ? packing::allowed : packing::denied;
  result.endpoints = read_endpoints(to, map.value("endpoints"));
  bool listed = map.has("deployments");
  auto deployments = listed ? read_deployments(map, result, providers)
                            : deployments_by_name(result.name, providers);
  if (!listed && deployments.empty() && !result.name.empty())
    report_unknown_model(to, map.value("name"), result.name, providers);
  place(result, std::move(deployments));
  if (result.endpoints.empty() && !result.deployments.empty())
    map.fail("endpoints", "the deployments have no endpoint in common",
             "deployments of one kind, or the endpoints that all of them have");
  map.end();
  return result;
}

/// One deployment may serve several names, but it is one thing with one price.
void check_agreement(reading& to, const yaml_value& at, const model& x,
                     const std::vector<model>& others) {
  for (auto& mine : x.deployments)
    for (auto& other : others)
      for (auto& theirs : other.deployments) {
        bool same_price = mine.price.has_value() == theirs.price.has_value() &&
                          (!mine.price || mine.price->price == theirs.price->price);
        bool same = same_price && mine.context_tokens_max == theirs.context_tokens_max &&
                    mine.output_tokens_max == theirs.output_tokens_max;
        if (mine.id == theirs.id && !same)
          to.add(at.line, at.path,
                 "the deployment '" + mine.id + "' has another price or limit under '" +
                     other.name + "'",
                 "the same price and limits everywhere");
      }
}

} // namespace

std::vector<model> read_models(reading& to, const yaml_value& at,
                               const std::vector<provider_settings>& providers) {
  std::vector<model> result;
  for (auto& element : elements_of(to, at)) {
    auto x = read_model(to, element, providers);
    bool twice =
        std::any_of(result.begin(), result.end(), [&](const model& y) { return y.name == x.name; });
    if (twice && !x.name.empty()) {
      to.add(element.line, element.path, "the model '" + x.name + "' is there twice",
             "names that differ; several deployments of one model stand in one entry");
      continue;
    }
    check_agreement(to, element, x, result);
    result.push_back(std::move(x));
  }
  return result;
}

std::vector<model> builtin_models(const std::vector<provider_settings>& providers) {
  std::vector<model> result;
  for (auto& provider : providers)
    for (auto name : known_models(provider)) {
      bool there =
          std::any_of(result.begin(), result.end(), [&](const model& x) { return x.name == name; });
      if (there)
        continue;
      model x;
      x.name = name;
      place(x, deployments_by_name(x.name, providers));
      result.push_back(std::move(x));
    }
  return result;
}

} // namespace sluice
