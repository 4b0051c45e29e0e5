#include "actors/ledger/token_bucket.hpp"

#include <gtest/gtest.h>

#include <random>

/// Tokens per minute, without accounts.
namespace sluice {
namespace {

using namespace std::chrono_literals;

constexpr wall_time noon = std::chrono::sys_days{std::chrono::year{2026} / 11 / 23} + 12h;

TEST(token_bucket, gives_out_what_there_is_and_no_more) {
  token_bucket x{100};
  EXPECT_TRUE(x.take(60, noon));
  EXPECT_FALSE(x.take(41, noon));
  EXPECT_TRUE(x.take(40, noon));
  EXPECT_FALSE(x.take(1, noon));
  EXPECT_EQ(x.allowance().remaining, 0);
  EXPECT_EQ(x.allowance().limit, 100);
  EXPECT_EQ(x.allowance().reset, 60s);
}

TEST(token_bucket, fills_evenly_within_a_minute_and_never_above_it) {
  token_bucket x{60};
  ASSERT_TRUE(x.take(60, noon));
  EXPECT_FALSE(x.take(1, noon + 999ms));
  EXPECT_EQ(x.wait_for(1), 1ms);
  EXPECT_TRUE(x.take(1, noon + 1s));
  EXPECT_FALSE(x.take(60, noon + 60s));
  EXPECT_TRUE(x.take(60, noon + 61s));
  EXPECT_FALSE(x.take(61, noon + 24h));
  EXPECT_EQ(x.allowance().remaining, 60);
  EXPECT_EQ(x.allowance().reset, 0s);
}

TEST(token_bucket, says_when_so_many_are_there) {
  token_bucket x{7};
  ASSERT_TRUE(x.take(7, noon));
  ASSERT_FALSE(x.take(5, noon));
  auto wait = x.wait_for(5);
  EXPECT_FALSE(x.take(5, noon + wait - 1ms));
  EXPECT_TRUE(x.take(5, noon + wait));
}

TEST(token_bucket, what_is_given_back_can_be_had_again) {
  token_bucket x{100};
  ASSERT_TRUE(x.take(90, noon));
  x.give_back(70, noon);
  EXPECT_TRUE(x.take(80, noon));
  x.give_back(1'000'000, noon);
  EXPECT_EQ(x.allowance().remaining, 100);
}

TEST(token_bucket, what_was_used_beyond_it_is_owed) {
  token_bucket x{60};
  ASSERT_TRUE(x.take(10, noon));
  x.give_back(-80, noon);
  EXPECT_EQ(x.allowance().remaining, 0);
  EXPECT_FALSE(x.take(1, noon + 30s));
  EXPECT_TRUE(x.take(1, noon + 31s));
  x.give_back(INT64_MIN, noon + 31s);
  EXPECT_FALSE(x.take(1, noon + 24h));
}

TEST(token_bucket, a_clock_that_stands_or_goes_back_brings_nothing) {
  token_bucket x{60};
  ASSERT_TRUE(x.take(60, noon));
  EXPECT_FALSE(x.take(1, noon - 1h));
  EXPECT_FALSE(x.take(1, noon));
  EXPECT_TRUE(x.take(1, noon + 1s));
}

TEST(token_bucket, no_span_has_more_than_a_bucket_and_what_flows_in_meanwhile) {
  for (uint32_t per_minute : {1u, 7u, 999u, 60'000u, 7'000'001u, 1'000'000'000u}) {
    std::mt19937_64 random{per_minute};
    token_bucket x{per_minute};
    auto now = noon;
    int64_t taken = 0;
    for (int i = 0; i < 2'000; ++i) {
      now += std::chrono::microseconds{random() % 300'000};
      auto tokens = static_cast<int64_t>(random() % (per_minute / 8 + 2));
      taken += x.take(tokens, now) ? tokens : 0;
      auto micros = std::chrono::duration_cast<std::chrono::microseconds>(now - noon).count();
      auto flowed = static_cast<int64_t>(per_minute) * (micros / 1'000) / 60'000 +
                    static_cast<int64_t>(per_minute) / 60'000 + 1;
      ASSERT_LE(taken, per_minute + flowed) << "seed " << per_minute << ", step " << i;
    }
    EXPECT_GE(taken, per_minute); // it is not stingy either
  }
}

} // namespace
} // namespace sluice
