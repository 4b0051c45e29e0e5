#pragma once

#include "runtime/ledger_archive.hpp"
#include "storage/high_water.hpp"
#include "storage/ledger_records.hpp"

#include <atomic>
#include <memory>
#include <string>

namespace sluice {

struct ledger_tables;

struct ledger_store_options {
  /// Of blocks, indices and filters: rows are read by reports, accounts at the start.
  uint64_t cache_bytes = 8ULL * 1024 * 1024;
  /// Of a ledger that begins with this open; 0 draws one. For tests.
  uint64_t node = 0;
};

/// The ledger on the disk, in one RocksDB database.
///
/// What was acknowledged is there after every crash, or opening fails and says so: nothing is ever
/// repaired on its own, and a refused database is left as it was found. A write that failed leaves
/// it in a state that nobody should trust: every later one fails as well, until the node is started
/// again.
class ledger_store final : public ledger_archive {
public:
  /// Opens the ledger in `folder`, and makes the folder where there is none, for its owner alone.
  /// Fails with `storage_failed` and one sentence: the folder cannot be used, another process has
  /// it, a newer program wrote it, it is damaged, or acknowledged commits are missing.
  static caf::expected<std::unique_ptr<ledger_store>> open(const std::string& folder,
                                                           const ledger_store_options& options);

  /// The ledger in `folder` as it stands, for reading, whether a node uses it or not: no
  /// incarnation begins, no file changes, and what is committed later is not in it. Its `back_up`
  /// copies every value and verifies the copy, which shares no file with the ledger. Fails with
  /// `storage_failed`: there is none, a newer program wrote it, it is damaged, or acknowledged
  /// commits are missing.
  static caf::expected<std::unique_ptr<const ledger_archive>> snapshot(const std::string& folder);

  /// Puts a backup in the place of the ledger in `into`, and tells where the one that was there is
  /// now; empty where there was none. The backup is copied and checked first,
  /// row by row; the ledger that was there is moved to `INTO.damaged-N` then. Incarnations begin
  /// far beyond those of the backup, for the node may have begun some since, and no charge is named
  /// twice. Fails with `storage_failed`: the backup is damaged or says something else than its
  /// rows, or a process uses the ledger in `into`; all is as before then.
  static caf::expected<std::string> restore(const std::string& backup, const std::string& into);

  ~ledger_store() override;

  caf::expected<ledger_contents> begin() override;
  caf::error commit(ledger_batch&& x) override;
  caf::expected<std::vector<numbered_row>> rows(uint64_t from, uint32_t count_max) const override;
  caf::expected<std::vector<ledger_account>> accounts() const override;
  caf::expected<std::vector<ledger_day>> days() const override;
  caf::expected<std::vector<open_charge>> open() const override;
  /// Files that never change are shared with the backup where it is on the same file system: it is
  /// no help against a bad disk then.
  caf::error back_up(const std::string& folder) const override;

private:
  explicit ledger_store(ledger_tables&& tables);
  caf::error load(const ledger_store_options& options, std::optional<uint64_t> mark);
  caf::error begin_anew(uint64_t node);
  caf::error skip_incarnations();
  /// Makes the changes and the state after them one write.
  caf::error write(ledger_batch&& x, ledger_state state);
  caf::error fail(caf::error why);
  caf::expected<std::vector<budget_rule>> budgets() const;
  /// Of a snapshot.
  caf::error copy(const std::string& place) const;

  std::unique_ptr<ledger_tables> tables_;
  high_water mark_;
  ledger_state state_;
  caf::error broken_;
  bool begun_ = false;
  bool snapshot_ = false;
  // For those that other threads call.
  std::atomic<uint64_t> rows_ = 0;
  std::atomic<uint64_t> commits_ = 0;
  std::atomic<bool> sound_ = true;
};

} // namespace sluice
