#include "storage/answer_tables.hpp"

#include "runtime/ec.hpp"
#include "storage/answer_expiry.hpp"
#include "storage/data_folder.hpp"
#include "storage/rocksdb_error.hpp"

#include <rocksdb/cache.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/table.h>
#include <rocksdb/write_buffer_manager.h>

#include <filesystem>
#include <fstream>

namespace sluice {

namespace {

namespace fs = std::filesystem;

constexpr size_t kib = 1024;
constexpr size_t mib = 1024 * kib;

/// Its presence condemns a database.
constexpr auto mark = "CONDEMNED";

std::shared_ptr<rocksdb::TableFactory> table_of(const std::shared_ptr<rocksdb::Cache>& cache,
                                                size_t block_bytes) {
  rocksdb::BlockBasedTableOptions x;
  x.block_cache = cache;
  x.cache_index_and_filter_blocks = true; // or they would be outside of the bound
  x.block_size = block_bytes;
  // A miss, which is what most lookups are, reads no block: 10 bits a key, one in a hundred wrong.
  x.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));
  x.format_version = 5;
  x.checksum = rocksdb::kXXH3;
  return std::shared_ptr<rocksdb::TableFactory>{rocksdb::NewBlockBasedTableFactory(x)};
}

rocksdb::ColumnFamilyOptions family_of(const rocksdb::Options& base,
                                       const std::shared_ptr<rocksdb::Cache>& cache,
                                       answer_kind kind, const shared_seconds& clock) {
  rocksdb::ColumnFamilyOptions x{base};
  // Texts compress better together than alone, and a hit has to unpack all of its block. Counts are
  // read and written one by one.
  auto block_bytes = kind == answer_kind::use ? 4 * kib : 16 * kib;
  x.table_factory = table_of(cache, block_bytes);
  x.write_buffer_size = kind == answer_kind::content ? 8 * mib : 4 * mib;
  if (kind == answer_kind::content || kind == answer_kind::use)
    x.compaction_filter_factory = std::make_shared<answer_expiry_factory>(kind, clock);
  return x;
}

const char* name_of(rocksdb::CompressionType x) {
  return x == rocksdb::kZSTD ? "zstd" : x == rocksdb::kLZ4Compression ? "lz4" : "none";
}

/// Whether it is the machine that will not, and not what stands in the folder.
bool is_passing(const rocksdb::Status& x) {
  if (is_taken(x) || x.IsNoSpace() || x.IsMemoryLimit() || x.IsTimedOut() || x.IsBusy())
    return true;
  // A file that another one names and that is not there is damage; a disk, a right or a descriptor
  // that is missing is none.
  return x.IsIOError() && !x.IsPathNotFound();
}

caf::error move_aside(const std::string& path, int64_t now, answer_opening& what) {
  std::error_code error;
  auto folder = fs::absolute(path, error).lexically_normal();
  if (!folder.has_filename()) // "cache/"
    folder = folder.parent_path();
  auto beginning = folder.filename().string() + ".damaged-";
  for (fs::directory_iterator i{folder.parent_path(), error}, end; !error && i != end;
       i.increment(error))
    if (i->path().filename().string().starts_with(beginning)) {
      std::error_code ignored; // one that stays costs space and nothing else
      fs::remove_all(i->path(), ignored);
    }
  what.moved_to = (folder.parent_path() / (beginning + std::to_string(now))).string();
  error.clear();
  fs::rename(folder, what.moved_to, error);
  if (error)
    return make_error(ec::storage_failed, "cannot move the damaged cache " + path + " to " +
                                              what.moved_to + ": " + error.message());
  what.begun_anew = true;
  return {};
}

rocksdb::Status open_database(const answer_store_settings& settings, const shared_seconds& clock,
                              answer_tables& to) {
  auto options = answer_options(settings);
  auto cache = options.table_factory->GetOptions<rocksdb::BlockBasedTableOptions>()->block_cache;
  auto family = [&](answer_kind kind) { return family_of(options, cache, kind, clock); };
  std::vector<rocksdb::ColumnFamilyDescriptor> families{
      {rocksdb::kDefaultColumnFamilyName, family(answer_kind::totals)},
      {"content", family(answer_kind::content)},
      {"meta", family(answer_kind::meta)},
      {"use", family(answer_kind::use)}};
  std::vector<rocksdb::ColumnFamilyHandle*> handles;
  rocksdb::DB* opened = nullptr;
  auto status = rocksdb::DB::Open(options, settings.path, families, &handles, &opened);
  if (!status.ok())
    return status;
  to.db = {opened, answer_tables::closer{handles}};
  to.path = settings.path;
  to.totals = handles[0];
  to.content = handles[1];
  to.meta = handles[2];
  to.use = handles[3];
  return status;
}

} // namespace

void answer_tables::closer::operator()(rocksdb::DB* x) const {
  for (auto* family : families)
    x->DestroyColumnFamilyHandle(family);
  delete x;
}

caf::error answer_tables::checked(const rocksdb::Status& x, std::string_view doing) const {
  if (!x.IsCorruption())
    return to_error(x, doing);
  std::ofstream{fs::path{path} / mark} << "\n";
  return make_error(ec::storage_failed, "the cache in " + path + " is damaged (" + x.ToString() +
                                            "); a new one is begun when it is opened again");
}

rocksdb::Options answer_options(const answer_store_settings& settings) {
  rocksdb::Options x;
  x.create_if_missing = true;
  x.create_missing_column_families = true;
  // A cache goes on with what was written before the damage, as of one moment.
  x.wal_recovery_mode = rocksdb::WALRecoveryMode::kPointInTimeRecovery;
  // Every block that is read is checked, and every file that is opened.
  x.paranoid_checks = true;
  // A quarter of the memory is for memtables, and the cache makes room for what they have.
  auto cache = rocksdb::NewLRUCache(settings.memory_bytes);
  auto buffers = settings.memory_bytes / 4;
  x.write_buffer_manager = std::make_shared<rocksdb::WriteBufferManager>(buffers, cache);
  x.max_write_buffer_number = 2;
  x.max_total_wal_size = 32 * mib; // so that opening again never replays more
  x.table_factory = table_of(cache, 16 * kib);
  // Answers are text: smaller with zstd than with lz4, and a model call pays for the time it takes.
  x.compression = first_supported({rocksdb::kZSTD, rocksdb::kLZ4Compression});
  // Larger files further down: 128 descriptors are enough for the default bound.
  x.target_file_size_base = 16 * mib;
  x.target_file_size_multiplier = 2;
  x.max_bytes_for_level_base = 64 * mib;
  x.max_open_files = 128; // of a process that wants its descriptors for connections
  x.max_background_jobs = 2;
  x.bytes_per_sync = mib;     // no burst at the end of a compaction
  x.wal_bytes_per_sync = mib; // nobody waits for the log, and the disk need not catch up at once
  x.compaction_readahead_size = 256 * kib; // of each of its files, and it is memory
  x.skip_stats_update_on_db_open = true;   // reads every file, for what decides nothing here
  x.info_log_level = rocksdb::WARN_LEVEL;
  x.keep_log_file_num = 2;
  x.max_log_file_size = mib;
  x.max_manifest_file_size = 4 * mib;
  x.stats_dump_period_sec = 0; // nobody reads them
  x.stats_persist_period_sec = 0;
  return x;
}

caf::expected<answer_tables> open_tables(const answer_store_settings& settings,
                                         const shared_seconds& clock, answer_opening& what) {
  if (auto error = make_data_folder(settings.path))
    return error;
  what.compression = name_of(answer_options(settings).compression);
  answer_tables result;
  std::error_code ignored;
  auto condemned = fs::exists(fs::path{settings.path} / mark, ignored);
  auto status = open_database(settings, clock, result);
  if (status.ok() && !condemned)
    return result;
  if (is_taken(status))
    return make_error(ec::storage_failed, "cannot use the cache's folder " + settings.path +
                                              ": another process uses it");
  if (!status.ok() && is_passing(status))
    return to_error(status, "opening the cache in " + settings.path);
  what.reason = condemned ? "it was found damaged before" : status.ToString();
  result = answer_tables{};
  if (auto error = move_aside(settings.path, *clock, what))
    return error;
  if (auto error = make_data_folder(settings.path))
    return error;
  if (auto error = to_error(open_database(settings, clock, result),
                            "beginning a new cache in " + settings.path))
    return error;
  return result;
}

} // namespace sluice
