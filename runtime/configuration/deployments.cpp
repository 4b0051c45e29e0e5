#include "runtime/configuration/deployments.hpp"

#include "runtime/configuration/names.hpp"
#include "runtime/nearest_name.hpp"

#include <algorithm>

namespace sluice {

namespace {

// Ten times the largest context that is on sale.
constexpr bounds<int64_t> token_limit{0, 100'000'000};

// A thousand dollars per million tokens: beyond every list price, so that a price per token or per
// thousand tokens in the wrong place is noticed.
constexpr bounds<nanousd> price_range{{0}, {1'000'000'000'000}};

void read_price_part(map_reader& map, const std::string& name, int64_t& into) {
  nanousd x{into};
  map.usd(name, x, price_range);
  into = x.value;
}

/// `price: {input: 2.50, output: 10}` in US dollars per million tokens. What is left out costs what
/// it does in the price lists: the cache like fresh input, reasoning like output.
token_price read_price(reading& to, const yaml_value& at, bool embeddings_only) {
  token_price result;
  map_reader map{to, at};
  map.require("input", "US dollars per million tokens");
  if (!embeddings_only)
    map.require("output", "US dollars per million tokens");
  read_price_part(map, "input", result.input);
  read_price_part(map, "output", result.output);
  result.cache_read = result.cache_write = result.input;
  result.reasoning = result.output;
  read_price_part(map, "cache_read", result.cache_read);
  read_price_part(map, "cache_write", result.cache_write);
  read_price_part(map, "reasoning", result.reasoning);
  map.end();
  return result;
}

void read_price_of(map_reader& map, bool embeddings_only, deployment& into) {
  auto& to = map.context();
  auto at = map.value("price");
  if (at.is_scalar() && at.node.Scalar() == "unknown") {
    into.price.reset();
    to.notices.push_back("price unknown: calls of '" + into.id +
                         "' are counted but cost nothing in budgets and reports");
  } else if (at.there()) {
    into.price = price_entry{read_price(to, at, embeddings_only), "file",
                             to.file + ", line " + std::to_string(at.line)};
  } else if (!into.price && !into.provider.empty()) {
    map.fail("price", "the model '" + into.upstream_model + "' is not in the built-in price table",
             "price: {input: 2.50, output: 10} in US dollars per million tokens, or price: "
             "unknown");
  }
}

const provider_settings* find_provider(const std::vector<provider_settings>& providers,
                                       std::string_view name) {
  auto i = std::find_if(providers.begin(), providers.end(),
                        [&](const provider_settings& x) { return x.name == name; });
  return i == providers.end() ? nullptr : &*i;
}

void report_unknown_provider(map_reader& map, const std::string& name,
                             const std::vector<provider_settings>& providers) {
  std::vector<std::string_view> names;
  std::string allowed;
  for (auto& x : providers) {
    names.push_back(x.name);
    allowed += (allowed.empty() ? "" : ", ") + x.name;
  }
  auto nearest = nearest_name(name, names);
  map.fail("provider",
           "there is no provider '" + name + "'" +
               (nearest.empty() ? "" : "; did you mean '" + nearest + "'?"),
           allowed.empty() ? "the name of an entry under providers" : allowed);
}

} // namespace

placed_deployment deployment_at(const provider_settings& provider, const std::string& model) {
  placed_deployment result;
  auto& x = result.value;
  x.id = provider.name + "/" + model;
  x.provider = provider.name;
  x.provider_kind = provider.provider_kind;
  x.upstream_model = model;
  if (auto facts = find_facts(provider, model)) {
    x.price = facts->price;
    x.context_tokens_max = facts->context_tokens_max;
    x.output_tokens_max = facts->output_tokens_max;
    result.endpoints = facts->endpoints;
  }
  return result;
}

std::optional<placed_deployment> read_deployment(reading& to, const yaml_value& at,
                                                 const std::string& model, bool embeddings_only,
                                                 const std::vector<provider_settings>& providers) {
  map_reader map{to, at};
  map.require("provider", "the name of an entry under providers");
  std::string provider_name;
  std::string upstream_model = model;
  map.text("provider", provider_name);
  map.text("model", upstream_model);
  if (!is_model_name(upstream_model))
    map.fail("model", "'" + upstream_model + "' is no name for a model",
             std::string{model_name_allowed});
  auto provider = find_provider(providers, provider_name);
  if (!provider && !provider_name.empty())
    report_unknown_provider(map, provider_name, providers);
  auto result = provider ? deployment_at(*provider, upstream_model) : placed_deployment{};
  read_price_of(map, embeddings_only, result.value);
  map.integer<int64_t>("context_tokens_max", result.value.context_tokens_max, token_limit);
  map.integer<int64_t>("output_tokens_max", result.value.output_tokens_max, token_limit);
  map.end();
  return provider ? std::optional{std::move(result)} : std::nullopt;
}

} // namespace sluice
