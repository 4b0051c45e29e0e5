#pragma once

#include "runtime/charge.hpp"
#include "runtime/ec.hpp"

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

/// What is asked of the ledger, and what it says.
namespace sluice {

/// Sets `most` aside for an attempt, in all accounts that it belongs to or in none.
struct charge_order {
  uint64_t call = 0; ///< as the client numbers it
  charge_purpose purpose;
  nanousd most; ///< that it can cost
  /// The most that it can use, for keys with a limit of tokens per minute; 0 counts nothing.
  int64_t tokens = 0;
};

/// How a key stands with its tokens per minute.
struct token_allowance {
  int64_t limit = 0;                  ///< tokens per minute; 0 for none
  int64_t remaining = 0;              ///< that a request could have now
  std::chrono::milliseconds reset{0}; ///< until all can be had again
};

/// How the hard budget stands that has the least left of all that a charge belongs to.
struct budget_standing {
  bool limited = false; ///< there is one
  nanousd limit;
  nanousd remaining;
  std::chrono::milliseconds reset{0}; ///< until it begins anew
};

/// The money is set aside, and that is on the disk; or `why` it is not.
struct charge_verdict {
  uint64_t call = 0;   ///< of the order
  charge_id id;        ///< where it was set aside
  ec why = ec::none;   ///< otherwise `budget_exceeded`, `rate_limited` or `storage_failed`
  std::string message; ///< then for the caller: which limit, how much of it is left, until when
  std::chrono::milliseconds retry_after{-1}; ///< until it may be covered; negative for never
  bool downgrade = false;                    ///< a cheaper model may be asked
  budget_standing budget;                    ///< with this charge, or that refuses it
  token_allowance tokens;                    ///< likewise
};

/// A charge has ended. Says so once: what is set aside stays so until then.
struct charge_end {
  uint64_t call = 0; ///< as the client numbers it; 0 where it wants no answer
  charge_id id;
  charge_outcome outcome;
};

/// The charge is in the ledger, and that is on the disk.
struct charge_ended {
  uint64_t call = 0;
  ec why = ec::none; ///< `storage_failed`, or `not_found` for a charge that is not open
};

/// The ledger's answers to one client, as many as one write brought.
struct ledger_verdicts {
  std::vector<charge_verdict> reserved;
  std::vector<charge_ended> settled;
};

/// An account as people see it.
struct account_view {
  budget_scope scope = budget_scope::tenant;
  charge_owner owner;
  std::string model; ///< empty for all
  period_kind period = period_kind::day;
  std::string period_name; ///< "2026-11-23", "2026-W48", "2026-11"
  std::string zone;
  wall_time begin;
  wall_time end;
  bool limited = false;
  nanousd limit; ///< where it is limited
  budget_action action = budget_action::refuse;
  nanousd spent;
  nanousd open; ///< set aside for charges under way
  nanousd overrun;
  uint64_t charges = 0; ///< settled
};

/// Asks for the accounts of the present periods that an owner's charges belong to.
struct account_query {
  charge_owner owner; ///< empty fields leave out the accounts that ask for them; all empty: every
                      ///< account
};

struct account_list {
  std::vector<account_view> accounts;
};

/// Asks for all budgets and how their accounts stand.
struct budget_query {
  uint32_t unused = 0;
};

/// Those of the configuration that count, those that were set while the node ran, and all accounts
/// of the present periods.
struct budget_list {
  std::vector<budget_rule> budgets;
  std::vector<account_view> accounts;
};

/// What the ledger holds and did, told about once a second while it changes.
struct ledger_report {
  std::vector<account_view> accounts; ///< of tenants, for all models
  uint64_t open = 0;                  ///< charges
  nanousd open_sum;
  uint64_t rows = 0;    ///< since the last report
  uint64_t commits = 0; ///< since the last report
  uint64_t refused = 0; ///< charges that a budget did not cover, since the last report
  uint64_t assumed = 0; ///< charges that count as the most they could cost, since the last report
  uint64_t violations = 0; ///< accounts found with more spent and set aside than there is, ever
  bool clock_doubted = false;
  bool failed = false;         ///< the disk took no more
  uint64_t refused_tokens = 0; ///< for a key's tokens per minute, since the last report
  /// Told since the last report, by the per cent of the budget that was used; 0 for budgets that
  /// will not last.
  std::map<uint32_t, uint64_t> alarms{};
};

} // namespace sluice
