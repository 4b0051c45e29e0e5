#include "actors/cache/judge/judge_features.hpp"

#include <algorithm>
#include <vector>

namespace sluice {

namespace {

constexpr std::array<std::string_view, pair_features> names{
    "cosine", "overlap", "opposites", "number",          "numbers_extra",
    "name",   "kind",    "swapped",   "substituted_far", "inserted_far"};

/// One minus the mean of the best cosines of the words left over, over all states of the other.
class misalignment {
public:
  void add(const question_facts& a, const std::vector<size_t>& left, const question_facts& b) {
    for (auto i : left) {
      auto state = a.words[i].state;
      if (state == fact_word::no_state)
        continue;
      double best = 0;
      for (const auto& other : b.states)
        best = std::max(best, cosine(a.states[state], other));
      sum_ += 1 - best;
      ++count_;
    }
  }
  double mean() const { return count_ == 0 ? 0 : sum_ / static_cast<double>(count_); }

private:
  double sum_ = 0;
  size_t count_ = 0;
};

std::vector<std::string_view> vocabulary_of(const question_facts& x) {
  std::vector<std::string_view> result;
  for (const auto& word : x.words)
    result.push_back(word.text);
  std::ranges::sort(result);
  auto rest = std::ranges::unique(result);
  result.erase(rest.begin(), rest.end());
  return result;
}

/// Jaccard's index of the words.
double shared_words(const question_facts& a, const question_facts& b) {
  auto here = vocabulary_of(a);
  auto there = vocabulary_of(b);
  std::vector<std::string_view> both;
  std::ranges::set_intersection(here, there, std::back_inserter(both));
  auto all = here.size() + there.size() - both.size();
  return all == 0 ? 0 : static_cast<double>(both.size()) / static_cast<double>(all);
}

double few(size_t x) {
  return static_cast<double>(std::min(x, findings_max));
}

double yes(bool x) {
  return x ? 1 : 0;
}

} // namespace

std::span<const std::string_view> pair_feature_names() {
  return names;
}

pair_values features_of(const question_facts& a, const question_facts& b, const word_match& match,
                        const guard_findings& found) {
  pair_values result{};
  auto set = [&](pair_feature f, double x) { result[static_cast<size_t>(f)] = x; };
  using enum pair_feature;
  auto close = sluice::cosine(a.vector, b.vector);
  auto left = !match.left_a.empty() || !match.left_b.empty();
  set(cosine, close);
  set(overlap, left ? shared_words(a, b) : 0);
  set(opposites, few(found.opposites));
  set(number, yes(found.number));
  set(numbers_extra, few(found.numbers_extra));
  set(name, yes(found.name));
  set(kind, yes(found.kind));
  set(swapped, yes(found.swapped));
  if (found.substituted) {
    misalignment gap;
    gap.add(a, match.left_a, b);
    gap.add(b, match.left_b, a);
    set(substituted_far, gap.mean());
  }
  set(inserted_far, found.inserted ? 1 - close : 0);
  return result;
}

} // namespace sluice
