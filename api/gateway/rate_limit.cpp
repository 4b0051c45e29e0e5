#include "api/gateway/rate_limit.hpp"

#include <algorithm>

namespace sluice {

using namespace std::chrono;

rate_verdict rate_limiter::take(steady_time now) {
  if (per_minute_ == 0)
    return {};
  const int64_t step = duration_cast<nanoseconds>(minutes{1}).count() / per_minute_;
  const int64_t window =
      step * per_minute_; // not the minute itself: the rest would let one more in
  const int64_t at = duration_cast<nanoseconds>(now.time_since_epoch()).count();
  auto rounded_up = [](int64_t ns) { return milliseconds{(ns + 999'999) / 1'000'000}; };
  rate_verdict verdict;
  verdict.limit = per_minute_;
  auto before = full_at_.load(std::memory_order_relaxed);
  for (;;) {
    auto after = std::max(before, at) + step;
    if (after - at > window) {
      verdict.allowed = false;
      verdict.retry_after = rounded_up(after - at - window);
      verdict.reset = rounded_up(std::max(before, at) - at);
      return verdict;
    }
    if (full_at_.compare_exchange_weak(before, after, std::memory_order_relaxed)) {
      verdict.remaining = static_cast<uint32_t>((window - (after - at)) / step);
      verdict.reset = rounded_up(after - at);
      return verdict;
    }
  }
}

} // namespace sluice
