#include "actors/batching/latency_fit.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

namespace sluice {

namespace {

/// Pairs of different size below which the slope is noise and the known ratio the better guess.
constexpr size_t pairs_min = 8;

double median(std::vector<double>& xs) {
  auto middle = xs.begin() + static_cast<std::ptrdiff_t>(xs.size() / 2);
  std::nth_element(xs.begin(), middle, xs.end());
  return *middle;
}

} // namespace

void latency_fit::add(uint32_t items, seconds_f took) {
  samples_[next_] = {static_cast<double>(items), took.count()};
  next_ = (next_ + 1) % window;
  count_ = std::min(count_ + 1, window);
  fit();
}

void latency_fit::fit() {
  std::vector<double> slopes;
  slopes.reserve(count_ * (count_ - 1) / 2);
  for (size_t i = 0; i < count_; ++i)
    for (size_t k = i + 1; k < count_; ++k)
      if (auto apart = samples_[i].items - samples_[k].items; std::abs(apart) >= 1)
        slopes.push_back((samples_[i].took - samples_[k].took) / apart);
  std::vector<double> rest(count_);
  if (slopes.size() < pairs_min) {
    // All calls of one size: how long they take is known, what of it is the base is not.
    for (size_t i = 0; i < count_; ++i)
      rest[i] = samples_[i].took / (1 + ratio_ * samples_[i].items);
    base_ = seconds_f{median(rest)};
    per_item_ = base_ * ratio_;
    return;
  }
  auto slope = std::max(0.0, median(slopes));
  for (size_t i = 0; i < count_; ++i)
    rest[i] = samples_[i].took - slope * samples_[i].items;
  per_item_ = seconds_f{slope};
  base_ = seconds_f{std::max(0.0, median(rest))};
  if (base_.count() > 0)
    ratio_ = slope / base_.count();
}

} // namespace sluice
