#pragma once

#include "actors/cache/judge/guards.hpp"
#include "actors/cache/judge/question_facts.hpp"

#include <array>
#include <span>
#include <string_view>

namespace sluice {

/// What the judge's model weighs of a pair. Symmetric: neither question is the first.
enum class pair_feature : uint8_t {
  cosine,     ///< of the vectors
  cosine_06,  ///< what it exceeds 0.6 by
  cosine_08,  ///< what it exceeds 0.8 by
  near,       ///< 1 where all words are in both, 0 where eight are not
  left_close, ///< how badly the words that are not in both align with the other question
              ///< (BERTScore, Zhang et al. 2020, arXiv:1904.09675), times `near`
  none_left,  ///< all words are in both
  negation,   ///< from here the guards' findings
  opposites,
  number,
  numbers_extra,
  name,
  kind,
  scope,
  swapped,
  asked,
  direction,
  substituted,
  substituted_far, ///< `substituted`, times how badly its words align
  inserted,
  count_
};

inline constexpr size_t pair_features = static_cast<size_t>(pair_feature::count_);

/// More words left are no more different.
inline constexpr size_t left_max = 6;

using pair_values = std::array<double, pair_features>;

/// In the order of the enumerators; for files and tables.
std::span<const std::string_view> pair_feature_names();

pair_values features_of(const question_facts& a, const question_facts& b, const word_match& match,
                        const guard_findings& found);

} // namespace sluice
