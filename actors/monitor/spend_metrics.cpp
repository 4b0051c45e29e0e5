#include "actors/monitor/spend_metrics.hpp"

#include <algorithm>

namespace sluice {

namespace {

/// Tenants that have gauges of their own; a series each for spent, open and limit. Who has more
/// asks the ledger.
constexpr size_t accounts_max = 1'000;

prometheus::Labels labels_of(const account_view& x) {
  return {{"tenant", x.owner.tenant},
          {"period", std::string{to_string_view(x.period)}},
          {"zone", x.zone}};
}

} // namespace

spend_metrics::spend_metrics(prometheus::Registry& to)
    : spent_(gauge(to, "sluice_budget_spent_usd",
                   "US dollars that a tenant has spent in the present period")),
      open_(gauge(to, "sluice_budget_open_usd",
                  "US dollars that are set aside for a tenant's requests under way")),
      limit_(gauge(to, "sluice_budget_limit_usd",
                   "US dollars that a tenant may spend in the present period")),
      charges_open_(gauge(to, "sluice_ledger_open_charges",
                          "Attempts at providers that are reserved and not settled")),
      violations_(gauge(to, "sluice_ledger_violations",
                        "Accounts found with more spent and set aside than they have, or with two "
                        "balances; not 0 is a bug")),
      clock_doubted_(gauge(to, "sluice_ledger_clock_doubted",
                           "1 while the system's clock has jumped and budgets go by the steady "
                           "one")),
      failed_(gauge(to, "sluice_ledger_failed", "1 when the ledger could not be written")),
      rows_(counter(to, "sluice_ledger_rows_total", "Charges settled"), {}),
      commits_(counter(to, "sluice_ledger_commits_total", "Writes of the ledger to the disk"), {}),
      refused_(counter(to, "sluice_budget_refused_total", "Attempts that a budget did not cover"),
               {}),
      refused_tokens_(counter(to, "sluice_token_limit_refused_total",
                              "Attempts that a key's tokens per minute did not cover"),
                      {}),
      alarms_(counter(to, "sluice_budget_alarms_total",
                      "Budgets of which so many per cent were used, or that will not last for "
                      "their period")),
      assumed_(counter(to, "sluice_ledger_assumed_total",
                       "Charges that count as the most they could cost, as nobody knows"),
               {}) {}

void spend_metrics::add(const ledger_report& x) {
  auto more = [](lazy_counter& to, uint64_t by) {
    if (by > 0)
      to.add(static_cast<double>(by));
  };
  more(rows_, x.rows);
  more(commits_, x.commits);
  more(refused_, x.refused);
  more(refused_tokens_, x.refused_tokens);
  more(assumed_, x.assumed);
  for (auto& [percent, count] : x.alarms)
    alarms_.Add({{"percent", percent > 0 ? std::to_string(percent) : "foreseen"}})
        .Increment(static_cast<double>(count));
  charges_open_.Add({}).Set(static_cast<double>(x.open));
  violations_.Add({}).Set(static_cast<double>(x.violations));
  clock_doubted_.Add({}).Set(x.clock_doubted ? 1 : 0);
  failed_.Add({}).Set(x.failed ? 1 : 0);
  last_ = x;
  set_accounts();
}

void spend_metrics::set_accounts() {
  auto count = std::min(last_->accounts.size(), accounts_max);
  for (size_t i = 0; i < count; ++i) {
    auto& x = last_->accounts[i];
    auto labels = labels_of(x);
    spent_.Add(labels).Set(usd(x.spent));
    open_.Add(labels).Set(usd(x.open));
    if (x.limited)
      limit_.Add(labels).Set(usd(x.limit));
  }
}

std::optional<nanousd> spend_metrics::daily_cost(wall_time now) const {
  if (!last_)
    return std::nullopt;
  nanousd result;
  for (auto& x : last_->accounts)
    if (x.period == period_kind::day && x.zone == "UTC" && x.begin <= now && now < x.end)
      result += x.spent;
  return result;
}

} // namespace sluice
