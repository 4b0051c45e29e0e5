#pragma once

#include "runtime/answer_archive.hpp"

#include <chrono>
#include <string>
#include <string_view>

/// What is kept of an answer, and how it stands on the disk.
namespace sluice {

/// The latest time that a record can have, the year 36812; the earliest is 1970.
inline constexpr sys_seconds time_max{std::chrono::seconds{1LL << 40}};

/// The sums over all entries.
struct answer_totals {
  uint64_t entries = 0;
  uint64_t bytes = 0;
};

/// The kinds of records; each has a column family of its own, but for evidence, which stands beside
/// the sums. The letter is in the checksum, so no record passes for one of another kind.
enum class answer_kind : char {
  content = 'c',
  meta = 'm',
  use = 'u',
  totals = 't',
  evidence = 'e'
};

/// What was found under a key.
enum class record_state : uint8_t {
  whole,
  damaged, ///< not what was written under this key
  foreign, ///< as it was written, by a program with another version of the records
};

/// The first byte of every record. One that the program does not know is dropped, not converted: it
/// is a cache.
inline constexpr uint8_t answer_version = 2;

/// 16 bytes, in the order of the numbers.
std::string key_bytes(const fingerprint& x);
/// `bytes` must be 16.
fingerprint key_of(std::string_view bytes);

/// A record: version, fields, and 16 bytes XXH3-128 of it all, seeded by kind and key. The fields
/// are in msgpack (`runtime/record.hpp`; of entries the first is `expires`), but for those of `use`: three
/// numbers of eight bytes, as a start reads that record of every entry. Every version has the same
/// first byte and the same end, so that damage is told from another version. `key` are 16 bytes.
std::string encode_content(std::string_view key, const answer_record& x);
std::string encode_meta(std::string_view key, const answer_meta& x);
std::string encode_use(std::string_view key, const answer_use& x, sys_seconds expires);
std::string encode_totals(const answer_totals& x);

/// `to` has its value only where the result is `whole`.
record_state decode_content(std::string_view key, std::string_view bytes, found_answer& to);
/// Leaves `use` alone, which has a record of its own.
record_state decode_meta(std::string_view key, std::string_view bytes, answer_meta& to);
record_state decode_use(std::string_view key, std::string_view bytes, answer_use& to,
                        sys_seconds& expires);
record_state decode_totals(std::string_view bytes, answer_totals& to);

/// Of a namespace; `key` is its scope's.
std::string encode_evidence(std::string_view key, const answer_evidence& x);
record_state decode_evidence(std::string_view key, std::string_view bytes, answer_evidence& to);

/// When the record of any kind expires, read alone; the end of time where it is not whole.
sys_seconds expiry_of(answer_kind kind, std::string_view key, std::string_view bytes);

/// `fields` with the checksum of a record behind it; for tests, which make records that no version
/// of this program writes.
std::string sealed(answer_kind kind, std::string_view key, std::string fields);

} // namespace sluice
