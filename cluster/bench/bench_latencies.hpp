#pragma once

#include <algorithm>
#include <chrono>
#include <vector>

namespace sluice {

using bench_times = std::vector<std::chrono::nanoseconds>;

inline double milliseconds(std::chrono::nanoseconds x) {
  return std::chrono::duration<double, std::milli>(x).count();
}

/// In milliseconds; 0 where there are none.
inline double quantile(bench_times x, double at) {
  if (x.empty())
    return 0;
  auto place = static_cast<ptrdiff_t>(at * static_cast<double>(x.size() - 1));
  std::nth_element(x.begin(), x.begin() + place, x.end());
  return milliseconds(x[static_cast<size_t>(place)]);
}

} // namespace sluice
