#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <sys/types.h>
#include <vector>

namespace sluice::bench {

/// How requests are sent to a gateway (or straight to the upstream).
struct load_settings {
  uint16_t port = 0;
  uint32_t connections = 64; ///< of the closed loop or the streams in flight; those that the open
                             ///< loop spreads its requests over
  uint32_t rate = 0;         ///< requests a second of the open loop; 0 for the closed loop
  /// Of the open loop: its requests are due when the monotonic clock, divided by the interval,
  /// leaves this; loads that run together take turns by it.
  std::chrono::microseconds phase{0};
  uint32_t events = 0;     ///< of each answer, usage and [DONE] not counted; 0 for whole answers
  uint64_t questions = 0;  ///< so many different requests, in turn; 0: no two are the same
  uint64_t body_bytes = 0; ///< what each whole answer must have; 0 for what the first one had
  std::chrono::milliseconds warm_up{1'000}; ///< pools fill, branch predictors learn
  std::chrono::milliseconds measured{5'000};
  std::string model;
  std::string key;
  std::vector<pid_t> watched; ///< their processor time is measured over the same window
};

/// Runs one load and prints what came of it as one JSON object. The result is the exit status: 1
/// where an answer was wrong or missing.
int run_load(const load_settings& settings);

} // namespace sluice::bench
