#include "runtime/nearest_name.hpp"

#include <algorithm>
#include <array>

namespace sluice {

namespace {

// Longer than any name that is in use; what is longer has no suggestion, so that a name of
// megabytes costs nothing.
constexpr size_t length_max = 64;

using row = std::array<size_t, length_max + 1>;

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

/// Edits between two names of at most `length_max` characters (optimal string alignment: a swap of
/// neighbours is one edit).
size_t distance(std::string_view a, std::string_view b) {
  row before_last{};
  row last{};
  row current{};
  for (size_t j = 0; j <= b.size(); ++j)
    last[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    current[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      bool same = lower(a[i - 1]) == lower(b[j - 1]);
      current[j] = std::min({last[j] + 1, current[j - 1] + 1, last[j - 1] + (same ? 0 : 1)});
      bool swapped = i > 1 && j > 1 && lower(a[i - 1]) == lower(b[j - 2]) &&
                     lower(a[i - 2]) == lower(b[j - 1]);
      if (swapped)
        current[j] = std::min(current[j], before_last[j - 2] + 1);
    }
    before_last = last;
    last = current;
  }
  return last[b.size()];
}

} // namespace

std::string nearest_name(std::string_view name, const std::vector<std::string_view>& candidates) {
  if (name.empty() || name.size() > length_max)
    return {};
  std::string_view best;
  size_t best_distance = std::max<size_t>(1, name.size() / 3) + 1;
  for (auto candidate : candidates) {
    if (candidate.size() > length_max)
      continue;
    auto d = distance(name, candidate);
    if (d < best_distance) {
      best = candidate;
      best_distance = d;
    }
  }
  return std::string{best};
}

} // namespace sluice
