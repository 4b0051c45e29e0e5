#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace sluice {

/// The candidate that `name` is most likely a slip of, for "did you mean": the fewest characters
/// inserted, removed, replaced or swapped with their neighbour, where that is at most a third of
/// them. Empty where none is near. Case does not count.
std::string nearest_name(std::string_view name, const std::vector<std::string_view>& candidates);

} // namespace sluice
