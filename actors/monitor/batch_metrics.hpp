#pragma once

#include "actors/monitor/metric_families.hpp"
#include "runtime/messages.hpp"

namespace sluice {

/// What batchers do and why, as metrics; `sluice batch status` reads them. Labels are deployments
/// of the configuration, endpoints and reasons of the adjuster, all of which are few.
class batch_metrics {
public:
  explicit batch_metrics(prometheus::Registry& registry);

  void add(const batch_report& x, steady_time now);
  /// Brings `batch_throughput` to `now`.
  void set(steady_time now);

private:
  double decayed(steady_time now) const;

  gauge_family& throughput_;
  counter_family& calls_;
  counter_family& requests_;
  counter_family& divided_;
  counter_family& overloads_;
  counter_family& reruns_;
  counter_family& decisions_;
  gauge_family& waiting_;
  gauge_family& in_flight_;
  gauge_family& size_limit_;
  gauge_family& calls_limit_;
  gauge_family& calls_reason_;
  gauge_family& base_;
  gauge_family& per_item_;
  double recent_ = 0; ///< requests, each weighing less the longer ago it was
  steady_time recent_at_{};
  bool seen_ = false;
};

} // namespace sluice
