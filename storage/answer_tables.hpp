#pragma once

#include "storage/answer_record.hpp"

#include <caf/expected.hpp>
#include <rocksdb/db.h>

#include <atomic>
#include <memory>
#include <string>
#include <vector>

/// The RocksDB database of the answers: its column families, its options, and what becomes of one
/// that is damaged.
namespace sluice {

struct answer_store_settings {
  std::string path; ///< a folder of its own
  /// Of live entries as they are written, before compression: ten times what L1 holds by default,
  /// some hundred thousand answers. Compressed it is less on the disk, what is deleted but not yet
  /// compacted adds to it.
  uint64_t bytes_max = 2560ULL * 1024 * 1024;
  /// Blocks, indices, filters and memtables together: with what RocksDB needs besides, a node grows
  /// by less than 64 MiB.
  uint64_t memory_bytes = 40ULL * 1024 * 1024;
  /// Of the texts of an entry; larger ones are not kept. Four times what L1 takes.
  uint64_t entry_bytes_max = 4ULL * 1024 * 1024;
  /// Answers whose uses wait for `flush_uses`; further ones are not counted. Half a MiB.
  uint32_t uses_pending_max = 4096;
  /// Of the choice of what is looked at when room is made; 0 draws one.
  uint64_t seed = 0;
};

/// The open database; it goes after everything that reads from it.
struct answer_tables {
  struct closer {
    std::vector<rocksdb::ColumnFamilyHandle*> families;
    void operator()(rocksdb::DB* x) const;
  };
  std::unique_ptr<rocksdb::DB, closer> db;
  rocksdb::ColumnFamilyHandle* totals = nullptr; ///< the default family: one record
  rocksdb::ColumnFamilyHandle* content = nullptr;
  rocksdb::ColumnFamilyHandle* meta = nullptr;
  rocksdb::ColumnFamilyHandle* use = nullptr;

  std::string path;

  /// What RocksDB said while `doing` something to all or many entries, as an error or none. A
  /// database that is damaged there cannot be used: word is left that the next `open_tables` has to
  /// begin it anew.
  caf::error checked(const rocksdb::Status& x, std::string_view doing) const;
};

/// What opening a database of answers did.
struct answer_opening {
  bool begun_anew = false; ///< the one that was there could not be used
  std::string reason;      ///< then: why
  std::string moved_to;    ///< then: where it is now
  bool recounted = false;  ///< the sums were missing or damaged
  std::string compression; ///< "zstd", or what this build of RocksDB has in its place
};

/// The time of the last call, seconds of Unix time, which the background work of RocksDB goes by:
/// time comes from the caller here, too.
using shared_seconds = std::shared_ptr<std::atomic<int64_t>>;

/// The options of a family, for the store and for those that measure what it costs.
rocksdb::Options answer_options(const answer_store_settings& settings);

/// Opens the database, and makes it where there is none. One that cannot be opened for what stands
/// in it is moved to `PATH.damaged-SECONDS`, in place of an earlier one, and a new one is begun.
/// Fails with `storage_failed` where the folder cannot be used, another process has it, or the
/// machine refuses (no space, no rights, no descriptors): nothing is moved then.
caf::expected<answer_tables> open_tables(const answer_store_settings& settings,
                                         const shared_seconds& clock, answer_opening& what);

} // namespace sluice
