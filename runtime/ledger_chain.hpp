#pragma once

#include "runtime/charge.hpp"

#include <caf/expected.hpp>

#include <string>
#include <string_view>

/// Charges and rows as bytes, and the chain over the rows: for all who keep or check a ledger.
namespace sluice {

/// A record as in `runtime/record.hpp`.
std::string encode_charge(const open_charge& x);
/// Fails with `storage_failed`.
caf::expected<open_charge> decode_charge(std::string_view bytes);

std::string encode_row(const ledger_row& x);
/// Fails with `storage_failed`.
caf::expected<ledger_row> decode_row(std::string_view bytes);

/// Of every link of the chain: SHA-256.
inline constexpr size_t chain_bytes = 32;
/// The chain before the first row: zeros.
std::string chain_begin();
/// The chain of the row with these bytes: SHA-256 of `before` and them. Who changes a row has to
/// change the chain of every row after it, and those that were written down elsewhere tell. Fails
/// with `storage_failed` where OpenSSL has no memory.
caf::expected<std::string> chain_next(std::string_view before, std::string_view row);

/// What a row takes from the budgets of its accounts: an assumed one costs what was reserved.
nanousd cost_of(const ledger_row& x);
/// How much of it is beyond what was reserved.
nanousd overrun_of(const ledger_row& x);
/// The day (UTC) that a charge belongs to: when it was reserved, whenever it was settled.
std::chrono::sys_days day_of(const open_charge& x);

} // namespace sluice
