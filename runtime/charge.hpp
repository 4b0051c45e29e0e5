#pragma once

#include "runtime/budget_period.hpp"
#include "runtime/money.hpp"

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

/// What the ledger writes down. A charge is one attempt at a provider: two attempts are two
/// charges, for each may be billed.
namespace sluice {

/// Names a charge. Never used twice.
struct charge_id {
  uint64_t node = 0;        ///< who made it; the same over restarts
  uint64_t incarnation = 0; ///< of that node, one more with each start
  uint64_t number = 0;      ///< within it

  friend auto operator<=>(const charge_id&, const charge_id&) = default;
};

/// Who pays, from the widest to the narrowest. All but the tenant may be empty.
struct charge_owner {
  std::string tenant;
  std::string team;
  std::string user;
  std::string key_id;

  friend auto operator<=>(const charge_owner&, const charge_owner&) = default;
};

/// What a charge is made for.
struct charge_purpose {
  charge_owner owner;
  std::string request_id;
  uint32_t attempt = 1; ///< of the request, from 1
  std::string route;    ///< as in `request_record`
  std::string model;    ///< as the caller named it
  std::string deployment;
  std::string price_version;

  friend bool operator==(const charge_purpose&, const charge_purpose&) = default;
};

/// A charge that is reserved and not settled.
struct open_charge {
  charge_id id;
  charge_purpose purpose;
  nanousd most; ///< that it can cost
  wall_time reserved;
  std::vector<uint32_t> accounts; ///< by number

  friend bool operator==(const open_charge&, const open_charge&) = default;
};

/// What is to be known of how a row came about; a set of bits. Append only.
enum class charge_flag : uint32_t {
  assumed = 1,   ///< nobody knows what it did cost: it counts as the most that it could
  overrun = 2,   ///< it did cost more than was reserved
  estimated = 4, ///< the provider told no usage: its tokens were counted by us
  unsent = 8,    ///< the provider never got it: it costs nothing
  joined = 16,   ///< answered with another's call, which pays
  failed = 32,   ///< the provider refused or broke off
};

/// How a charge ended.
struct charge_outcome {
  token_usage usage;
  nanousd cost;           ///< not of `assumed`, which costs what was reserved
  nanousd counterfactual; ///< what it would have cost without the gateway
  uint32_t flags = 0;     ///< of `charge_flag`

  bool has(charge_flag x) const { return (flags & static_cast<uint32_t>(x)) != 0; }
  void set(charge_flag x) { flags |= static_cast<uint32_t>(x); }
  friend bool operator==(const charge_outcome&, const charge_outcome&) = default;
};

/// A row of the ledger: a charge that is settled.
struct ledger_row {
  open_charge charge;
  charge_outcome outcome;
  wall_time settled;

  friend bool operator==(const ledger_row&, const ledger_row&) = default;
};

/// Whose budget it is. Append only.
enum class budget_scope : uint8_t { tenant, team, user, key };
std::string_view to_string_view(budget_scope x);

/// What happens to a request that a budget does not cover. Append only.
enum class budget_action : uint8_t {
  refuse,
  alert,     ///< it is made all the same, and somebody is told
  downgrade, ///< a cheaper model is asked, where one is left
};
std::string_view to_string_view(budget_action x);

/// A budget as somebody says it; its accounts are those of all whom it fits.
struct budget_rule {
  budget_scope scope = budget_scope::tenant;
  std::string name;   ///< of the tenant, team, user or key; "*" for each one of its own
  std::string tenant; ///< of a team, user or key: whose it is; empty for whoever's
  std::string model;  ///< as callers name it; empty for all
  period_kind period = period_kind::day;
  std::string zone = "UTC";
  budget_action action = budget_action::refuse;
  bool limited = true; ///< otherwise it only counts
  nanousd limit;
  bool at_run_time = false; ///< said by an operator of the running node, not by its configuration

  /// What no two budgets share that were set while the node ran.
  bool same_place(const budget_rule& x) const {
    return scope == x.scope && name == x.name && tenant == x.tenant && model == x.model &&
           period == x.period;
  }
  friend bool operator==(const budget_rule&, const budget_rule&) = default;
};

/// What an operator of a running node says about a budget.
struct budget_change {
  budget_rule rule;  ///< in the place of all that the configuration has there
  bool undo = false; ///< what the configuration has there counts again
};

/// One account: what somebody may spend in one period, and has.
struct ledger_account {
  uint32_t number = 0; ///< from 1, never used twice
  budget_scope scope = budget_scope::tenant;
  charge_owner owner; ///< fields that do not matter to it are empty
  std::string model;  ///< empty for all
  period_kind period = period_kind::day;
  std::string zone = "UTC";
  wall_time begin; ///< of the period
  wall_time end;
  std::optional<nanousd> limit; ///< empty where it only counts
  budget_action action = budget_action::refuse;
  // As in `escrow_state` and `escrow_share`.
  nanousd granted;
  nanousd returned;
  nanousd spent;
  uint64_t grants = 0;
  nanousd overrun;       ///< that charges did cost beyond what was reserved
  uint64_t charges = 0;  ///< settled
  uint32_t alerted = 0;  ///< per cent that somebody was told about
  bool foreseen = false; ///< somebody was told that it will not last for its period

  friend bool operator==(const ledger_account&, const ledger_account&) = default;
};

/// All charges that were reserved on one day (UTC).
struct ledger_day {
  std::chrono::sys_days day;
  uint64_t charges = 0; ///< settled
  nanousd spent;
  bool closed = false;   ///< the day is over, and so are its charges
  uint64_t last_row = 0; ///< when it was closed
  std::string chain{};   ///< of that row: 32 bytes, SHA-256

  friend bool operator==(const ledger_day&, const ledger_day&) = default;
};

} // namespace sluice
