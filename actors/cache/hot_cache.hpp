#pragma once

#include "actors/cache/tiny_lfu.hpp"
#include "runtime/cache_messages.hpp"

#include <optional>
#include <random>
#include <set>
#include <unordered_map>

namespace sluice {

/// What an entry takes beside its texts: itself, and its places in the table, the order and the
/// list of ends. None takes less.
inline constexpr uint64_t entry_bytes_min = 512;

struct hot_cache_settings {
  cache_bounds bounds;
  std::chrono::seconds ttl{0};       ///< as in `cache_settings`
  uint32_t ttl_jitter_percent = 0;   ///< as in `cache_settings`
  std::chrono::seconds stale_max{0}; ///< entries are kept so long beyond their time
  uint64_t seed = 0;                 ///< of the jitter
};

/// L1: answers in memory, by the fingerprint of their request. Bounded in entries and bytes, which
/// are those of the contents and of what an entry needs beside.
class hot_cache {
public:
  explicit hot_cache(const hot_cache_settings& settings);

  struct entry {
    cached_answer answer;
    steady_time made;
    steady_time until;
    uint64_t bytes;
    uint64_t tenant;
    bool warmed; ///< nobody has asked for it yet
  };
  /// The answer to `key`, not older than `age_max` (negative: of any age), out of date by less than
  /// `stale_max`; null where there is none. Valid until the next call.
  const entry* find(const fingerprint& key, std::chrono::seconds age_max,
                    std::chrono::seconds stale_max, steady_time now);
  /// Keeps an answer in place of an earlier one, unless others are worth more. A `ttl` of 0 is the
  /// cache's own.
  void put(cache_fill&& x, steady_time now);
  /// Drops what has expired, at most so many.
  void expire(steady_time now, size_t count_max);
  /// Drops what a tenant (`tenant_mark`) has, or everything where it is none; returns how many.
  /// Takes a tenth of a microsecond an entry.
  uint64_t purge(std::optional<uint64_t> tenant);

  uint64_t entries() const { return entries_.size(); }
  uint64_t bytes() const { return order_.bytes(); }

  struct counts {
    uint64_t stored = 0;
    uint64_t refused = 0;
    uint64_t evicted = 0;
    uint64_t expired = 0;
    uint64_t warmed_used = 0;
    uint64_t warmed_unused = 0;
  };
  /// Since this was asked last.
  counts take_counts();

private:
  struct hash {
    size_t operator()(const fingerprint& x) const { return x.low; }
  };
  using table = std::unordered_map<fingerprint, entry, hash>;

  std::chrono::nanoseconds lifetime(std::chrono::seconds ttl);
  table::iterator erase(table::iterator at);
  steady_time end_of(const entry& x) const { return x.until + settings_.stale_max; }

  hot_cache_settings settings_;
  table entries_;
  tiny_lfu order_;
  std::set<std::pair<steady_time, fingerprint>> ends_; ///< when entries are dropped
  std::vector<fingerprint> gone_;                      // empty between calls; keeps its memory
  std::mt19937_64 random_;
  counts counts_;
};

} // namespace sluice
