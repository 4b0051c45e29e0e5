#pragma once

#include "actors/monitor/metric_families.hpp"
#include "runtime/messages.hpp"

namespace sluice {

/// What the deferred jobs hold and did, as metrics. Labels are statuses and providers, all of which
/// are few.
class job_metrics {
public:
  explicit job_metrics(prometheus::Registry& registry);

  void add(const jobs_report& x);

private:
  gauge_family& batches_;
  counter_family& ended_;
  gauge_family& in_work_;
  counter_family& lines_;
  counter_family& cost_;
  counter_family& parts_;
  counter_family& taken_back_;
};

} // namespace sluice
