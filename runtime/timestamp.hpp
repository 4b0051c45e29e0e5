#pragma once

#include "runtime/time.hpp"

#include <array>
#include <cstdint>
#include <limits>
#include <string_view>

namespace sluice {

/// Writes moments as "2026-11-22T21:05:09.123Z". Keeps the part that changes once a second, for
/// calendars are most of the cost of a log line. Not thread-safe.
class timestamp_writer {
public:
  /// The view is good until the next call.
  std::string_view text(wall_time at);

private:
  int64_t second_ = std::numeric_limits<int64_t>::min();
  std::array<char, 24> text_{};
};

} // namespace sluice
