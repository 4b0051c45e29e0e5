#pragma once

#include "runtime/ledger_messages.hpp"

#include <string>

namespace sluice {

/// "2026-11-23", "2026-W48", "2026-11": the period of an account.
std::string period_name(const ledger_account& x);

/// Why a budget does not cover a request, for its caller: whose budget it is, how much of it there
/// is and how much is left, until when, and what the request may cost at most.
std::string budget_refusal(const account_view& by, nanousd left, nanousd most);

} // namespace sluice
