#include "actors/cache/judge/judge.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace sluice {

namespace {

constexpr std::array<std::string_view, neighbour_features> names{"cosine", "next", "agree",
                                                                 "dissent", "rivals"};

/// A neighbour counts less by e with every so much of cosine that it is farther than the nearest:
/// of 0.02 and 0.05 the better in folds of intents.
constexpr double neighbour_scale = 0.05;
/// What lies behind the next ones is another subject more often than not.
constexpr size_t next_count = 3;

/// What two texts that differ in marks only get: such pairs are told apart by nothing but a typing
/// error that happens to be a mark.
constexpr double probability_same_text = 0.999;

/// What a certain guard leaves, at most: as probable as a pair that has only its subject in common,
/// so that it still ranks above pairs that have not even that.
constexpr double probability_forbidden = 0.5;

/// Of the forms tried (product, least, roots, sum of scores) with the best order of BANKING77's
/// training rows in folds of intents.
constexpr double pair_exponent = 0.125;

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
  std::array<const byte_row*, 1 + neighbourhood::others_max> rows{&kept.vector};
  std::ranges::transform(others, rows.begin() + 1, [](auto* x) { return &x->vector; });
  auto count = 1 + others.size();
  std::array<double, rows.size()> near{};
  std::array<double, rows.size()> weight{};
  std::array<int32_t, rows.size()> squares{}; // each is needed with every other row
  auto asked_square = dot(asked.vector, asked.vector);
  for (size_t i = 0; i < count; ++i) {
    squares[i] = dot(*rows[i], *rows[i]);
    near[i] = cosine_of(dot(asked.vector, *rows[i]), asked_square, squares[i]);
  }
  auto nearest = *std::max_element(near.begin(), near.begin() + count);
  for (size_t i = 0; i < count; ++i)
    weight[i] = std::exp((near[i] - nearest) / neighbour_scale);

  double agree = 0;
  double agree_weight = 0;
  double dissent = 0;
  double rivals = 0;
  for (size_t i = 0; i < count; ++i)
    for (size_t j = i + 1; j < count; ++j) {
      auto close = cosine_of(dot(*rows[i], *rows[j]), squares[i], squares[j]);
      agree += weight[i] * weight[j] * close;
      agree_weight += weight[i] * weight[j];
      if (i == 0) {
        dissent = std::max(dissent, weight[j] * (1 - close));
        rivals += std::max(0.0, near[j] - close);
      }
    }
  auto next = std::min(next_count, others.size());
  auto next_sum = std::accumulate(near.begin() + 1, near.begin() + 1 + next, 0.0);

  std::array<double, neighbour_features> result{};
  auto set = [&](neighbour_feature f, double x) { result[static_cast<size_t>(f)] = x; };
  set(neighbour_feature::cosine, near[0]);
  if (others.empty())
    return result;
  set(neighbour_feature::next, next_sum / static_cast<double>(next));
  set(neighbour_feature::agree, agree / agree_weight);
  set(neighbour_feature::dissent, dissent);
  set(neighbour_feature::rivals, rivals / static_cast<double>(others.size()));
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
    probability = std::min(probability, probability_forbidden);
  if (around.others.size() < neighbourhood::others_least)
    return {probability, found.certain, false};
  auto same_kind = probability_of(weights_.neighbours.score(features_of(asked, kept, around)));
  // Neighbours know what a question is about and nothing of its details, so both must agree. The
  // root lets neighbours order what the pair is sure of; a veto still keeps the product below 0.92,
  // which is not served.
  probability = same_kind * std::pow(probability, pair_exponent);
  return {probability, found.certain, false};
}

} // namespace sluice
