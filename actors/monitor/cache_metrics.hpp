#pragma once

#include "actors/monitor/lazy_counter.hpp"
#include "actors/monitor/metric_families.hpp"
#include "actors/monitor/namespace_metrics.hpp"
#include "actors/monitor/recent_average.hpp"
#include "runtime/messages.hpp"

#include <array>
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
  void add(const keeper_report& x);
  /// Brings `cache_hit_rate` to `now`.
  void set(steady_time now);

private:
  struct held {
    uint64_t entries = 0;
    uint64_t bytes = 0;
  };
  /// Requests of the cache's own.
  struct own {
    own(counter_family& calls_of, counter_family& cost_of, request_origin why)
        : calls(calls_of, {{"origin", std::string{to_string_view(why)}}}),
          cost(cost_of, {{"origin", std::string{to_string_view(why)}}}) {}
    lazy_counter calls;
    lazy_counter cost;
  };

  counter_family& lookups_;
  std::array<lazy_counter, 4> hits_; ///< by level, in the order of `cache_result`
  lazy_counter misses_;
  lazy_counter saved_;
  lazy_counter saved_tokens_;
  gauge_family& hit_rate_;
  gauge_family& entries_;
  gauge_family& bytes_;
  lazy_counter stored_;
  lazy_counter refused_;
  lazy_counter evicted_;
  lazy_counter expired_;
  lazy_counter shed_;
  lazy_counter read_;
  lazy_counter damaged_;
  lazy_counter failures_;
  counter_family& own_calls_;
  counter_family& own_cost_;
  std::array<own, request_origins - 1> own_; ///< in the order of `request_origin`
  counter_family& warmed_;
  lazy_counter warmed_used_;
  lazy_counter warmed_unused_;
  counter_family& checks_;
  lazy_counter same_;
  lazy_counter different_;
  lazy_counter unknown_;
  lazy_counter declined_;
  namespace_metrics namespaces_;
  recent_average recent_hits_; ///< a second for a hit, nothing for a miss
  std::map<uint32_t, held> shards_;
  keeper_report keeper_; ///< the last
  bool keeper_seen_ = false;
  bool seen_ = false;
};

} // namespace sluice
