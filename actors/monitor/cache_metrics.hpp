#pragma once

#include "actors/monitor/metric_families.hpp"
#include "actors/monitor/recent_average.hpp"
#include "runtime/messages.hpp"

#include <map>

namespace sluice {

/// What the cache answered and holds, as metrics. Without a label of a tenant: the request log has
/// them.
class cache_metrics {
public:
  explicit cache_metrics(prometheus::Registry& registry);

  /// A request that asked the cache, or did not.
  void add(const request_record& x, steady_time now);
  void add(const cache_report& x);
  /// Brings `cache_hit_rate` to `now`.
  void set(steady_time now);

private:
  struct held {
    uint64_t entries = 0;
    uint64_t bytes = 0;
  };

  counter_family& lookups_;
  counter_family& saved_;
  gauge_family& hit_rate_;
  gauge_family& entries_;
  gauge_family& bytes_;
  counter_family& stored_;
  counter_family& refused_;
  counter_family& evicted_;
  counter_family& expired_;
  recent_average hits_; ///< a second for a hit, nothing for a miss
  std::map<uint32_t, held> shards_;
  bool seen_ = false;
};

} // namespace sluice
