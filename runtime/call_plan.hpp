#pragma once

#include "runtime/configuration.hpp"
#include "runtime/messages.hpp"

#include <cstdint>
#include <string_view>

namespace sluice {

/// What to do after a failed call, and why.
struct next_step {
  enum class kind : uint8_t { retry, fallback, give_up };
  kind what = kind::give_up;
  std::chrono::milliseconds delay{0}; ///< before a retry
  std::string_view reason;            ///< a literal, for the log
};

/// Where a request stands on its way through its candidates.
struct call_progress {
  uint32_t candidate = 0;     ///< index of the one that failed
  uint32_t candidates = 1;    ///< how many there are
  uint32_t attempts_here = 1; ///< calls made to it
};

/// Decides on retry and fallback before the first content reached the client. A retry waits as long
/// as the upstream asked, or else a random time between zero and base · 2^(attempts−1) ("full
/// jitter": it spreads a herd best, see the AWS architecture blog, "Exponential backoff and
/// jitter"). `random` is uniform over all values. A step never ends after `until`.
next_step after_failure(const failure& why, const call_progress& progress,
                        const retry_settings& settings, deadline until, steady_time now,
                        uint64_t random);

} // namespace sluice
