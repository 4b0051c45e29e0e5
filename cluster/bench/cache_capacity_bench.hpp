#pragma once

#include "cluster/bench/bench_latencies.hpp"

#include <caf/expected.hpp>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>

namespace sluice {

struct cache_capacity_options {
  uint64_t entries = 1'000'000; ///< on the disk, those with a question included: what one node
                                ///< is meant for
  uint64_t vectors = 100'000;   ///< of these, with a question that is compared with
  uint64_t lookups = 20'000;    ///< of each kind: 200 of them are behind a p99
  uint64_t cache_size = 1'000;  ///< L1, as by default
  size_t answer_bytes = 1'000;  ///< about an answer of 200 words
  size_t facts_bytes = 3'000;   ///< what a judge needs of a question: 2 to 5 KB (docs/judge.md)
  std::filesystem::path folder; ///< for a folder that is removed afterwards; empty: the system's
};

/// Speeds of a level beside what they are compared with, in the same run.
struct level_figures {
  bench_times hits;
  bench_times reference;
};

struct cache_capacity_report {
  uint64_t entries = 0;
  uint64_t vectors = 0;

  double l3_inserts_per_s = 0;
  double l2_inserts_per_s = 0;        ///< from `vectors / 2` to `vectors`, the archive's part
                                      ///< included, the encoder's left out
  double reference_inserts_per_s = 0; ///< plain RocksDB

  level_figures l1; ///< beside a `std::unordered_map`
  level_figures l2; ///< beside a scan of all vectors
  level_figures l3; ///< beside plain RocksDB
  bench_times misses;
  double l2_recall = 0; ///< share of the lookups that found the nearest of all

  double live_mib = 0; ///< of the entries before compression
  double disk_mib = 0;
  double reference_disk_mib = 0; ///< without facts and vectors
  double rss_start_mib = 0;
  double rss_entries_mib = 0; ///< with all entries that have no question
  double rss_vectors_mib = 0; ///< with the others
  double vector_bytes = 0;    ///< by the keeper's own count, of each

  double open_s = 0;    ///< of the database
  double search_s = 0;  ///< then, for the hottest
  double l1_warm_s = 0; ///< then, until L1 has them
  double l2_warm_s = 0; ///< then, until L2 has its vectors
  bench_times steps;    ///< of all three: what a lookup may have to wait meanwhile
  uint64_t warmed_l1 = 0;
  uint64_t warmed_l2 = 0;
  double rss_warm_mib = 0;
};

/// Fills L1, L2 and L3 as a node has them, on one thread, looks up in each, and starts again. The
/// answers are hexadecimal digits, which compress to half, as texts do. The vectors are 384 wide,
/// in groups of twenty with a cosine of 0.9 between two of them; a lookup asks for one with a
/// cosine of 0.95 to what is kept, so that all ten neighbours are fetched and judged. Encoder and
/// judge are not timed: vectors come ready, and the judge's word is the cosine.
/// `docs/benchmarks.md` says what came out and what the keys of the JSON mean.
caf::expected<cache_capacity_report>
run_cache_capacity(const cache_capacity_options& options,
                   const std::function<void(const std::string&)>& say);
std::string to_text(const cache_capacity_report& x);
std::string to_json(const cache_capacity_report& x);

} // namespace sluice
