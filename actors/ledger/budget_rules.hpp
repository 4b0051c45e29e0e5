#pragma once

#include "runtime/configuration.hpp"

#include <vector>

namespace sluice {

/// Which accounts a charge belongs to: those of every budget that fits it, and two that count where
/// nothing limits them: its tenant's and its key's day in UTC, for people ask what they have spent.
///
/// What an operator sets while the node runs stands in the place of all that the configuration has
/// for the same owner, model and period, whatever the time zone. A tenant that has a budget for all
/// models, be it one without a limit, has no daily one beside it.
///
/// For one thread.
class budget_rules {
public:
  /// `daily` is for each tenant that no budget of a tenant for all models fits.
  budget_rules(std::vector<budget_settings> budgets, nanousd daily);

  /// From now on.
  void change(const budget_change& x);
  /// All that count, the widest scope first.
  std::vector<budget_rule> budgets() const;

  /// With period, limit and action, without number and sums; the widest scope first, no two of them
  /// the same.
  std::vector<ledger_account> accounts_of(const charge_owner& owner, const std::string& model,
                                          wall_time at) const;

private:
  const budget_period& period_of(period_kind kind, const time_zone& zone, wall_time at) const;

  struct known_budget {
    budget_rule rule;
    time_zone zone;
  };
  void count_anew();

  std::vector<known_budget> configured_;
  std::vector<known_budget> set_;     ///< at run time
  std::vector<known_budget> budgets_; ///< that count, the widest scope first
  nanousd daily_;
  struct known_period {
    period_kind kind;
    std::string zone;
    budget_period period;
  };
  mutable std::vector<known_period> periods_; ///< the last that was asked for of each kind and zone
};

/// What two accounts share that are the same: scope, owner, model, period, zone and its begin.
std::string account_key(const ledger_account& x);

} // namespace sluice
