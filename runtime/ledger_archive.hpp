#pragma once

#include "runtime/charge.hpp"

#include <caf/error.hpp>
#include <caf/expected.hpp>

#include <string>
#include <vector>

/// Where the ledger stands on the disk, as who keeps it sees it. `storage` implements it; the
/// composition root brings the two together.
namespace sluice {

/// All that a start needs of the ledger.
struct ledger_contents {
  uint64_t node = 0;
  uint64_t incarnation = 0;      ///< of this start: one more than that of any before
  wall_time latest;              ///< time of the last commit
  std::vector<open_charge> open; ///< of earlier incarnations
  std::vector<ledger_account> accounts;
  std::vector<ledger_day> days;     ///< that are not closed
  std::vector<budget_rule> budgets; ///< that were set at run time
};

/// Changes that happen together or not at all.
struct ledger_batch {
  wall_time now;
  std::vector<open_charge> opened;
  std::vector<charge_id> ended; ///< of open charges
  std::vector<ledger_row> rows; ///< in the order in which they are numbered
  std::vector<ledger_account> accounts;
  /// As they are now. Of those that are closed the archive fills in row and chain.
  std::vector<ledger_day> days;
  /// Set at run time, each in the place of the one that was there.
  std::vector<budget_change> budgets{};

  bool empty() const {
    return opened.empty() && ended.empty() && rows.empty() && accounts.empty() && days.empty() &&
           budgets.empty();
  }
};

/// A row and its place in the chain: each says what all before it said.
struct numbered_row {
  uint64_t number = 0; ///< from 1, without gaps
  std::string chain;   ///< SHA-256 of the chain before it and the row's bytes
  ledger_row row;
  /// As they are kept: what the chain covers. A later program may write more fields, so bytes made
  /// from `row` again need not be these.
  std::string bytes{};
};

/// Calls block for the disk and fail with `storage_failed`. For one thread, but for `rows`,
/// `accounts`, `days` and `back_up`.
class ledger_archive {
public:
  virtual ~ledger_archive() = default;

  /// Begins an incarnation. Called once, first.
  virtual caf::expected<ledger_contents> begin() = 0;
  /// The changes are on the disk when it returns without an error. After an error every later one
  /// fails as well.
  virtual caf::error commit(ledger_batch&& x) = 0;

  /// At most `count_max` rows from number `from` on.
  virtual caf::expected<std::vector<numbered_row>> rows(uint64_t from,
                                                        uint32_t count_max) const = 0;
  virtual caf::expected<std::vector<ledger_account>> accounts() const = 0;
  virtual caf::expected<std::vector<ledger_day>> days() const = 0;
  virtual caf::expected<std::vector<open_charge>> open() const = 0;
  /// Copies all to a folder that does not exist yet, as of now.
  virtual caf::error back_up(const std::string& folder) const = 0;
};

} // namespace sluice
