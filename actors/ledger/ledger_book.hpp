#pragma once

#include "actors/ledger/budget_alarms.hpp"
#include "actors/ledger/budget_rules.hpp"
#include "actors/ledger/escrow_home.hpp"
#include "actors/ledger/escrow_node.hpp"
#include "actors/ledger/token_limits.hpp"
#include "runtime/ledger_archive.hpp"
#include "runtime/ledger_messages.hpp"

#include <map>
#include <memory>
#include <set>
#include <unordered_map>

namespace sluice {

/// The accounts of a node and the charges that are open in them. What it decides counts only once
/// its changes, which `take_changes` gives out, are on the disk.
///
/// An account's home and its node stand in one process here, and speak as they would from afar: see
/// `escrow_home` and `escrow_node`.
///
/// For one thread.
class ledger_book {
public:
  /// Goes on from `contents`. What was open there counts as the most that it could cost.
  ledger_book(budget_rules rules, ledger_contents contents, wall_time now,
              const token_limits::per_minute& tokens = {});
  ~ledger_book();

  /// Sets money aside in all accounts that the charge belongs to and takes its tokens of those of
  /// its key, or does nothing.
  charge_verdict reserve(const charge_order& x, wall_time now);
  /// Fails with `not_found` for a charge that is not open. Of an assumed one the cost is what was
  /// set aside.
  ec settle(const charge_id& id, charge_outcome x, wall_time now);
  /// Counts at once, for what is under way too.
  void change(const budget_change& x, wall_time now);
  /// Closes days that are over, and forgets accounts of periods that are.
  void turn(wall_time now);

  /// What has changed since the last time.
  ledger_batch take_changes(wall_time now);
  /// Budgets that passed 50, 80, 90 or 100 per cent since the last time, or will not last.
  std::vector<budget_alarm> take_alarms() { return std::exchange(alarms_, {}); }

  std::vector<account_view> accounts(const charge_owner& owner) const;
  std::vector<budget_rule> budgets() const { return rules_.budgets(); }
  /// Those of tenants for all models.
  std::vector<account_view> tenants() const;
  uint64_t open() const { return open_.size(); }
  nanousd open_sum() const { return open_sum_; }
  /// Accounts found with more spent and set aside than was granted to them, or with another balance
  /// at home. There is no way to that but a mistake in this program.
  uint64_t violations() const { return violations_; }

private:
  struct account;
  struct day_state {
    ledger_day sums;
    uint64_t open = 0;
    bool changed = false;
  };
  using account_list_t = std::vector<account*>;

  account& find(const ledger_account& x);
  account& restore(const ledger_account& x, std::map<charge_id, nanousd>&& open);
  void limit(account& x, const ledger_account& as);
  account* first_short(const account_list_t& of, nanousd most) const;
  static budget_standing standing(const account_list_t& of, wall_time now);
  const account_list_t& accounts_of(const charge_owner& owner, const std::string& model,
                                    wall_time now);
  void change(account& x);
  void warn(account& x, wall_time now);
  day_state& day_of(wall_time at);

  budget_rules rules_;
  token_limits tokens_;
  uint64_t node_;
  uint64_t incarnation_;
  uint64_t charge_next_ = 1;
  uint32_t account_next_ = 1;
  std::map<std::string, std::unique_ptr<account>> accounts_; ///< by `account_key`
  std::unordered_map<uint32_t, account*> by_number_;
  struct cached_accounts {
    account_list_t accounts;
    wall_time begin; ///< they are right from here
    wall_time end;   ///< to here
  };
  std::unordered_map<std::string, cached_accounts> cache_; ///< by owner and model
  std::map<charge_id, open_charge> open_;
  nanousd open_sum_;
  std::map<std::chrono::sys_days, day_state> days_;
  std::set<charge_id> opened_; ///< since the last changes
  std::vector<charge_id> ended_;
  std::vector<ledger_row> rows_;
  std::vector<account*> changed_;
  std::vector<ledger_day> closed_;
  std::vector<budget_alarm> alarms_;
  std::vector<budget_change> budget_changes_;
  uint64_t violations_ = 0;
};

} // namespace sluice
