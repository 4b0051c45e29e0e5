#pragma once

#include "runtime/ledger_messages.hpp"

#include <string>

namespace sluice {

/// The reply to `GET /v1/usage`: a list of accounts in OpenAI's shape for lists. Money is decimal
/// text in US dollars and a whole number of nano-dollars.
std::string usage_body(const account_list& x);

/// The reply to `/v1/budgets`: the budgets that count, and beside them the accounts.
std::string budgets_body(const budget_list& x);

} // namespace sluice
