#pragma once

#include "runtime/time.hpp"
#include "storage/answer_tables.hpp"

#include <mutex>
#include <optional>
#include <random>
#include <unordered_map>

namespace sluice {

class answer_walk;

/// Answers on the disk, in a RocksDB database of their own (docs/cache_store.md).
///
/// All calls may be made by several threads at once. `get` and `read` wait for nobody, unless they
/// find something to remove; what writes is done one at a time. Every call takes the time from its
/// caller, and time decides only about what has expired and what a use counts for.
///
/// Nothing is synced but `erase` and `purge`: what was put is there after the process was killed,
/// and may be gone after the machine was. What was put and cannot be read is not there: a record
/// that is not, bit for bit, what was written under its key is removed and counted, never returned.
class answer_store final : public answer_archive {
public:
  struct opened;

  /// Fails as `open_tables` does.
  static caf::expected<opened> open(const answer_store_settings& settings, wall_time now);

  ~answer_store() override;
  answer_store(const answer_store&) = delete;
  answer_store& operator=(const answer_store&) = delete;

  /// The answer under `key`, where there is one that has not expired; a use of it. Fails with
  /// `storage_failed`, like all that follow.
  caf::expected<std::optional<found_answer>> get(const fingerprint& key, wall_time now) override;
  /// The same, without counting as a use.
  caf::expected<std::optional<found_answer>> read(const fingerprint& key, wall_time now) override;
  /// All that is kept about it but the answer.
  caf::expected<std::optional<answer_meta>> describe(const fingerprint& key,
                                                     wall_time now) override;

  /// Keeps an entry, in place of one with its key, whose uses are added to its own. One that has
  /// expired is not kept. Fails where it is larger than `entry_bytes_max`, too.
  caf::error put(const answer_record& x, wall_time now) override;
  /// Removes an entry, and returns when that is on the disk.
  caf::error erase(const fingerprint& key) override;
  /// Removes entries and returns how many, when that is on the disk. Reads all that is known about
  /// entries, unless everything goes. What is put meanwhile may stay.
  caf::expected<uint64_t> purge(const answer_purge& what) override;

  /// At most `count_max` entries (or 4 MiB) from the key `from` on, those that have expired left
  /// out. Entries that are put or removed between two pages may or may not be seen.
  caf::expected<answer_page> scan_meta(const fingerprint& from, uint32_t count_max,
                                       wall_time now) override;
  /// By `storage/answer_worth.hpp`. A million entries take about a second, all steps together;
  /// uses that wait for `flush_uses` are not seen.
  caf::error search_hottest(hot_search& x, uint32_t count_max) override;

  /// Of namespaces, not of entries: beside the sums, under keys of its own.
  caf::error put_evidence(const std::vector<answer_evidence>& x) override;
  caf::error erase_evidence(const std::vector<fingerprint>& scopes) override;
  caf::expected<std::vector<answer_evidence>> evidence() override;

  /// Removes what has expired from a stretch of the keys, the next one with every call, and then,
  /// where there are more bytes than the bound, those of least worth among some that are looked at
  /// by chance. At most `count_max` entries go in a call.
  caf::expected<answer_room> make_room(wall_time now, uint32_t count_max) override;

  /// Writes down the uses that `get` counted. A kill loses those since the last call.
  caf::error flush_uses() override;

  answer_stats stats() const override;

private:
  enum class cause : uint8_t { asked, expired, damaged, foreign, evicted };
  struct removal {
    std::string key;
    cause why = cause::asked;
  };
  struct key_hash {
    size_t operator()(const fingerprint& x) const { return x.high ^ x.low; }
  };
  using uses = std::unordered_map<fingerprint, answer_use, key_hash>;
  /// What an entry adds to the sums.
  struct share {
    uint64_t entries = 0;
    uint64_t bytes = 0;
  };

  answer_store(const answer_store_settings& settings, answer_tables tables, shared_seconds clock);

  caf::error load_totals(answer_opening& what);
  sys_seconds seen(wall_time now);
  static cause judge(record_state state, sys_seconds expires, sys_seconds now);
  caf::error drop_unfit(const std::string& key, sys_seconds now);
  caf::error drop(const std::vector<removal>& what, bool synced = false);
  void count_use(const fingerprint& key, sys_seconds now);
  caf::expected<uint64_t> sweep(sys_seconds now, uint32_t count_max);
  caf::expected<uint64_t> evict(sys_seconds now, uint32_t count_max);
  caf::error purge_evidence(const answer_purge& what);
  caf::expected<uint64_t> purge_all();
  caf::expected<uint64_t> purge_some(const answer_purge& what);

  // With `writing_` held.
  caf::expected<share> share_of(const std::string& key) const;
  caf::error commit(rocksdb::WriteBatch& batch, const answer_totals& after, bool synced);
  caf::error recount();
  caf::expected<answer_use> use_of(const std::string& key) const;
  caf::error write_uses(uses::const_iterator first, uses::const_iterator last);

  const answer_store_settings settings_;
  const shared_seconds clock_;
  const answer_tables tables_;

  std::mutex writing_;
  std::atomic<uint64_t> entries_{0}; ///< written with `writing_` held
  std::atomic<uint64_t> bytes_{0};   ///< likewise

  std::mutex counting_;
  uses pending_;

  std::mutex making_room_;
  std::string swept_to_;
  std::mt19937_64 chance_;

  std::atomic<uint64_t> counts_[5]{}; ///< by `cause`
  std::atomic<uint64_t> uses_lost_{0};
};

struct answer_store::opened {
  std::unique_ptr<answer_store> store;
  answer_opening what;
};

} // namespace sluice
