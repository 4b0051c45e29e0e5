#pragma once

#include "runtime/time.hpp"

#include <cstdint>
#include <string_view>

namespace sluice {

/// How many calls an upstream serves side by side before it gets slower: found by trying.
///
/// Additive increase, multiplicative decrease (D. Chiu and R. Jain 1989), with latency as the sign
/// of congestion besides refusals (as in L. Brakmo's TCP Vegas, 1994): a call that took much longer
/// than its size explains had others in its way. Where one more call was too many, the next try
/// comes after twice as many calls as the last.
class call_limit {
public:
  /// What is let through before anything is known: a provider that serves one call at a time queues
  /// the rest for a moment, one that serves many is not held back.
  static constexpr uint32_t limit_at_first = 2;

  /// Slower than predicted by this factor is congestion: an upstream that serves one at a time
  /// shows 1.5 at the least when a second call comes at a random time.
  static constexpr double congested = 1.35;

  explicit call_limit(uint32_t max)
      : max_(max), limit_(max < limit_at_first ? max : limit_at_first) {}

  struct call_result {
    uint32_t beside = 1;    ///< calls under way when it began, itself included
    double slowness = 1;    ///< time taken to time predicted; 0 where nothing was predicted
    bool more_wait = false; ///< requests wait for a call to end
  };

  void completed(const call_result& x);
  /// The upstream said that it has too much.
  void overloaded();

  uint32_t limit() const { return limit_; }
  /// Calls side by side that are known not to harm each other.
  uint32_t proven() const { return proven_; }
  /// Why the limit is what it is: a word for metrics.
  std::string_view reason() const { return reason_; }

private:
  void vote(const call_result& x);
  void lower(uint32_t to, std::string_view reason);

  /// Slow calls that condemn a limit, and good ones that prove it: one slow call is bad luck.
  static constexpr uint32_t slow_votes_needed = 2;
  static constexpr uint32_t good_votes_needed = 3;

  /// Calls after a limit that was too high until the next try: each failed try costs about three
  /// calls' base.
  static constexpr uint32_t try_interval_at_first = 64;

  void forget_votes();

  uint32_t max_;
  uint32_t limit_;
  uint32_t proven_ = 1;
  bool backed_off_ = false; ///< before, the limit doubles
  uint32_t calls_until_try_ = 0;
  uint32_t try_interval_ = try_interval_at_first;
  uint32_t slow_votes_ = 0;
  uint32_t good_votes_ = 0;
  double slowness_ = 0;       ///< of the slow votes, summed
  uint32_t beside_least_ = 0; ///< of the calls that have voted
  std::string_view reason_ = "start";
};

} // namespace sluice
