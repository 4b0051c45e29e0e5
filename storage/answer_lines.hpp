#pragma once

#include "storage/answer_store.hpp"

#include <functional>

/// Answers as JSON lines, to take them to another node or to look at them: one object a line.
///
/// | field | |
/// | --- | --- |
/// | `key`, `scope` | 32 hexadecimal digits |
/// | `tenant`, `question`, `content`, `deployment` | text |
/// | `events` | of a stream's content; 0 for others |
/// | `usage` | `input`, `cache_read`, `cache_write`, `output`, `reasoning`; null where unknown |
/// | `cost_nanousd` | whole nano-dollars, as a number of 64 bits |
/// | `created`, `expires` | seconds of Unix time |
///
/// Encodings and uses are left out: whoever imports encodes with a model of their own, and counts
/// from one. There is nothing secret in a line but what callers asked and were answered.
namespace sluice {

/// Longest line that is read: an entry of the default `entry_bytes_max`, all of it escaped.
inline constexpr size_t answer_line_bytes_max = 32 * 1024 * 1024;

struct answer_export {
  uint64_t lines = 0;
  uint64_t left_out = 0; ///< texts that are not UTF-8, which JSON cannot hold
};

struct answer_import {
  uint64_t kept = 0;
  uint64_t expired = 0; ///< were so already
};

/// `x` without a line break at its end; empty where a text is not UTF-8.
std::string line_of(const answer_meta& meta, const cached_answer& answer);

/// Every field has to be there, once, in its type and range, and no other. Fails with
/// `invalid_value` and one sentence.
caf::expected<answer_record> parse_answer_line(std::string_view line);

/// Hands every entry that has not expired to `to`, which may fail and end it.
caf::expected<answer_export> export_answers(answer_store& from, wall_time now,
                                            const std::function<caf::error(std::string_view)>& to);

/// Puts what `next` gives until it returns false. The first line that is wrong ends it, with its
/// number, counted from one, and what is wrong; the lines before it were put.
caf::expected<answer_import> import_answers(answer_store& to, wall_time now,
                                            const std::function<bool(std::string&)>& next);

} // namespace sluice
