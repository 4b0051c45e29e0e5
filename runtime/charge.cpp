#include "runtime/charge.hpp"

#include <array>

namespace sluice {

std::string_view to_string_view(budget_scope x) {
  static constexpr std::array<std::string_view, 4> names{"tenant", "team", "user", "key"};
  return names.at(static_cast<size_t>(x));
}

std::string_view to_string_view(budget_action x) {
  static constexpr std::array<std::string_view, 3> names{"refuse", "alert", "downgrade"};
  return names.at(static_cast<size_t>(x));
}

} // namespace sluice
