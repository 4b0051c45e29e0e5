#include "actors/cache/judge/judge_features.hpp"

#include <algorithm>
#include <vector>

namespace sluice {

namespace {

constexpr std::array<std::string_view, pair_features> names{
    "cosine",    "cosine_06",   "cosine_08",       "near",    "left_close",
    "none_left", "negation",    "opposites",       "number",  "numbers_extra",
    "name",      "kind",        "scope",           "swapped", "asked",
    "direction", "substituted", "substituted_far", "inserted"};

/// Words left in both together from which on a pair is a free rewording: single words need no
/// counterpart then.
constexpr double left_far = 8;

/// Cosines of each state of `a` (rows) with each of `b`.
class cosine_table {
public:
  cosine_table(const question_facts& a, const question_facts& b) : columns_(b.states.size()) {
    for (const auto& x : a.states)
      for (const auto& y : b.states)
        values_.push_back(cosine(x, y));
  }
  double at(size_t row, size_t column) const { return values_[row * columns_ + column]; }

private:
  size_t columns_;
  std::vector<double> values_;
};

/// One minus the mean of the best cosines of the words left in `a`, over all states of `b`.
struct gap_sum {
  double sum = 0;
  size_t count = 0;

  /// `cosine_of(i, j)` is one of a state of the one question with one of the other.
  template <class Cosine>
  void add(const question_facts& a, const std::vector<size_t>& left, size_t others,
           Cosine&& cosine_of) {
    for (auto i : left) {
      auto state = a.words[i].state;
      if (state == fact_word::no_state)
        continue;
      double best = 0;
      for (size_t j = 0; j < others; ++j)
        best = std::max(best, cosine_of(state, j));
      sum += 1 - best;
      ++count;
    }
  }
  double mean() const { return count == 0 ? 0 : sum / static_cast<double>(count); }
};

double few(size_t x) {
  return static_cast<double>(std::min(x, left_max));
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
  cosine_table cosines(a, b);
  gap_sum gap;
  gap.add(a, match.left_a, b.states.size(), [&](size_t i, size_t j) { return cosines.at(i, j); });
  gap.add(b, match.left_b, a.states.size(), [&](size_t i, size_t j) { return cosines.at(j, i); });
  auto close = sluice::cosine(a.vector, b.vector);
  auto left = few(match.left_a.size()) + few(match.left_b.size());
  auto nearness = std::max(0.0, 1 - left / left_far);
  set(cosine, close);
  set(cosine_06, std::max(0.0, close - 0.6));
  set(cosine_08, std::max(0.0, close - 0.8));
  set(near, nearness);
  set(left_close, gap.mean() * nearness);
  set(none_left, yes(left == 0));
  set(negation, yes(found.negation));
  set(opposites, few(found.opposites));
  set(number, yes(found.number));
  set(numbers_extra, few(found.numbers_extra));
  set(name, yes(found.name));
  set(kind, yes(found.kind));
  set(scope, yes(found.scope));
  set(swapped, yes(found.swapped));
  set(asked, yes(found.asked));
  set(direction, few(found.direction));
  set(substituted, yes(found.substituted));
  set(substituted_far, found.substituted ? gap.mean() : 0);
  set(inserted, yes(found.inserted));
  return result;
}

} // namespace sluice
