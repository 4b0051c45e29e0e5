#include "api/upstream/breaker.hpp"

#include <gtest/gtest.h>

namespace sluice {
namespace {

using namespace std::chrono_literals;

const steady_time now{1h};
const breaker_settings settings{3, 5s};

breaker opened() {
  breaker x{settings};
  for (int i = 0; i < 3; ++i)
    x.failed(now);
  return x;
}

TEST(breaker_test, opens_at_the_bound) {
  breaker x{settings};
  x.failed(now);
  x.failed(now);
  EXPECT_FALSE(x.open());
  EXPECT_TRUE(x.allow(1, now));
  x.failed(now);
  EXPECT_TRUE(x.open());
  EXPECT_FALSE(x.allow(1, now));
}

TEST(breaker_test, counts_failures_in_a_row_only) {
  breaker x{settings};
  for (int i = 0; i < 10; ++i) {
    x.failed(now);
    x.failed(now);
    x.succeeded();
  }
  EXPECT_FALSE(x.open());
}

TEST(breaker_test, lets_one_call_through_after_a_while) {
  auto x = opened();
  EXPECT_FALSE(x.allow(1, now + 4'999ms));
  EXPECT_TRUE(x.allow(1, now + 5s));
  EXPECT_FALSE(x.allow(2, now + 5s)) << "one at a time";
  EXPECT_TRUE(x.open()) << "until it has succeeded";
}

TEST(breaker_test, closes_when_the_trial_succeeds) {
  auto x = opened();
  EXPECT_TRUE(x.allow(1, now + 5s));
  x.succeeded();
  EXPECT_FALSE(x.open());
  EXPECT_TRUE(x.allow(1, now + 5s));
  x.failed(now + 5s);
  EXPECT_FALSE(x.open()) << "it counts from the beginning";
}

TEST(breaker_test, opens_anew_when_the_trial_fails) {
  auto x = opened();
  EXPECT_TRUE(x.allow(1, now + 5s));
  x.failed(now + 6s);
  EXPECT_FALSE(x.allow(1, now + 10'999ms));
  EXPECT_TRUE(x.allow(1, now + 11s));
}

TEST(breaker_test, tries_again_after_a_trial_without_outcome) {
  auto x = opened();
  EXPECT_TRUE(x.allow(1, now + 5s));
  x.abandoned(1);
  EXPECT_TRUE(x.open());
  EXPECT_TRUE(x.allow(1, now + 5s));
}

TEST(breaker_test, keeps_its_trial_when_another_call_is_cancelled) {
  auto x = opened();
  EXPECT_TRUE(x.allow(7, now + 5s));
  x.abandoned(6); // it went out before the breaker opened
  EXPECT_FALSE(x.allow(8, now + 5s));
  x.abandoned(7);
  EXPECT_TRUE(x.allow(8, now + 5s));
}

} // namespace
} // namespace sluice
