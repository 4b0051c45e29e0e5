#pragma once

#include "runtime/catalogue.hpp"

#include <span>
#include <string_view>

/// The prices that the program knows without being told. The table is `runtime/prices.inc`;
/// `scripts/check_prices.py` writes it and compares it with its source.
namespace sluice {

/// What one model costs at the provider that makes it.
struct builtin_price {
  std::string_view provider; ///< "openai", "anthropic" or "gemini"
  std::string_view model;    ///< as the provider calls it
  endpoint kind;             ///< what it can be asked
  token_price price;
  int64_t context_tokens_max; ///< what it can read at most
  int64_t output_tokens_max;  ///< what it can write at most; 0 where that means nothing
  int64_t long_from; ///< for prompts of more tokens the provider charges more than `price`; 0 where
                     ///< it does not
};

/// All of them, in the order in which a provider's models are listed.
std::span<const builtin_price> builtin_prices();

/// The row of a model; null where it is not known.
const builtin_price* find_builtin_price(std::string_view provider, std::string_view model);

/// `x` as the catalogue holds it, with the version and source of the table.
price_entry price_entry_of(const builtin_price& x);

} // namespace sluice
