#pragma once

#include "runtime/ledger_archive.hpp"

#include <nlohmann/json.hpp>

#include <string>

/// What `sluice ledger` prints. Money is a whole number of nano-dollars, and decimal text where
/// people read it.
namespace sluice {

/// "assumed failed": the names of a row's flags.
std::string flag_names(uint32_t flags);

nlohmann::ordered_json row_json(const numbered_row& x);
/// The names of the columns of `row_csv`.
std::string csv_head();
/// A line as in RFC 4180, without its end.
std::string row_csv(const numbered_row& x);

nlohmann::ordered_json account_json(const ledger_account& x, nanousd open);
nlohmann::ordered_json day_json(const ledger_day& x);
/// "tenant 'acme', day 2026-11-23 (UTC): $1.5 of $100".
std::string account_text(const ledger_account& x, nanousd open);

} // namespace sluice
