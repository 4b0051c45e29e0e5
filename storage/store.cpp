#include "storage/store.hpp"

#include "runtime/ec.hpp"
#include "storage/data_folder.hpp"
#include "storage/rocksdb_error.hpp"

#include <rocksdb/cache.h>
#include <rocksdb/db.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/table.h>

namespace sluice {

namespace {

/// The keys and records of this program; another number belongs to a program that knows what to do
/// with it. Before any record type in the order of the keys.
constexpr std::string_view schema_key = "\x01schema";
constexpr std::string_view schema = "1";

constexpr size_t mib = 1024 * 1024;

rocksdb::Options options_of(const storage_settings& settings) {
  rocksdb::Options x;
  x.create_if_missing = true;
  // What was acknowledged is there or the open fails. A torn tail is a write that nobody was told
  // about; damage before it is not, and the default would drop everything behind it in silence.
  x.wal_recovery_mode = rocksdb::WALRecoveryMode::kTolerateCorruptedTailRecords;
  // Reads check blocks, opening checks files; both say so in place of answering something else.
  x.paranoid_checks = true;
  // Small, for a gateway shares its machine: two memtables of 8 MiB, written out early.
  x.write_buffer_size = 8 * mib;
  x.max_write_buffer_number = 2;
  x.max_total_wal_size = 64 * mib; // so that opening again never replays more
  x.bytes_per_sync = mib; // no burst at the end of a compaction, which would delay an fsync
  x.max_background_jobs = 2;
  x.max_open_files = 256; // of a process that wants its descriptors for connections
  x.compression = first_supported({rocksdb::kLZ4Compression});
  x.info_log_level = rocksdb::WARN_LEVEL;
  x.keep_log_file_num = 2;
  x.max_log_file_size = mib;
  x.max_manifest_file_size = 16 * mib;
  // Nobody reads them, and each costs a file that is written again and again.
  x.stats_dump_period_sec = 0;
  x.stats_persist_period_sec = 0;
  rocksdb::BlockBasedTableOptions table;
  table.block_cache = rocksdb::NewLRUCache(settings.cache_bytes);
  table.cache_index_and_filter_blocks = true; // or they would be outside of the bound
  table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));
  x.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  return x;
}

/// The first key behind all that begin with `prefix`; empty where there is none.
std::string behind(std::string prefix) {
  while (!prefix.empty() && static_cast<unsigned char>(prefix.back()) == 0xff)
    prefix.pop_back();
  if (!prefix.empty())
    prefix.back() = static_cast<char>(static_cast<unsigned char>(prefix.back()) + 1);
  return prefix;
}

void add(rocksdb::WriteBatch& batch, const store_change& x) {
  switch (x.what) {
  case store_change::kind::put:
    batch.Put(x.key, x.value);
    break;
  case store_change::kind::erase:
    batch.Delete(x.key);
    break;
  case store_change::kind::erase_prefix:
    batch.DeleteRange(x.key, behind(x.key));
    break;
  }
}

void seek(rocksdb::Iterator& i, const store_scan& query) {
  if (query.direction == store_scan::order::forwards) {
    i.Seek(query.after.empty() ? query.prefix : query.after);
    if (i.Valid() && !query.after.empty() && i.key() == query.after)
      i.Next();
    return;
  }
  if (query.after.empty()) {
    i.SeekForPrev(behind(query.prefix)); // no record type is the last possible key
    return;
  }
  i.SeekForPrev(query.after);
  if (i.Valid() && i.key() == query.after)
    i.Prev();
}

} // namespace

store::store(std::unique_ptr<rocksdb::DB> db) : db_(std::move(db)) {}

store::~store() = default;

caf::expected<std::unique_ptr<store>> store::open(const storage_settings& settings) {
  if (auto error = make_data_folder(settings.path))
    return error;
  rocksdb::DB* opened = nullptr;
  auto status = rocksdb::DB::Open(options_of(settings), settings.path, &opened);
  if (is_taken(status))
    return make_error(ec::storage_failed,
                      "cannot use the data folder " + settings.path + ": another process uses it");
  if (auto error = to_error(status, "opening the data folder " + settings.path))
    return error;
  std::unique_ptr<store> result{new store{std::unique_ptr<rocksdb::DB>{opened}}};
  if (auto error = result->check_schema())
    return error;
  return result;
}

caf::error store::check_schema() {
  auto found = read(std::string{schema_key});
  if (!found)
    return found.error();
  if (found->found && found->value != schema)
    return make_error(ec::storage_failed, "the data folder has format " + found->value +
                                              ", but this program knows " + std::string{schema} +
                                              " only: was it written by a newer one?");
  if (found->found)
    return {};
  auto written = write({{{put(std::string{schema_key}, std::string{schema})}}});
  return written ? caf::error{} : written.error();
}

caf::expected<uint64_t> store::write(const std::vector<store_write>& writes) {
  if (broken_)
    return broken_;
  rocksdb::WriteBatch batch;
  for (auto& x : writes)
    for (auto& change : x.changes)
      add(batch, change);
  rocksdb::WriteOptions durable;
  durable.sync = true;
  if (auto error = to_error(db_->Write(durable, &batch), "writing to the data folder")) {
    broken_ = error;
    return error;
  }
  return db_->GetLatestSequenceNumber();
}

caf::expected<store_value> store::read(const std::string& key) const {
  store_value result;
  auto status = db_->Get({}, key, &result.value);
  if (status.IsNotFound())
    return result;
  if (auto error = to_error(status, "reading from the data folder"))
    return error;
  result.found = true;
  return result;
}

caf::expected<store_page> store::scan(const store_scan& query) const {
  rocksdb::ReadOptions options;
  options.readahead_size = 256 * 1024;
  std::unique_ptr<rocksdb::Iterator> i{db_->NewIterator(options)};
  store_page result;
  uint64_t bytes = 0;
  auto forwards = query.direction == store_scan::order::forwards;
  for (seek(*i, query); i->Valid() && i->key().starts_with(query.prefix);
       forwards ? i->Next() : i->Prev()) {
    auto full = result.entries.size() >= query.limit ||
                (!result.entries.empty() && bytes + i->value().size() > query.bytes_max);
    if (full) {
      result.more = true;
      break;
    }
    bytes += i->value().size();
    result.entries.push_back({i->key().ToString(), i->value().ToString()});
  }
  if (auto error = to_error(i->status(), "reading from the data folder"))
    return error;
  return result;
}

} // namespace sluice
