#include "actors/cache/judge/judge.hpp"

#include <algorithm>
#include <cmath>

namespace sluice {

namespace {

constexpr std::array<std::string_view, neighbour_features> names{
    "cosine", "cosine_squared", "mean", "kept_mean", "kept_least", "rival", "gap", "gap_last"};

/// What two texts that differ in marks only get: such pairs are told apart by nothing but a typing
/// error that happens to be a mark.
constexpr double probability_same_text = 0.999;

/// Of the forms tried (product, least, root, two levels) with the best order of BANKING77's rows.
constexpr double pair_exponent = 0.25;

double probability_of(double score) {
  return 1 / (1 + std::exp(-score));
}

} // namespace

std::span<const std::string_view> neighbour_feature_names() {
  return names;
}

std::array<double, neighbour_features>
features_of(const question_facts& asked, const question_facts& kept, const neighbourhood& around) {
  auto others = around.others.first(std::min(around.others.size(), neighbourhood::others_max));
  auto near = cosine(asked.vector, kept.vector);
  auto count = static_cast<double>(others.size());
  double sum = near;
  double kept_sum = 0;
  double kept_least = 1;
  double rival = -1;
  double next = -1;
  double last = 1;
  for (const auto* other : others) {
    auto to_asked = cosine(asked.vector, other->vector);
    auto to_kept = cosine(kept.vector, other->vector);
    sum += to_asked;
    kept_sum += to_kept;
    kept_least = std::min(kept_least, to_kept);
    rival = std::max(rival, to_asked - to_kept);
    next = std::max(next, to_asked);
    last = std::min(last, to_asked);
  }
  std::array<double, neighbour_features> result{};
  auto set = [&](neighbour_feature f, double x) { result[static_cast<size_t>(f)] = x; };

  set(neighbour_feature::cosine, near);
  set(neighbour_feature::cosine_squared, near * near);
  set(neighbour_feature::mean, sum / (count + 1));
  set(neighbour_feature::kept_mean, others.empty() ? 0 : kept_sum / count);
  set(neighbour_feature::kept_least, kept_least);
  set(neighbour_feature::rival, rival);
  set(neighbour_feature::gap, near - next);
  set(neighbour_feature::gap_last, near - last);
  return result;
}

judgement judge::operator()(const question_facts& asked, const question_facts& kept,
                            const neighbourhood& around) const {
  if (asked.same_text == kept.same_text && asked.cut == kept.cut)
    return {probability_same_text, veto::none, true};
  auto match = match_words(asked, kept);
  auto found = guard(asked, kept, match);
  auto score = weights_.pair.score(features_of(asked, kept, match, found));
  auto probability = probability_of(score);
  // A certain guard is never overruled, and the rest of what speaks for the pair still ranks it.
  if (found.certain != veto::none)
    probability = std::min(probability, 0.5);
  if (around.others.size() < neighbourhood::others_least)
    return {probability, found.certain, false};
  auto same_kind = probability_of(weights_.neighbours.score(features_of(asked, kept, around)));
  // Neighbours know what a question is about and nothing of its details, so both must agree. The
  // root lets neighbours order what the pair is sure of; a veto still keeps the product below 0.85.
  probability = same_kind * std::pow(probability, pair_exponent);
  return {probability, found.certain, false};
}

} // namespace sluice
