#include "actors/monitor/cache_metrics.hpp"

#include <limits>

namespace sluice {

cache_metrics::cache_metrics(prometheus::Registry& registry)
    : lookups_(counter(registry, "sluice_cache_lookups_total",
                       "Requests that asked the cache, by what it answered.")),
      hits_{lazy_counter{lookups_, {{"result", "hit"}, {"level", "L1"}}},
            lazy_counter{lookups_, {{"result", "hit"}, {"level", "L2"}}},
            lazy_counter{lookups_, {{"result", "hit"}, {"level", "L3"}}},
            lazy_counter{lookups_, {{"result", "hit"}, {"level", "stale"}}}},
      misses_(lookups_, {{"result", "miss"}, {"level", "none"}}),
      saved_(counter(registry, "sluice_cache_saved_nanousd_total",
                     "What the answers had cost that the cache gave again.")),
      saved_tokens_(counter(registry, "sluice_cache_saved_tokens_total",
                            "What these had taken, input and output.")),
      hit_rate_(gauge(registry, "cache_hit_rate",
                      "Share of the requests of the last minute that asked the cache and were "
                      "answered by it.")),
      entries_(gauge(registry, "sluice_cache_entries", "Answers kept, by level.")),
      bytes_(gauge(registry, "sluice_cache_bytes", "Memory of the answers kept, by level.")),
      stored_(counter(registry, "sluice_cache_stored_total", "Answers given to the cache.")),
      refused_(counter(registry, "sluice_cache_refused_total",
                       "Of these, not kept: others are asked for more often.")),
      evicted_(counter(registry, "sluice_cache_evicted_total", "Answers dropped to make room.")),
      expired_(counter(registry, "sluice_cache_expired_total", "Answers dropped for their age.")),
      shed_(counter(registry, "sluice_cache_unread_total",
                    "Questions whose meaning was not looked at, as too many waited.")),
      read_(counter(registry, "sluice_cache_read_total", "Questions whose meaning was looked at.")),
      damaged_(counter(registry, "sluice_cache_damaged_total",
                       "Answers on the disk that could not be read, and were dropped.")),
      failures_(counter(registry, "sluice_cache_failures_total", "Failures of the cache's disk.")),
      own_calls_(counter(registry, "sluice_cache_own_requests_total",
                         "Requests that the cache made itself, by the reason.")),
      own_cost_(counter(registry, "sluice_cache_own_cost_nanousd_total", "What these had cost.")),
      own_{own{own_calls_, own_cost_, request_origin::refresh},
           own{own_calls_, own_cost_, request_origin::prefetch}},
      warmed_(counter(registry, "sluice_cache_warmed_total",
                      "Answers to these that were asked for since, or dropped unasked.")),
      warmed_used_(warmed_, {{"result", "used"}}), warmed_unused_(warmed_, {{"result", "unused"}}),
      checks_(counter(registry, "sluice_cache_checks_total",
                      "Answers that a model was to compare, by what it said.")),
      same_(checks_, {{"outcome", "same"}}), different_(checks_, {{"outcome", "different"}}),
      unknown_(checks_, {{"outcome", "unknown"}}), declined_(checks_, {{"outcome", "declined"}}),
      namespaces_(registry) {}

void cache_metrics::add(const request_record& x, steady_time now) {
  if (x.origin != request_origin::caller) {
    auto& to = own_[static_cast<size_t>(x.origin) - 1];
    to.calls.add();
    to.cost.add(static_cast<double>(x.cost.value));
    return;
  }
  if (x.cache == cache_result::unasked)
    return;
  seen_ = true;
  auto hit = is_hit(x.cache);
  namespaces_.add(x);
  recent_hits_.add(std::chrono::seconds{hit ? 1 : 0}, now);
  if (!hit)
    return misses_.add();
  hits_[static_cast<size_t>(x.cache) - static_cast<size_t>(cache_result::hot)].add();
  saved_tokens_.add(static_cast<double>(x.cache_saved_tokens));
  saved_.add(static_cast<double>(x.cache_saved.value));
}

void cache_metrics::add(const cache_report& x) {
  seen_ = true;
  shards_[x.shard] = {x.entries, x.bytes};
  stored_.add(static_cast<double>(x.stored));
  refused_.add(static_cast<double>(x.refused));
  evicted_.add(static_cast<double>(x.evicted));
  expired_.add(static_cast<double>(x.expired));
  if (x.warmed_used > 0)
    warmed_used_.add(static_cast<double>(x.warmed_used));
  if (x.warmed_unused > 0)
    warmed_unused_.add(static_cast<double>(x.warmed_unused));
}

void cache_metrics::add(const keeper_report& x) {
  seen_ = true;
  auto more = [](lazy_counter& to, uint64_t now, uint64_t before) {
    if (now > before)
      to.add(static_cast<double>(now - before));
  };
  more(shed_, x.shed, keeper_.shed);
  more(read_, x.read, keeper_.read);
  more(damaged_, x.damaged, keeper_.damaged);
  more(failures_, x.failures, keeper_.failures);
  more(same_, x.checks_same, keeper_.checks_same);
  more(different_, x.checks_different, keeper_.checks_different);
  more(unknown_, x.checks_unknown, keeper_.checks_unknown);
  more(declined_, x.checks_declined, keeper_.checks_declined);
  more(evicted_, x.evicted + x.vectors_evicted, keeper_.evicted + keeper_.vectors_evicted);
  more(expired_, x.expired, keeper_.expired);
  keeper_ = x;
  keeper_seen_ = true;
  namespaces_.add(x.namespaces);
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
  namespaces_.set();
  if (!keeper_seen_)
    return;
  entries_.Add({{"level", "L2"}}).Set(static_cast<double>(keeper_.vectors));
  bytes_.Add({{"level", "L2"}}).Set(static_cast<double>(keeper_.vector_bytes));
  entries_.Add({{"level", "L3"}}).Set(static_cast<double>(keeper_.entries));
  bytes_.Add({{"level", "L3"}}).Set(static_cast<double>(keeper_.bytes));
}

} // namespace sluice
