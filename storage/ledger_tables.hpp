#pragma once

#include <caf/expected.hpp>
#include <rocksdb/db.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

/// The RocksDB database of the ledger: its column families and its options.
namespace sluice {

/// The open database; it goes after everything that reads from it.
struct ledger_tables {
  struct closer {
    std::vector<rocksdb::ColumnFamilyHandle*> families;
    void operator()(rocksdb::DB* x) const;
  };
  std::unique_ptr<rocksdb::DB, closer> db;
  rocksdb::ColumnFamilyHandle* meta = nullptr;     ///< where the ledger stands, and its format
  rocksdb::ColumnFamilyHandle* open = nullptr;     ///< charges by id
  rocksdb::ColumnFamilyHandle* rows = nullptr;     ///< by number
  rocksdb::ColumnFamilyHandle* accounts = nullptr; ///< by number
  rocksdb::ColumnFamilyHandle* days = nullptr;     ///< by date
  std::string folder;

  bool empty() const;
};

enum class ledger_access : uint8_t {
  /// Makes the database where there is none.
  write,
  /// To look at what there is before the first damage, torn ends of logs among it. Changes nothing,
  /// not even what a crash left.
  whole_beginning,
};

/// Fails with `storage_failed`: the folder cannot be used, another process has it, or it is
/// damaged.
caf::expected<ledger_tables> open_ledger_tables(const std::string& folder, uint64_t cache_bytes,
                                                ledger_access access);

/// Opens a database as it stands, also while another process writes to it. It changes nothing, and
/// what it shows does not change. A commit that is being made may be in it before it is
/// acknowledged. Fails with `storage_failed`: it is damaged, or its files are replaced faster than
/// they can be read.
caf::expected<ledger_tables> open_ledger_snapshot(const std::string& folder);

/// Writes all that `from` holds to a new database in `folder`, without a log. It is on the disk
/// when this returns without an error; the format and the state come last, so what is broken off is
/// never taken for a ledger. Fails with `storage_failed`.
caf::error copy_ledger_tables(const ledger_tables& from, const std::string& folder);

/// Keeps other processes away from a database that is not open, as long as it lives.
class ledger_lock {
public:
  /// Fails with `storage_failed` where somebody has it open.
  static caf::expected<ledger_lock> take(const std::string& folder);
  ~ledger_lock();
  ledger_lock(ledger_lock&& x) noexcept : lock_(std::exchange(x.lock_, nullptr)) {}

private:
  explicit ledger_lock(rocksdb::FileLock* lock) : lock_(lock) {}
  rocksdb::FileLock* lock_;
};

} // namespace sluice
