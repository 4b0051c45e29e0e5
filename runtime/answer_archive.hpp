#pragma once

#include "runtime/cache_messages.hpp"
#include "runtime/time.hpp"

#include <caf/expected.hpp>

#include <chrono>
#include <optional>
#include <string>
#include <vector>

/// What the cache keeps longer than its memory lasts, as who keeps it sees it. `storage` implements
/// it; the composition root brings the two together.
namespace sluice {

using std::chrono::sys_seconds;

/// How often an answer was asked for, where what lies back counts less.
struct answer_use {
  double count = 1; ///< as of `last`
  sys_seconds last{};

  friend bool operator==(const answer_use&, const answer_use&) = default;
};

/// All of an entry but its answer: what is read to build an index and to choose who stays.
struct answer_meta {
  fingerprint key;
  fingerprint scope;    ///< the namespace of L2; may be zero
  std::string tenant;   ///< by name
  std::string question; ///< may be empty
  std::string encoding; ///< bytes of the index by meaning, which alone knows what they say
  sys_seconds created{};
  sys_seconds expires{};
  answer_use use;
  uint64_t content_bytes = 0; ///< of the stored answer; set by the archive
};

/// An entry as it is put.
struct answer_record {
  answer_meta meta;
  cached_answer answer;
};

/// An entry as it is got: the part that stands beside the answer.
struct found_answer {
  cached_answer answer;
  fingerprint scope;
  std::string tenant;
  sys_seconds created{};
  sys_seconds expires{};
};

/// What an archive holds, and what has left it since it was opened.
struct answer_stats {
  uint64_t entries = 0; ///< those that have expired and were not met yet included
  uint64_t bytes = 0;   ///< likewise; before compression
  uint64_t expired = 0;
  uint64_t damaged = 0; ///< records that were not what was written; each is worth a line in the log
  uint64_t foreign = 0; ///< of another version of the records
  uint64_t evicted = 0;
  uint64_t uses_lost = 0; ///< not counted, as too many waited to be written
};

/// Entries to be removed.
struct answer_purge {
  enum class kind : uint8_t { scope, tenant, everything };
  kind what = kind::everything;
  fingerprint scope;  ///< of `scope`
  std::string tenant; ///< of `tenant`
};

/// A part of all entries, in the order of their keys.
struct answer_page {
  std::vector<answer_meta> entries;
  /// Where the next page begins; empty behind the last one.
  std::optional<fingerprint> next;
};

/// A search for the entries of greatest worth, which are asked for most and latest. It reads one
/// small record of every entry, so it is done in steps, between which others have their turn.
struct hot_search {
  struct found {
    double worth = 0;
    fingerprint key;
  };
  size_t count = 0;                                ///< wanted
  wall_time as_of{};                               ///< worth at this time
  std::optional<fingerprint> from = fingerprint{}; ///< of the next step; empty when it is done
  uint64_t seen = 0;                               ///< entries that could have been found
  std::vector<found> best;                         ///< when it is done: best first
};

/// What a namespace of L2 has shown, in bytes that the index by meaning alone understands. Kept
/// until a purge takes it, or whoever put it.
struct answer_evidence {
  fingerprint scope;
  std::string tenant;  ///< whose namespace it is
  sys_seconds shown{}; ///< when something was shown last
  std::string bytes;
};

/// What `make_room` did.
struct answer_room {
  uint64_t removed = 0; ///< expired, evicted or unreadable
  bool enough = true;   ///< the bound is kept
};

/// L3. All calls block for the disk, may be made by several threads at once, take the time from
/// their caller, and fail with `storage_failed`.
class answer_archive {
public:
  virtual ~answer_archive() = default;

  /// The answer under `key`, where there is one that has not expired; a use of it.
  virtual caf::expected<std::optional<found_answer>> get(const fingerprint& key, wall_time now) = 0;
  /// The same, without counting as a use.
  virtual caf::expected<std::optional<found_answer>> read(const fingerprint& key,
                                                          wall_time now) = 0;
  /// All that is kept about it but the answer.
  virtual caf::expected<std::optional<answer_meta>> describe(const fingerprint& key,
                                                             wall_time now) = 0;

  /// Keeps an entry, in place of one with its key.
  virtual caf::error put(const answer_record& x, wall_time now) = 0;
  virtual caf::error erase(const fingerprint& key) = 0;
  /// Removes entries, the evidence of their namespaces with them, and returns how many entries.
  virtual caf::expected<uint64_t> purge(const answer_purge& what) = 0;

  /// At most `count_max` entries from the key `from` on.
  virtual caf::expected<answer_page> scan_meta(const fingerprint& from, uint32_t count_max,
                                               wall_time now) = 0;
  /// Looks at the next `count_max` entries, at least one.
  virtual caf::error search_hottest(hot_search& x, uint32_t count_max) = 0;

  /// Keeps evidence in place of what was there of the same namespaces.
  virtual caf::error put_evidence(const std::vector<answer_evidence>& x) = 0;
  virtual caf::error erase_evidence(const std::vector<fingerprint>& scopes) = 0;
  /// All there is. What cannot be read is removed and counted.
  virtual caf::expected<std::vector<answer_evidence>> evidence() = 0;

  /// Removes what has expired, and what is too much; at most `count_max` entries.
  virtual caf::expected<answer_room> make_room(wall_time now, uint32_t count_max) = 0;

  /// Writes down the uses that `get` counted.
  virtual caf::error flush_uses() = 0;

  virtual answer_stats stats() const = 0;
};

} // namespace sluice
