#pragma once

#include "actors/cache/encoder/encoder_precision.hpp"
#include "cluster/bench/cache_stream.hpp"

#include <caf/expected.hpp>

#include <chrono>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

namespace sluice {

struct cache_stream_options {
  std::string stream; ///< "high", "mixed", "low", or a file of {"text", "label"}, where questions
                      ///< of one label have the same answer
  std::filesystem::path questions; ///< pairs that a reference stream is drawn from
  std::filesystem::path model;     ///< folder of the encoder
  encoder_precision precision = encoder_precision::fp32;
  size_t size = 2'000; ///< of a reference stream
  uint64_t seed = 1;
  uint64_t cache_size = 1'000; ///< L1
  double error_rate_max = 0.01;
  double similarity_min = 0.85;
  std::chrono::milliseconds upstream{300}; ///< a call's time, on a virtual clock
};

struct cache_stream_report {
  size_t requests = 0;
  size_t l1 = 0;
  size_t l2 = 0;
  size_t l3 = 0;
  size_t wrong = 0;    ///< hits with the answer to another question
  size_t wrong_l2 = 0; ///< likewise; the other levels cannot
  uint64_t verified_samples = 0;
  uint64_t verified_wrong = 0;
  size_t calls_given_up = 0;               ///< to the provider, as the cache answered meanwhile
  std::chrono::nanoseconds time{0};        ///< of all requests
  std::chrono::nanoseconds time_direct{0}; ///< without a cache
  std::vector<std::chrono::nanoseconds> miss_added;
  std::vector<std::chrono::nanoseconds> l2_times;
};

/// Plays a stream, one question after the other, to L1, L2 and L3 as a node has them, with a
/// database in a folder for temporary files. The provider takes `upstream` on a virtual clock; what
/// the cache does is timed. Answers are compared by what is known of their meaning.
caf::expected<cache_stream_report>
run_cache_stream(const cache_stream_options& options,
                 const std::function<void(const std::string&)>& say);

/// For people.
std::string to_text(const cache_stream_report& x);

/// One object; what its keys mean stands in docs/benchmarks.md.
std::string to_json(const cache_stream_report& x);

} // namespace sluice
