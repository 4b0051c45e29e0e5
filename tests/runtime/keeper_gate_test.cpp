#include "runtime/keeper_gate.hpp"

#include <gtest/gtest.h>

namespace sluice {

namespace {

TEST(keeper_gate_test, is_closed_until_the_keeper_is_ready) {
  keeper_gate x;
  EXPECT_FALSE(x.enter_lookup());
  EXPECT_TRUE(x.enter_fill(10)) << "an answer can wait";
  x.open();
  EXPECT_TRUE(x.enter_lookup());
}

TEST(keeper_gate_test, lets_no_more_in_than_may_wait) {
  keeper_gate x;
  x.open();
  for (uint64_t i = 0; i < keeper_gate::lookups_max; ++i)
    ASSERT_TRUE(x.enter_lookup());
  EXPECT_FALSE(x.enter_lookup());
  x.leave_lookup();
  EXPECT_TRUE(x.enter_lookup());
  EXPECT_TRUE(x.enter_fill(keeper_gate::fill_bytes_max - 1));
  EXPECT_FALSE(x.enter_fill(2));
  EXPECT_TRUE(x.enter_fill(1)) << "who did not get in took no room";
  x.leave_fill(keeper_gate::fill_bytes_max);
  EXPECT_TRUE(x.enter_fill(keeper_gate::fill_bytes_max));
}

} // namespace

} // namespace sluice
