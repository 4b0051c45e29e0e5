#pragma once

#include "actors/batching/batch_adjuster.hpp"
#include "runtime/money.hpp"

#include <caf/expected.hpp>

#include <chrono>
#include <cstdint>
#include <optional>
#include <vector>

namespace sluice {

/// One run of the reference workload: who asks, and who is between them and the upstream.
struct batching_load {
  uint32_t clients = 0;  ///< closed loop: each asks again as soon as it is answered; 0 for open
  double rate = 0;       ///< open loop: Poisson arrivals a second
  uint32_t requests = 0; ///< answered in all
  uint32_t warm_up = 0;  ///< of them, the first, which are not counted
  double duplicates = 0; ///< share of requests that nearly repeat one in flight
  uint64_t seed = 1;
  /// Empty: straight to the upstream, which queues what it cannot serve.
  std::optional<adjuster_settings> batching;
};

/// What came of it, in simulated time.
struct batching_result {
  double requests_per_s = 0;
  double mean_ms = 0;
  double p50_ms = 0;
  double p99_ms = 0;
  double calls_per_request = 0;
  double batch_size_mean = 0;
  double merged_share = 0;
  nanousd bill;          ///< what the upstream bills for the tokens
  uint64_t calls = 0;    ///< upstream calls; the reference upstream bills by the call
  uint32_t requests = 0; ///< counted
  uint32_t failed = 0;
};

/// The reference upstream: one call at a time, T(n) = 275.0 ms + 42.4 ms · n.
struct reference_upstream {
  std::chrono::microseconds base{275'000};
  std::chrono::microseconds per_prompt{42'400};
};

/// Plays `load` with the product's own merger, batcher and simulated provider on a virtual clock:
/// each waits exactly as long as it says, whatever this machine is doing, and hours pass in a
/// second. Fails where the simulated provider cannot be made.
caf::expected<batching_result> play(const batching_load& load, const reference_upstream& upstream);

} // namespace sluice
