#include "actors/batching/call_limit.hpp"

#include <algorithm>

namespace sluice {

namespace {

/// A limit that failed is tried again after so many calls at the most: an upstream that grew is
/// noticed within minutes of load, and the failed tries cost under a thousandth.
constexpr uint32_t try_interval_max = 1024;

} // namespace

void call_limit::completed(const call_result& x) {
  if (calls_until_try_ > 0)
    --calls_until_try_;
  if (x.beside > limit_) // it began under a limit that has been lowered since
    return;
  if (x.beside > proven_ && x.slowness > 0)
    return vote(x);
  // One more, where somebody would use it.
  if (x.beside >= limit_ && limit_ == proven_ && x.more_wait && calls_until_try_ == 0 &&
      limit_ < max_) {
    limit_ = backed_off_ ? limit_ + 1 : std::min(max_, limit_ * 2);
    forget_votes();
    reason_ = "trying more";
  }
}

void call_limit::vote(const call_result& x) {
  if (x.slowness > congested) {
    slowness_ += x.slowness;
    if (++slow_votes_ < slow_votes_needed)
      return;
    // Calls in each other's way take longer by as much as there are too many of them.
    auto fits = static_cast<double>(limit_) / (2 * slowness_ / slow_votes_ - 1);
    return lower(std::clamp<uint32_t>(static_cast<uint32_t>(fits), 1, limit_ - 1),
                 "slower side by side");
  }
  beside_least_ = good_votes_ == 0 ? x.beside : std::min(beside_least_, x.beside);
  if (++good_votes_ < good_votes_needed)
    return;
  proven_ = std::min(limit_, beside_least_);
  try_interval_ = try_interval_at_first;
  forget_votes();
  reason_ = "no slower side by side";
}

void call_limit::forget_votes() {
  slow_votes_ = good_votes_ = 0;
  slowness_ = 0;
}

void call_limit::overloaded() {
  if (limit_ > 1)
    return lower(limit_ / 2, "upstream overloaded");
  reason_ = "upstream overloaded";
}

void call_limit::lower(uint32_t to, std::string_view reason) {
  limit_ = std::max<uint32_t>(1, to);
  proven_ = std::min(proven_, limit_);
  forget_votes();
  backed_off_ = true;
  calls_until_try_ = try_interval_;
  try_interval_ = std::min(try_interval_max, try_interval_ * 2);
  reason_ = reason;
}

} // namespace sluice
