#include "storage/ledger_tables.hpp"

#include "runtime/ec.hpp"
#include "storage/data_folder.hpp"
#include "storage/folder_watch.hpp"
#include "storage/rocksdb_error.hpp"

#include <rocksdb/cache.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/table.h>

namespace sluice {

namespace {

constexpr size_t mib = 1024 * 1024;

rocksdb::Options options_of(uint64_t cache_bytes) {
  rocksdb::Options x;
  x.create_if_missing = true;
  x.create_missing_column_families = true;
  // Refuses damage before the end of the log. A torn end is a write that nobody was told about, or
  // `high_water` tells; the default would drop everything behind any damage in silence.
  x.wal_recovery_mode = rocksdb::WALRecoveryMode::kTolerateCorruptedTailRecords;
  // Of several logs each has an end, and what is missing there would be a hole in the middle: the
  // sizes of all but the last are written down.
  x.track_and_verify_wals_in_manifest = true;
  // Reads check blocks, opening checks files; both say so in place of answering something else.
  x.paranoid_checks = true;
  // Small, for a gateway shares its machine: 16 MiB of memtables in all families together.
  x.write_buffer_size = 4 * mib;
  x.max_write_buffer_number = 2;
  x.db_write_buffer_size = 16 * mib;
  x.max_total_wal_size = 64 * mib; // so that opening again never replays more
  x.bytes_per_sync = mib; // no burst at the end of a compaction, which would delay an fsync
  x.max_background_jobs = 2;
  x.max_open_files = 64; // of a process that wants its descriptors for connections
  // After a failed write the ledger is not written to again before a start; a database that mends
  // itself meanwhile could only bring back what nobody was promised.
  x.max_bgerror_resume_count = 0;
  x.compression = first_supported({rocksdb::kLZ4Compression});
  x.info_log_level = rocksdb::WARN_LEVEL;
  x.keep_log_file_num = 2;
  x.max_log_file_size = mib;
  x.max_manifest_file_size = 16 * mib;
  // Nobody reads them, and each costs a file that is written again and again.
  x.stats_dump_period_sec = 0;
  x.stats_persist_period_sec = 0;
  rocksdb::BlockBasedTableOptions table;
  table.block_cache = rocksdb::NewLRUCache(cache_bytes);
  table.cache_index_and_filter_blocks = true; // or they would be outside of the bound
  table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));
  x.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  return x;
}

/// A node replaces its files every some thousand commits, and opening takes milliseconds: whoever
/// meets that so often has another problem.
constexpr int snapshot_attempts_max = 20;

/// Those that hold what was committed, and the list of them.
bool has_commits(std::string_view file) {
  return file.ends_with(".sst") || file.ends_with(".log") || file.starts_with("MANIFEST-");
}

caf::error copy_family(rocksdb::DB& from, rocksdb::ColumnFamilyHandle* source, rocksdb::DB& to,
                       rocksdb::ColumnFamilyHandle* target) {
  rocksdb::ReadOptions reading;
  reading.fill_cache = false; // each value is read once
  reading.readahead_size = mib;
  rocksdb::WriteOptions unlogged;
  unlogged.disableWAL = true; // it is flushed at the end
  std::unique_ptr<rocksdb::Iterator> i{from.NewIterator(reading, source)};
  rocksdb::WriteBatch batch;
  auto write = [&] {
    auto error = to_error(to.Write(unlogged, &batch), "writing a copy of the ledger");
    batch.Clear();
    return error;
  };
  for (i->SeekToFirst(); i->Valid(); i->Next()) {
    batch.Put(target, i->key(), i->value());
    if (batch.GetDataSize() >= mib)
      if (auto error = write())
        return error;
  }
  if (auto error = to_error(i->status(), "reading the ledger for a copy"))
    return error;
  if (auto error = write())
    return error;
  return to_error(to.Flush({}, target), "writing a copy of the ledger");
}

caf::error taken(const std::string& folder) {
  return make_error(ec::storage_failed,
                    "cannot use the ledger in " + folder + ": another process uses it");
}

} // namespace

void ledger_tables::closer::operator()(rocksdb::DB* x) const {
  for (auto* family : families)
    x->DestroyColumnFamilyHandle(family);
  delete x;
}

bool ledger_tables::empty() const {
  for (auto* family : {meta, open, rows, accounts, days}) {
    std::unique_ptr<rocksdb::Iterator> i{db->NewIterator({}, family)};
    i->SeekToFirst();
    if (i->Valid() || !i->status().ok())
      return false;
  }
  return true;
}

caf::expected<ledger_tables> open_ledger_tables(const std::string& folder, uint64_t cache_bytes,
                                                ledger_access access) {
  auto options = options_of(cache_bytes);
  if (access == ledger_access::whole_beginning) {
    options.wal_recovery_mode = rocksdb::WALRecoveryMode::kPointInTimeRecovery;
    options.max_open_files = -1; // all at once: who writes to it may remove them later
  }
  rocksdb::ColumnFamilyOptions family{options};
  std::vector<rocksdb::ColumnFamilyDescriptor> families{
      {rocksdb::kDefaultColumnFamilyName, family}, // there has to be one; nothing is in it
      {"meta", family},
      {"open", family},
      {"rows", family},
      {"accounts", family},
      {"days", family}};
  std::vector<rocksdb::ColumnFamilyHandle*> handles;
  rocksdb::DB* opened = nullptr;
  auto status = access == ledger_access::whole_beginning
                    ? rocksdb::DB::OpenForReadOnly(options, folder, families, &handles, &opened)
                    : rocksdb::DB::Open(options, folder, families, &handles, &opened);
  if (is_taken(status))
    return taken(folder);
  if (auto error = to_error(status, "opening the ledger in " + folder))
    return error;
  ledger_tables result;
  result.db = {opened, ledger_tables::closer{handles}};
  result.meta = handles[1];
  result.open = handles[2];
  result.rows = handles[3];
  result.accounts = handles[4];
  result.days = handles[5];
  result.folder = folder;
  return result;
}

caf::expected<ledger_tables> open_ledger_snapshot(const std::string& folder) {
  auto watch = folder_watch::begin(folder);
  if (!watch)
    return watch.error();
  for (int i = 0; i < snapshot_attempts_max; ++i) {
    auto result = open_ledger_tables(folder, mib, ledger_access::whole_beginning);
    // A log that came or went between the list of files and the reading of it may be a hole that
    // RocksDB does not see, and a table that went an error that is none.
    if (!watch->changed(has_commits))
      return result;
  }
  return make_error(ec::storage_failed, "cannot read the ledger in " + folder +
                                            ": its files are replaced faster than they are read");
}

caf::error copy_ledger_tables(const ledger_tables& from, const std::string& folder) {
  auto to = open_ledger_tables(folder, mib, ledger_access::write);
  if (!to)
    return to.error();
  for (auto family : {&ledger_tables::open, &ledger_tables::rows, &ledger_tables::accounts,
                      &ledger_tables::days, &ledger_tables::meta})
    if (auto error = copy_family(*from.db, from.*family, *to->db, (*to).*family))
      return error;
  return {};
}

caf::expected<ledger_lock> ledger_lock::take(const std::string& folder) {
  rocksdb::FileLock* lock = nullptr;
  auto status = rocksdb::Env::Default()->LockFile(folder + "/LOCK", &lock);
  if (is_taken(status))
    return taken(folder);
  if (auto error = to_error(status, "locking the ledger in " + folder))
    return error;
  return ledger_lock{lock};
}

ledger_lock::~ledger_lock() {
  if (lock_)
    rocksdb::Env::Default()->UnlockFile(lock_);
}

} // namespace sluice
