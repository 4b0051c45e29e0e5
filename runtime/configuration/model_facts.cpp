#include "runtime/configuration/model_facts.hpp"

#include "runtime/prices.hpp"
#include "runtime/sim_models.hpp"

namespace sluice {

namespace {

/// The simulator, inside this process or behind an address of its own.
bool is_simulated(const provider_settings& provider) {
  return provider.provider_kind == "sluice.simulated";
}

/// The provider's name in the price table; empty for those that it does not have.
std::string_view table_name(const provider_settings& provider) {
  auto& kind = provider.provider_kind;
  if (kind == "openai" || kind == "anthropic")
    return kind;
  return kind == "gcp.gemini" ? "gemini" : "";
}

} // namespace

std::optional<model_facts> find_facts(const provider_settings& provider, std::string_view model) {
  if (is_simulated(provider)) {
    auto x = find_sim_model(model);
    if (!x)
      return std::nullopt;
    return model_facts{{x->endpoints.begin(), x->endpoints.end()},
                       {x->price, "simulated", "what the simulated upstream bills"},
                       x->context_tokens_max,
                       x->output_tokens_max,
                       0};
  }
  auto x = find_builtin_price(table_name(provider), model);
  if (!x)
    return std::nullopt;
  return model_facts{
      {x->kind}, price_entry_of(*x), x->context_tokens_max, x->output_tokens_max, x->long_from};
}

std::vector<std::string_view> known_models(const provider_settings& provider) {
  std::vector<std::string_view> result;
  if (is_simulated(provider)) {
    for (auto& x : sim_models())
      result.push_back(x.name);
    return result;
  }
  for (auto& x : builtin_prices())
    if (x.provider == table_name(provider))
      result.push_back(x.model);
  return result;
}

} // namespace sluice
