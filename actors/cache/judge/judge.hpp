#pragma once

#include "actors/cache/judge/judge_features.hpp"
#include "actors/cache/judge/question_facts.hpp"

#include <caf/expected.hpp>

#include <array>
#include <span>
#include <string>
#include <string_view>

namespace sluice {

/// What the stored questions around a candidate say about it. From cosines alone, so that they
/// need not be compared word by word.
enum class neighbour_feature : uint8_t {
  cosine,  ///< asked to kept
  next,    ///< asked to the next three, on average
  agree,   ///< how close the stored questions are to each other, those near to what is asked above
           ///< all
  dissent, ///< how far from the candidate one of the others is at most, less where it is farther
           ///< from what is asked, too
  rivals,  ///< by how much others are nearer to what is asked than to the candidate, on average
  count_
};

inline constexpr size_t neighbour_features = static_cast<size_t>(neighbour_feature::count_);

std::span<const std::string_view> neighbour_feature_names();

/// The stored questions nearest to what is asked, without the candidate, nearest first. More than
/// `others_max` are not looked at; nor are fewer than `others_least`, which say too little.
struct neighbourhood {
  static constexpr size_t others_max = 9;
  static constexpr size_t others_least = 3;
  std::span<const question_facts* const> others;
};

/// A bias and a weight for each feature: the exponent of a logistic function.
template <size_t Size>
struct logistic {
  double bias = 0;
  std::array<double, Size> weights{};

  double score(const std::array<double, Size>& values) const {
    auto result = bias;
    for (size_t i = 0; i < Size; ++i)
      result += weights[i] * values[i];
    return result;
  }
};

struct judge_weights {
  logistic<pair_features> pair;
  logistic<neighbour_features> neighbours;
};

/// Lines "pair cosine 1.5", "neighbours bias -2"; "#" begins a comment. Error: `bad_configuration`
/// with the line's number for an unknown name, a second or a missing one, or no number.
caf::expected<judge_weights> parse_weights(std::string_view text);

/// The text of weights.inc, which scripts/train_judge.sh writes.
std::string_view shipped_weights();

struct judgement {
  double probability = 0; ///< that both have the same answer
  veto why = veto::none;  ///< the guard that is certain they have not
  bool same_text = false; ///< but for case, blanks, marks and contractions
};

/// The second stage of the cache by meaning: the encoder finds stored questions near to what is
/// asked, the judge says whether one has the same answer. docs/judge.md says how, how well, and
/// what it cannot tell. Immutable; threads may share one.
class judge {
public:
  /// Serve from this probability on. Of rows that were not trained on no trap is served (of 162, in
  /// folds and with their file left out), and of what is served of searches one in a hundred is
  /// wrong (docs/judge.md).
  static constexpr double threshold_default = 0.94;

  explicit judge(const judge_weights& weights) : weights_(weights) {}

  judgement operator()(const question_facts& asked, const question_facts& kept,
                       const neighbourhood& around = {}) const;

private:
  judge_weights weights_;
};

/// For training: what the judge weighs.
std::array<double, neighbour_features>
features_of(const question_facts& asked, const question_facts& kept, const neighbourhood& around);

} // namespace sluice
