#pragma once

#include "runtime/time.hpp"

#include <atomic>
#include <chrono>
#include <cstdint>

namespace sluice {

/// What a limiter says to one request.
struct rate_verdict {
  bool allowed = true;
  uint32_t limit = 0;                       ///< requests per minute
  uint32_t remaining = 0;                   ///< that would be allowed at once now
  std::chrono::milliseconds retry_after{0}; ///< until one is allowed again; where refused
  std::chrono::milliseconds reset{0};       ///< until all are allowed again
};

/// So many requests a minute, in a burst or evenly: the generic cell rate algorithm (ITU-T I.371),
/// which keeps one moment and needs no clean-up. Thread-safe: all loops of a node share one limiter
/// a key.
class rate_limiter {
public:
  /// `per_minute` of 0 limits nothing.
  explicit rate_limiter(uint32_t per_minute) : per_minute_(per_minute) {}

  rate_verdict take(steady_time now);

private:
  const uint32_t per_minute_;
  std::atomic<int64_t> full_at_{0}; // steady nanoseconds at which nothing counts any more
};

} // namespace sluice
