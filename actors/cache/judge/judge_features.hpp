#pragma once

#include "actors/cache/judge/guards.hpp"
#include "actors/cache/judge/question_facts.hpp"

#include <array>
#include <span>
#include <string_view>

namespace sluice {

/// What the judge's model weighs of a pair. Symmetric: neither question is the first. The first two
/// are the base, which orders pairs that nothing speaks against; all others can only speak against.
enum class pair_feature : uint8_t {
  cosine,    ///< of the vectors
  overlap,   ///< words in both of all words, stop words too (Jaccard); 0 where no word that carries
             ///< meaning is left over. Words in common explain a part of the cosine
  opposites, ///< from here the guards' findings
  number,
  numbers_extra,
  name,
  kind,
  swapped,
  substituted_far, ///< where one run of words stands against another, how badly those left over
                   ///< align (BERTScore, Zhang et al. 2020, arXiv:1904.09675)
  inserted_far,    ///< where a run is in one of them only, one less the cosine
  count_
};

inline constexpr size_t pair_features = static_cast<size_t>(pair_feature::count_);

/// More findings of a kind are no more different.
inline constexpr size_t findings_max = 6;

using pair_values = std::array<double, pair_features>;

/// In the order of the enumerators; for files and tables.
std::span<const std::string_view> pair_feature_names();

pair_values features_of(const question_facts& a, const question_facts& b, const word_match& match,
                        const guard_findings& found);

} // namespace sluice
