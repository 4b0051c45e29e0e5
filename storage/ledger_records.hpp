#pragma once

#include "runtime/ledger_archive.hpp"

#include <string>
#include <string_view>

/// What the ledger keeps beside its charges and rows (`runtime/ledger_chain.hpp`), as bytes, and
/// the keys of it all. Records are as in `runtime/record.hpp`; reading fails with `storage_failed`.
namespace sluice {

/// Where the ledger stands; written anew with every commit.
struct ledger_state {
  uint64_t node = 0;
  uint64_t incarnation = 0; ///< the last that was begun
  uint64_t commits = 0;     ///< so far, begins among them
  uint64_t rows = 0;        ///< number of the last
  std::string chain;        ///< of that row
  wall_time latest;         ///< time of the last commit

  friend bool operator==(const ledger_state&, const ledger_state&) = default;
};

std::string encode_state(const ledger_state& x);
caf::expected<ledger_state> decode_state(std::string_view bytes);

std::string encode_account(const ledger_account& x);
caf::expected<ledger_account> decode_account(std::string_view bytes);

std::string encode_day(const ledger_day& x);
caf::expected<ledger_day> decode_day(std::string_view bytes);

std::string encode_budget(const budget_rule& x);
caf::expected<budget_rule> decode_budget(std::string_view bytes);

/// A row as it is stored: the chain, then the bytes that it covers.
std::string encode_stored_row(std::string_view chain, std::string_view row);
caf::expected<numbered_row> decode_stored_row(uint64_t number, std::string_view bytes);

// Big-endian, so that keys stand in the order of what they name.
std::string key_of(uint64_t number);
std::string key_of(const charge_id& x);
std::string key_of(std::chrono::sys_days x);
/// The same for budgets of the same place.
std::string key_of(const budget_rule& x);

} // namespace sluice
