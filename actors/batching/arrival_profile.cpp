#include "actors/batching/arrival_profile.hpp"

#include <algorithm>
#include <cmath>

namespace sluice {

namespace {

/// Weight of the last return in the learned shares: a new habit of the clients is known after about
/// five returns.
constexpr double weight = 0.3;

/// The background is that of the last second, so that a change of load is known within two.
constexpr double memory_s = 1.0;

double seconds_between(steady_time from, steady_time to) {
  return std::chrono::duration<double>(to - from).count();
}

} // namespace

arrival_profile::arrival_profile(seconds_f wait_max) {
  auto edge = wait_max.count();
  for (size_t i = bins; i-- > 0; edge /= 2)
    edges_[i] = edge;
}

double arrival_profile::elapsed(steady_time now) const {
  return seconds_between(returned_at_, now);
}

arrival_profile::decayed arrival_profile::decayed_to(steady_time now) const {
  auto result = background_;
  if (!started_)
    return result;
  // Time in a window is the crowd's.
  auto from = background_at_;
  if (returned_items_ > 0)
    from = std::max(from, returned_at_ + std::chrono::duration_cast<steady_time::duration>(
                                             seconds_f{edges_.back()}));
  auto passed = std::max(0.0, seconds_between(from, now));
  auto keep = std::exp(-passed / memory_s);
  result.count *= keep;
  result.time = result.time * keep + memory_s * (1 - keep);
  return result;
}

void arrival_profile::arrived(steady_time now) {
  auto offset = elapsed(now);
  if (returned_items_ > 0 && offset <= edges_.back()) {
    for (size_t i = 0; i < bins; ++i)
      if (offset <= edges_[i])
        counted_[i] += 1;
    return;
  }
  if (returned_items_ > 0)
    close_window(now);
  background_ = decayed_to(now);
  background_.count += 1;
  background_at_ = now;
  started_ = true;
}

void arrival_profile::returned(uint32_t items, steady_time now) {
  if (returned_items_ > 0)
    close_window(now);
  if (started_) {
    background_ = decayed_to(now);
    background_at_ = now;
  }
  returned_items_ = items;
  returned_at_ = now;
  counted_.fill(0);
}

void arrival_profile::close_window(steady_time now) {
  auto offset = elapsed(now);
  auto rate = background(now);
  for (size_t i = 0; i < bins && edges_[i] <= offset; ++i) {
    auto crowd = std::max(0.0, counted_[i] - rate * edges_[i]);
    // More than came back from the batch: those who had joined its members' calls ask again, too.
    auto share = crowd / returned_items_;
    auto off = share - share_[i];
    share_[i] += weight * off;
    spread_[i] += weight * (std::abs(off) - spread_[i]);
  }
  if (started_) {
    background_ = decayed_to(now);
    background_at_ = now;
  }
  returned_items_ = 0;
}

arrival_profile::outlook arrival_profile::expect(size_t i, steady_time now) const {
  if (returned_items_ <= 0)
    return {seconds_f{-1}, 0, 0};
  auto offset = elapsed(now);
  auto wait = edges_[i] - offset;
  // A share that is no larger than it is uncertain is chance and no crowd. Of a crowd it is worth
  // waiting for those who come only sometimes, too; but not beyond the time at which they come.
  double crowd = 0;
  if ((share_[i] - spread_[i]) * returned_items_ >= crowd_min) {
    auto share = share_[i] + spread_[i];
    auto counted = counted_[i];
    auto next = static_cast<size_t>(std::upper_bound(edges_.begin(), edges_.end(), offset) -
                                    edges_.begin());
    if (next > 0) {
      share -= share_[next - 1] + spread_[next - 1];
      counted -= counted_[next - 1];
    }
    crowd = std::max(0.0, share * returned_items_ - counted);
  }
  return {seconds_f{wait}, crowd + background(now) * std::max(0.0, wait), crowd};
}

double arrival_profile::background(steady_time now) const {
  auto x = decayed_to(now);
  // Under a quarter of the memory nothing is known yet.
  if (x.time < memory_s / 4)
    return 0;
  return std::max(0.0, (x.count - std::sqrt(x.count)) / x.time);
}

} // namespace sluice
