#include "actors/monitor/recent_average.hpp"

namespace sluice {

namespace {

int64_t second_of(steady_time now) {
  return std::chrono::floor<std::chrono::seconds>(now.time_since_epoch()).count();
}

} // namespace

void recent_average::add(std::chrono::nanoseconds value, steady_time now) {
  auto second = second_of(now);
  auto& x = slots_[static_cast<size_t>(second) % window_seconds];
  if (x.second != second)
    x = {second, 0, 0};
  x.sum_ns += value.count();
  ++x.count;
}

std::optional<std::chrono::nanoseconds> recent_average::mean(steady_time now) const {
  auto second = second_of(now);
  int64_t sum = 0;
  int64_t count = 0;
  for (const auto& x : slots_)
    if (x.second >= 0 && second - x.second < static_cast<int64_t>(window_seconds)) {
      sum += x.sum_ns;
      count += x.count;
    }
  if (count == 0)
    return std::nullopt;
  return std::chrono::nanoseconds{sum / count};
}

} // namespace sluice
