#include "actors/batching/call_limit.hpp"

#include <gtest/gtest.h>

namespace sluice {
namespace {

/// Lets calls end until the limit stands still: those side by side with more than `slots` of them
/// take as much longer.
void settle(call_limit& x, uint32_t slots, int calls) {
  for (int i = 0; i < calls; ++i) {
    auto beside = x.limit();
    auto slowness = beside > slots ? static_cast<double>(beside) / slots : 1.0;
    x.completed({beside, slowness, true});
  }
}

TEST(call_limit_test, finds_an_upstream_that_serves_one_call_at_a_time) {
  call_limit x{64};
  settle(x, 1, 10);
  EXPECT_EQ(x.limit(), 1U);
  EXPECT_EQ(x.reason(), "slower side by side");
}

TEST(call_limit_test, finds_an_upstream_that_serves_many) {
  call_limit x{64};
  settle(x, 1'000, 60);
  EXPECT_EQ(x.limit(), 64U) << "the bound";
  EXPECT_EQ(x.proven(), 64U);
}

TEST(call_limit_test, comes_near_to_what_is_there) {
  call_limit x{64};
  settle(x, 10, 2'000);
  EXPECT_GE(x.limit(), 7U);
  EXPECT_LE(x.limit(), 14U);
}

TEST(call_limit_test, asks_for_no_more_where_nobody_waits) {
  call_limit x{64};
  for (int i = 0; i < 100; ++i)
    x.completed({x.limit(), 1.0, false});
  EXPECT_EQ(x.limit(), call_limit::limit_at_first);
}

TEST(call_limit_test, halves_when_the_upstream_has_too_much) {
  call_limit x{64};
  settle(x, 1'000, 60);
  x.overloaded();
  EXPECT_EQ(x.limit(), 32U);
  EXPECT_EQ(x.reason(), "upstream overloaded");
  for (int i = 0; i < 10; ++i)
    x.overloaded();
  EXPECT_EQ(x.limit(), 1U) << "never none";
}

TEST(call_limit_test, tries_again_ever_more_seldom) {
  call_limit x{64};
  int tries = 0;
  for (int i = 0; i < 4'000; ++i) {
    auto before = x.limit();
    x.completed({before, before > 1 ? 2.0 : 1.0, true});
    tries += x.limit() > before ? 1 : 0;
  }
  EXPECT_GE(tries, 4) << "an upstream can grow";
  EXPECT_LE(tries, 8);
}

TEST(call_limit_test, one_slow_call_is_bad_luck) {
  call_limit x{64};
  x.completed({2, 9.0, true});
  for (int i = 0; i < 3; ++i)
    x.completed({2, 1.0, true});
  EXPECT_EQ(x.proven(), 2U);
}

} // namespace
} // namespace sluice
