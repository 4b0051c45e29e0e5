#include "cluster/bench/hit_figures.hpp"

#include <algorithm>

namespace sluice {

namespace {

std::vector<scored_pair> best_first(std::span<const scored_pair> pairs) {
  std::vector<scored_pair> result(pairs.begin(), pairs.end());
  std::ranges::stable_sort(result, std::ranges::greater{}, &scored_pair::score);
  return result;
}

/// Calls `f(right, wrong)` with the numbers of each run of equal scores.
template <class Function>
void each_run(const std::vector<scored_pair>& sorted, Function&& f) {
  for (size_t i = 0; i < sorted.size();) {
    size_t right = 0;
    auto first = i;
    for (; i < sorted.size() && sorted[i].score == sorted[first].score; ++i)
      right += sorted[i].right ? 1 : 0;
    f(right, i - first - right);
  }
}

double share(size_t part, size_t whole) {
  return whole == 0 ? 0 : static_cast<double>(part) / static_cast<double>(whole);
}

} // namespace

double area_under_curve(std::span<const scored_pair> pairs) {
  double area = 0;
  size_t right_above = 0;
  size_t wrong_above = 0;
  each_run(best_first(pairs), [&](size_t right, size_t wrong) {
    area += static_cast<double>(wrong) *
            (static_cast<double>(right_above) + static_cast<double>(right) / 2);
    right_above += right;
    wrong_above += wrong;
  });
  if (right_above == 0 || wrong_above == 0)
    return 0.5;
  return area / (static_cast<double>(right_above) * static_cast<double>(wrong_above));
}

double hit_share_at(std::span<const scored_pair> pairs, double error) {
  size_t served = 0;
  size_t failed = 0;
  size_t best = 0;
  each_run(best_first(pairs), [&](size_t right, size_t wrong) {
    served += right + wrong;
    failed += wrong;
    if (share(failed, served) <= error)
      best = served;
  });
  return share(best, pairs.size());
}

served_share served_at(std::span<const scored_pair> pairs, double threshold) {
  size_t served = 0;
  size_t failed = 0;
  for (const auto& pair : pairs)
    if (pair.score >= threshold) {
      ++served;
      failed += pair.right ? 0 : 1;
    }
  return {share(served, pairs.size()), share(failed, served)};
}

std::map<std::string, double> wrongly_served(std::span<const scored_pair> pairs, double threshold) {
  std::map<std::string, std::pair<size_t, size_t>> counts;
  for (const auto& pair : pairs)
    if (!pair.right && !pair.category.empty()) {
      auto& [served, all] = counts[pair.category];
      served += pair.score >= threshold ? 1 : 0;
      ++all;
    }
  std::map<std::string, double> result;
  for (const auto& [category, count] : counts)
    result[category] = share(count.first, count.second);
  return result;
}

} // namespace sluice
