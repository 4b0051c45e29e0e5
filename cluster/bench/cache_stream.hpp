#pragma once

#include "cluster/bench/cache_bench_rows.hpp"

#include <caf/expected.hpp>

#include <cstdint>
#include <string>
#include <vector>

namespace sluice {

/// A question of a stream; two have the same answer where their meanings are equal.
struct stream_question {
  std::string text;
  std::string meaning;
};

/// How much of a stream repeats an earlier question, and how: shares, 0 to 1.
struct stream_shape {
  double repeats = 0;
  double trivial = 0;    ///< of these, with changes of case, blanks or marks
  double paraphrase = 0; ///< of these, in other words; the rest is word for word
};

/// The reference streams: "high", "mixed" and "low". Null for other names.
const stream_shape* reference_stream(std::string_view name);

/// A stream of `size` questions drawn from `pairs`: paraphrases are pairs that are duplicates; of
/// the new questions as many as a tenth of the stream are near misses, the other half of a pair
/// that is not, where its first half came before. Fails with `invalid_value` where the pairs are
/// too few.
caf::expected<std::vector<stream_question>> make_stream(const stream_shape& shape,
                                                        const std::vector<question_pair>& pairs,
                                                        size_t size, uint64_t seed);

} // namespace sluice
