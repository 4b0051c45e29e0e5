#pragma once

#include "actors/cache/semantic/error_bound.hpp"
#include "runtime/messages.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sluice {

/// What a namespace has shown, as it outlives the process.
struct namespace_evidence {
  /// Entries whose errors are told one by one, some 12 KB in a record. More in one namespace means
  /// that its judge is no good there.
  static constexpr size_t wrong_max = 512;

  struct wrong_entry {
    fingerprint key;
    double probability = 0; ///< highest at which it was wrong
  };

  bound_evidence bound;
  std::vector<wrong_entry> wrong; ///< at most `wrong_max`, of the highest probabilities
  /// Highest probability at which another entry may have been wrong; negative where none was.
  double wrong_rest = -1;
};

/// What makes evidence comparable: who judged (`text_judge::version`), and the regions that it is
/// counted in with what was assumed of them.
uint64_t evidence_maker(uint64_t judge_version, const error_bound_settings& settings);

/// For the disk: a version byte, then fields in msgpack (`runtime/record.hpp`). Against damage
/// stands the checksum of who keeps it.
std::string evidence_bytes(const namespace_evidence& x, uint64_t maker);

/// Nothing where `bytes` are of another version or `maker`, or no evidence at all.
std::optional<namespace_evidence> evidence_of(std::string_view bytes, uint64_t maker);

} // namespace sluice
