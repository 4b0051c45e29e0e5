#pragma once

#include "runtime/configuration.hpp"
#include "runtime/store_messages.hpp"

#include <caf/expected.hpp>

#include <memory>
#include <string>

namespace rocksdb {
class DB;
} // namespace rocksdb

namespace sluice {

/// Ordered keys with values on the disk, in one RocksDB database. Used by one thread at a time.
///
/// A write that failed leaves the database in a state that nobody should trust: every later write
/// fails as well, until the node is started again. Nothing is ever repaired on its own: what was
/// acknowledged and cannot be read is a matter for a person with a backup.
class store {
public:
  /// Opens the database in `settings.path`, and makes the folder where there is none, for its owner
  /// alone. Fails with `storage_failed` and one sentence: the folder cannot be used, another
  /// process has it, a newer program wrote it, or it is damaged.
  static caf::expected<std::unique_ptr<store>> open(const storage_settings& settings);

  ~store();
  store(const store&) = delete;
  store& operator=(const store&) = delete;

  /// Makes the changes of all `writes` in one step, and returns when they are on the disk. Fails
  /// with `storage_failed`.
  caf::expected<uint64_t> write(const std::vector<store_write>& writes);

  /// Fails with `storage_failed`; a key that is not there is no failure.
  caf::expected<store_value> read(const std::string& key) const;

  /// Fails with `storage_failed`.
  caf::expected<store_page> scan(const store_scan& query) const;

private:
  explicit store(std::unique_ptr<rocksdb::DB> db);
  caf::error check_schema();

  std::unique_ptr<rocksdb::DB> db_;
  caf::error broken_;
};

} // namespace sluice
