#pragma once

#include "runtime/time.hpp"

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>

namespace sluice {

/// The mean of what was added within the last minute, in a ring of one slot a second. A slot that
/// is older than the ring is emptied when its second comes round, so nothing needs to tick.
class recent_average {
public:
  /// Sixty slots: the window of dashboards that show "the last minute".
  static constexpr size_t window_seconds = 60;

  void add(std::chrono::nanoseconds value, steady_time now);

  /// Empty where nothing was added within the window.
  std::optional<std::chrono::nanoseconds> mean(steady_time now) const;

private:
  struct slot {
    int64_t second = -1;
    int64_t sum_ns = 0; ///< of one second: 9.2e18 ns would take 290 years of request time
    int64_t count = 0;
  };

  std::array<slot, window_seconds> slots_{};
};

} // namespace sluice
