#pragma once

#include "runtime/configuration.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// What the built-in tables know about a model at a provider.
namespace sluice {

struct model_facts {
  std::vector<endpoint> endpoints;
  price_entry price;
  int64_t context_tokens_max = 0;
  int64_t output_tokens_max = 0;
  int64_t long_from = 0; ///< see `builtin_price`
};

/// Empty where the tables have no such model.
std::optional<model_facts> find_facts(const provider_settings& provider, std::string_view model);

/// The models that the tables know at this provider, in the order of the table.
std::vector<std::string_view> known_models(const provider_settings& provider);

} // namespace sluice
