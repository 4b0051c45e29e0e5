#pragma once

#include <cstdint>

namespace sluice::bench {

struct upstream_settings {
  uint16_t port = 0; ///< 0 lets the system choose; the port is printed
  /// Events of a stream handed to the kernel at once. Servers of models write each token when they
  /// have it; docs/benchmarks.md says what more would change.
  uint32_t events_per_write = 1;
};

/// Answers chat completions at once until the process is ended: a provider that costs nothing, so
/// that what is measured is the gateway in front of it.
[[noreturn]] void run_upstream(const upstream_settings& settings);

} // namespace sluice::bench
