#pragma once

#include "runtime/ledger_archive.hpp"

#include <string>
#include <vector>

namespace sluice {

/// What a walk over a ledger has found.
struct ledger_findings {
  uint64_t rows = 0; ///< that could be read
  nanousd sum;       ///< of what they cost
  uint64_t accounts = 0;
  uint64_t days = 0;
  std::string chain; ///< of the last row; that of an empty ledger where there is none
  /// What does not agree, a sentence each, naming its row, account or day.
  std::vector<std::string> discrepancies;
  /// Further ones that are not in the list, which has at most `listed_max`.
  uint64_t discrepancies_more = 0;

  bool sound() const { return discrepancies.empty(); }

  /// Who has so many has no use for more.
  static constexpr size_t listed_max = 1'000;
};

/// Computes the chain, the accounts and the days anew from the rows, and compares them with what
/// the ledger says. Nobody may commit meanwhile. Rows that cannot be read are findings; fails with
/// `storage_failed` where the accounts or days cannot be read.
caf::expected<ledger_findings> verify(const ledger_archive& x);

} // namespace sluice
