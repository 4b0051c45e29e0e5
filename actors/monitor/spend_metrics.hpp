#pragma once

#include "actors/monitor/lazy_counter.hpp"
#include "actors/monitor/metric_families.hpp"
#include "runtime/ledger_messages.hpp"

#include <optional>

namespace sluice {

/// What is spent and set aside, as metrics. The sums are those of the ledger; numbers of metrics
/// are floating-point, so a bill is read from the ledger itself.
class spend_metrics {
public:
  explicit spend_metrics(prometheus::Registry& registry);

  void add(const ledger_report& x);
  /// What all tenants together have spent on the day (UTC) of `now`; empty without a ledger.
  std::optional<nanousd> daily_cost(wall_time now) const;

private:
  void set_accounts();

  gauge_family& spent_;
  gauge_family& open_;
  gauge_family& limit_;
  gauge_family& charges_open_;
  gauge_family& violations_;
  gauge_family& clock_doubted_;
  gauge_family& failed_;
  lazy_counter rows_;
  lazy_counter commits_;
  lazy_counter refused_;
  lazy_counter refused_tokens_;
  counter_family& alarms_;
  lazy_counter assumed_;
  std::optional<ledger_report> last_;
};

} // namespace sluice
