#pragma once

#include "runtime/ledger_messages.hpp"

#include <string>

namespace sluice {

/// Adds the header lines that say how the tightest budget and the key's tokens per minute stand;
/// nothing of what has no limit.
void add_limit_lines(std::string& to, const budget_standing& budget, const token_allowance& tokens);

} // namespace sluice
