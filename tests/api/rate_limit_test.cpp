#include "api/gateway/rate_limit.hpp"

#include "tests/support/random_test.hpp"

#include <deque>
#include <thread>
#include <vector>

namespace sluice {
namespace {

using namespace std::chrono_literals;

const steady_time start{1h};

TEST(rate_limiter_test, limits_nothing_at_zero) {
  rate_limiter x{0};
  for (int i = 0; i < 1'000; ++i) {
    auto verdict = x.take(start);
    EXPECT_TRUE(verdict.allowed);
    EXPECT_EQ(verdict.limit, 0U);
  }
}

TEST(rate_limiter_test, allows_the_limit_in_a_burst_and_not_one_more) {
  // 7 and 299'999 do not divide a minute.
  for (uint32_t limit : {1U, 7U, 60U, 299'999U}) {
    rate_limiter x{limit};
    for (uint32_t i = 0; i < limit; ++i) {
      auto verdict = x.take(start);
      ASSERT_TRUE(verdict.allowed) << limit << ", request " << i;
      ASSERT_EQ(verdict.limit, limit);
      ASSERT_EQ(verdict.remaining, limit - 1 - i);
    }
    EXPECT_FALSE(x.take(start).allowed) << limit;
  }
}

TEST(rate_limiter_test, says_when_the_next_one_is_allowed) {
  rate_limiter x{60};
  for (int i = 0; i < 60; ++i)
    x.take(start);
  auto refused = x.take(start + 400ms);
  EXPECT_FALSE(refused.allowed);
  EXPECT_EQ(refused.remaining, 0U);
  EXPECT_EQ(refused.retry_after, 600ms);
  EXPECT_EQ(refused.reset, 59'600ms);
  EXPECT_FALSE(x.take(start + 999ms).allowed);
  EXPECT_TRUE(x.take(start + 1s).allowed);
  EXPECT_FALSE(x.take(start + 1s).allowed);
}

TEST(rate_limiter_test, a_refusal_costs_nothing) {
  rate_limiter x{1};
  EXPECT_TRUE(x.take(start).allowed);
  for (int i = 0; i < 100; ++i)
    EXPECT_FALSE(x.take(start + 30s).allowed);
  EXPECT_TRUE(x.take(start + 1min).allowed);
}

TEST(rate_limiter_test, is_full_again_after_a_quiet_minute) {
  rate_limiter x{5};
  for (int i = 0; i < 5; ++i)
    x.take(start);
  EXPECT_EQ(x.take(start + 1h).remaining, 4U);
  EXPECT_EQ(x.take(start + 1h).reset, 24s);
}

class rate_limiter_random_test : public test::random_test {};

TEST_F(rate_limiter_random_test, holds_its_bound_over_every_interval) {
  // So many at once, and one more each sixtieth of a second of the interval.
  constexpr uint32_t limit = 60;
  rate_limiter x{limit};
  std::deque<steady_time> allowed;
  auto at = start;
  for (int i = 0; i < 20'000; ++i) {
    at += std::chrono::milliseconds{below(20) == 0 ? below(30'000) : below(100)};
    if (!x.take(at).allowed)
      continue;
    allowed.push_back(at);
    while (allowed.front() + 1min < at)
      allowed.pop_front();
    for (size_t k = 0; k < allowed.size(); ++k)
      ASSERT_LE(static_cast<int64_t>(allowed.size() - k), limit + (at - allowed[k]) / 1s);
  }
}

TEST(rate_limiter_test, allows_no_more_to_two_threads) {
  constexpr uint32_t limit = 10'000;
  for (int round = 0; round < 5; ++round) {
    rate_limiter x{limit};
    std::atomic<uint32_t> allowed{0};
    std::vector<std::thread> threads;
    for (int t = 0; t < 2; ++t)
      threads.emplace_back([&] {
        for (uint32_t i = 0; i < limit; ++i)
          allowed += x.take(start).allowed ? 1 : 0;
      });
    for (auto& thread : threads)
      thread.join();
    EXPECT_EQ(allowed, limit);
  }
}

} // namespace
} // namespace sluice
