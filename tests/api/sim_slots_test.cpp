#include "api/sim/sim_slots.hpp"

#include <gtest/gtest.h>

namespace sluice {
namespace {

using entry = sim_slots::entry;
using std::chrono::milliseconds;

const steady_time start{std::chrono::hours{1}};

TEST(sim_slots_test, without_limit_everybody_is_served) {
  sim_slots x{{0, 0}};
  for (uint64_t i = 1; i <= 1'000; ++i)
    EXPECT_EQ(x.enter(i, start), entry::started);
  EXPECT_EQ(x.serving(), 1'000U);
}

TEST(sim_slots_test, first_come_is_first_served_and_the_wait_is_told) {
  sim_slots x{{1, 2}};
  EXPECT_EQ(x.enter(1, start), entry::started);
  EXPECT_EQ(x.enter(2, start + milliseconds{10}), entry::queued);
  EXPECT_EQ(x.enter(3, start + milliseconds{20}), entry::queued);
  auto next = x.leave(1, start + milliseconds{100});
  ASSERT_TRUE(next);
  EXPECT_EQ(next->call, 2U);
  EXPECT_EQ(next->waited, milliseconds{90});
  next = x.leave(2, start + milliseconds{200});
  ASSERT_TRUE(next);
  EXPECT_EQ(next->call, 3U);
  EXPECT_EQ(next->waited, milliseconds{180});
  EXPECT_FALSE(x.leave(3, start + milliseconds{300}));
  EXPECT_EQ(x.serving(), 0U);
}

TEST(sim_slots_test, refuses_beyond_the_queue) {
  sim_slots x{{1, 1}};
  EXPECT_EQ(x.enter(1, start), entry::started);
  EXPECT_EQ(x.enter(2, start), entry::queued);
  EXPECT_EQ(x.enter(3, start), entry::refused);
  EXPECT_FALSE(x.leave(3, start)) << "a refused call holds nothing";
  EXPECT_EQ(x.waiting(), 1U);
}

TEST(sim_slots_test, who_leaves_the_queue_makes_room_in_it) {
  sim_slots x{{1, 1}};
  x.enter(1, start);
  x.enter(2, start);
  EXPECT_FALSE(x.leave(2, start));
  EXPECT_EQ(x.enter(3, start), entry::queued);
  auto next = x.leave(1, start);
  ASSERT_TRUE(next);
  EXPECT_EQ(next->call, 3U);
}

} // namespace
} // namespace sluice
