#include "actors/monitor/cache_metrics.hpp"

#include <limits>

namespace sluice {

cache_metrics::cache_metrics(prometheus::Registry& registry)
    : lookups_(counter(registry, "sluice_cache_lookups_total",
                       "Requests that asked the cache, by what it answered.")),
      hits_(lookups_, {{"result", "hit"}, {"level", "L1"}}),
      misses_(lookups_, {{"result", "miss"}, {"level", "none"}}),
      saved_(counter(registry, "sluice_cache_saved_nanousd_total",
                     "What the answers had cost that the cache gave again.")),
      hit_rate_(gauge(registry, "cache_hit_rate",
                      "Share of the requests of the last minute that asked the cache and were "
                      "answered by it.")),
      entries_(gauge(registry, "sluice_cache_entries", "Answers kept, by level.")),
      bytes_(gauge(registry, "sluice_cache_bytes", "Memory of the answers kept, by level.")),
      stored_(counter(registry, "sluice_cache_stored_total", "Answers given to the cache.")),
      refused_(counter(registry, "sluice_cache_refused_total",
                       "Of these, not kept: others are asked for more often.")),
      evicted_(counter(registry, "sluice_cache_evicted_total", "Answers dropped to make room.")),
      expired_(counter(registry, "sluice_cache_expired_total", "Answers dropped for their age.")) {}

void cache_metrics::add(const request_record& x, steady_time now) {
  if (x.cache == cache_result::unasked)
    return;
  seen_ = true;
  auto hit = x.cache == cache_result::hot;
  recent_hits_.add(std::chrono::seconds{hit ? 1 : 0}, now);
  if (!hit)
    return misses_.add();
  hits_.add();
  saved_.add(static_cast<double>(x.cache_saved.value));
}

void cache_metrics::add(const cache_report& x) {
  seen_ = true;
  shards_[x.shard] = {x.entries, x.bytes};
  stored_.add(static_cast<double>(x.stored));
  refused_.add(static_cast<double>(x.refused));
  evicted_.add(static_cast<double>(x.evicted));
  expired_.add(static_cast<double>(x.expired));
}

void cache_metrics::set(steady_time now) {
  if (!seen_)
    return;
  auto mean = recent_hits_.mean(now);
  hit_rate_.Add({}).Set(mean ? std::chrono::duration<double>(*mean).count()
                             : std::numeric_limits<double>::quiet_NaN());
  held sum;
  for (auto& [shard, x] : shards_) {
    sum.entries += x.entries;
    sum.bytes += x.bytes;
  }
  entries_.Add({{"level", "L1"}}).Set(static_cast<double>(sum.entries));
  bytes_.Add({{"level", "L1"}}).Set(static_cast<double>(sum.bytes));
}

} // namespace sluice
