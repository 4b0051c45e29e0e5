#pragma once

#include "actors/cache/encoder/encoder_precision.hpp"
#include "actors/cache/judge/judge.hpp"
#include "cluster/bench/hit_figures.hpp"

#include <caf/expected.hpp>

#include <chrono>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace sluice {

/// What the cache by meaning would serve: of pairs, or of queries to a cache filled before.
struct cache_bench_options {
  std::filesystem::path pairs;   ///< lines {"a", "b", "duplicate"}; or else
  std::filesystem::path fill;    ///< lines {"text", "label"} that are stored, and
  std::filesystem::path nearest; ///< lines that are asked
  std::filesystem::path model;   ///< folder of the encoder
  encoder_precision precision = encoder_precision::fp32;
  /// For training: a line of tab-separated values for each judgement, a head first.
  std::filesystem::path features;
  /// For training: in place of the weights that are built in.
  std::filesystem::path weights;
};

/// The cosine at which caches by similarity alone often serve, beside which the judge is shown.
inline constexpr double cosine_baseline = 0.85;

/// Nearest stored questions that the judge sees: the candidate and its neighbours.
inline constexpr size_t nearest_count = 1 + neighbourhood::others_max;

struct cache_bench_report {
  size_t rows = 0;
  std::vector<scored_pair> judged;
  std::vector<scored_pair> by_cosine;
  std::chrono::nanoseconds judging{0}; ///< of all rows, on one thread, encoding not included

  double judge_us() const { ///< of one row, on average
    return rows == 0 ? 0 : static_cast<double>(judging.count()) / 1e3 / static_cast<double>(rows);
  }
};

/// Encodes and judges. `say` hears of progress. Errors name the file, and the line where one is
/// bad.
caf::expected<cache_bench_report>
run_cache_bench(const cache_bench_options& options,
                const std::function<void(const std::string&)>& say);

/// For people.
std::string to_text(const cache_bench_report& x);

/// One object; what its keys mean stands in docs/judge.md.
std::string to_json(const cache_bench_report& x);

} // namespace sluice
