#include "actors/ledger/token_bucket.hpp"

#include <algorithm>

namespace sluice {

using std::chrono::microseconds;
using std::chrono::milliseconds;

namespace {

constexpr int64_t parts = microseconds{std::chrono::minutes{1}}.count();

/// More than any request uses, and few enough that they can be counted in parts.
constexpr int64_t tokens_max = 10'000'000'000;

} // namespace

token_bucket::token_bucket(uint32_t per_minute)
    : per_minute_(per_minute), level_(per_minute_ * parts) {}

void token_bucket::refill(wall_time now) {
  auto passed = std::chrono::duration_cast<microseconds>(now - at_);
  if (passed.count() <= 0)
    return;
  // What flows in is cut off where it is full; it may lack more than one minute brings.
  auto lacking = per_minute_ * parts - level_;
  auto in = std::min<int64_t>(passed.count(), lacking / per_minute_ + 1) * per_minute_;
  level_ += std::min(in, lacking);
  at_ += passed;
}

bool token_bucket::take(int64_t tokens, wall_time now) {
  refill(now);
  tokens = std::clamp<int64_t>(tokens, 0, tokens_max);
  if (level_ < tokens * parts)
    return false;
  level_ -= tokens * parts;
  return true;
}

void token_bucket::give_back(int64_t tokens, wall_time now) {
  refill(now);
  level_ += std::clamp(tokens, -tokens_max, tokens_max) * parts;
  level_ = std::clamp(level_, -tokens_max * parts, per_minute_ * parts);
}

token_allowance token_bucket::allowance() const {
  return {per_minute_, std::max<int64_t>(level_, 0) / parts, wait_for(per_minute_)};
}

milliseconds token_bucket::wait_for(int64_t tokens) const {
  auto lacking = std::max<int64_t>(tokens * parts - level_, 0);
  return std::chrono::ceil<milliseconds>(microseconds{(lacking + per_minute_ - 1) / per_minute_});
}

} // namespace sluice
