#pragma once

#include "runtime/ledger_archive.hpp"

#include <deque>
#include <map>
#include <mutex>

namespace sluice {

/// A ledger that is kept in memory only: of a node without a data folder, and of tests. All is gone
/// with it, so budgets begin anew with every start, and its rows are for a look at what happens
/// now. `begin` may be called again: what a restart would find.
class memory_ledger final : public ledger_archive {
public:
  struct settings {
    /// Never used before, as nothing remembers the incarnations of earlier starts: a random number.
    uint64_t node = 1;
    /// The latest rows that are kept; earlier ones are forgotten, and count all the same. Some
    /// 10 MiB.
    size_t rows_max = 20'000;
  };

  explicit memory_ledger(const settings& x) : settings_(x) {}

  caf::expected<ledger_contents> begin() override;
  caf::error commit(ledger_batch&& x) override;
  caf::expected<std::vector<numbered_row>> rows(uint64_t from, uint32_t count_max) const override;
  caf::expected<std::vector<ledger_account>> accounts() const override;
  caf::expected<std::vector<ledger_day>> days() const override;
  caf::expected<std::vector<open_charge>> open() const override;
  /// Fails with `invalid_value`: there is nothing to restore from later.
  caf::error back_up(const std::string& folder) const override;

private:
  caf::error add(ledger_row&& x);

  const settings settings_;
  mutable std::mutex mutex_;
  uint64_t incarnation_ = 0;
  wall_time latest_;
  uint64_t row_last_ = 0;
  std::string chain_;             ///< of that row
  std::deque<numbered_row> rows_; ///< without their bytes, which are made when they are read
  std::map<charge_id, open_charge> open_;
  std::map<uint32_t, ledger_account> accounts_;
  std::map<std::chrono::sys_days, ledger_day> days_;
  std::vector<budget_rule> budgets_;
};

} // namespace sluice
