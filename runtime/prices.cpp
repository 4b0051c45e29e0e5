#include "runtime/prices.hpp"

namespace sluice {

namespace {

#include "runtime/prices.inc"

} // namespace

std::span<const builtin_price> builtin_prices() {
  return table;
}

const builtin_price* find_builtin_price(std::string_view provider, std::string_view model) {
  for (auto& x : table)
    if (x.provider == provider && x.model == model)
      return &x;
  return nullptr;
}

price_entry price_entry_of(const builtin_price& x) {
  return {x.price, std::string{table_version}, std::string{table_source}};
}

} // namespace sluice
