#pragma once

#include "cluster/bench/batching_world.hpp"

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace sluice {

/// What is measured, and how long.
struct batching_bench_options {
  uint32_t clients = 32;
  uint32_t closed_requests = 6'400; ///< two hundred times all clients
  uint32_t open_requests = 4'000;   ///< at 16 a second four minutes, at 2 half an hour
  /// Of each load, not counted, whoever serves it: one part in so many.
  uint32_t warm_up_part = 10;
  uint64_t seed = 1;
  std::vector<double> duplicates{0.0, 0.2, 0.4};
  std::vector<double> rates{2, 4, 8, 12, 16};
  reference_upstream upstream;
};

/// One load: the same arrivals straight to the upstream, through the adjuster, and through the best
/// of the fixed pairs of size and wait.
struct batching_comparison {
  double duplicates = 0;
  double rate = 0; ///< 0 for the closed loop
  batching_result direct;
  batching_result batched;
  batching_result best_fixed;
  uint32_t best_size = 0;
  std::chrono::milliseconds best_wait{0};
};

struct batching_report {
  std::vector<batching_comparison> closed;
  std::vector<batching_comparison> open;
};

/// Runs the reference workload. `say` hears of progress.
caf::expected<batching_report>
run_batching_bench(const batching_bench_options& options,
                   const std::function<void(const std::string&)>& say);

/// For people.
std::string to_text(const batching_report& x, const batching_bench_options& options);

/// One object; what its keys mean stands in docs/benchmarks.md.
std::string to_json(const batching_report& x, const batching_bench_options& options);

} // namespace sluice
