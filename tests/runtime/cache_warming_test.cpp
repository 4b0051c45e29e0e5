#include "runtime/cache_warming.hpp"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

namespace sluice {
namespace {

using namespace std::chrono_literals;

constexpr steady_time start{100h};
constexpr wall_time noon{12h};
constexpr nanousd dollar{1'000'000'000};

cache_warming_settings settings() {
  return {dollar, 60s, 1};
}

TEST(cache_warming_test, one_of_all_who_find_an_answer_out_of_date_fetches_it) {
  cache_warming x{settings()};
  EXPECT_TRUE(x.revalidate({1, 1}, start));
  EXPECT_FALSE(x.revalidate({1, 1}, start + 59s));
  EXPECT_TRUE(x.revalidate({1, 2}, start)) << "another answer";
  x.ended({1, 1}, dollar, noon);
  EXPECT_TRUE(x.revalidate({1, 1}, start));
  EXPECT_EQ(x.committed(noon), nanousd{}) << "somebody would have had to pay it anyway";
}

TEST(cache_warming_test, a_call_that_never_comes_back_keeps_nobody_for_long) {
  cache_warming x{settings()};
  EXPECT_TRUE(x.revalidate({1, 1}, start));
  EXPECT_TRUE(x.revalidate({1, 1}, start + 60s));
  EXPECT_TRUE(x.warm({2, 2}, {400'000'000}, start, noon));
  EXPECT_TRUE(x.warm({2, 2}, {400'000'000}, start + 60s, noon));
  EXPECT_EQ(x.committed(noon), nanousd{800'000'000}) << "what was not heard of counts as spent";
}

TEST(cache_warming_test, spends_no_more_on_a_day_than_the_budget) {
  cache_warming x{settings()};
  EXPECT_FALSE(x.warm({9, 9}, {1'000'000'001}, start, noon));
  EXPECT_TRUE(x.warm({1, 1}, {600'000'000}, start, noon));
  EXPECT_FALSE(x.warm({1, 2}, {600'000'000}, start, noon)) << "held for the first";
  x.ended({1, 1}, {300'000'000}, noon);
  EXPECT_EQ(x.committed(noon), nanousd{300'000'000});
  EXPECT_TRUE(x.warm({1, 2}, {600'000'000}, start, noon));
  x.ended({1, 2}, {700'000'000}, noon);
  EXPECT_FALSE(x.warm({1, 3}, {}, start, noon)) << "nothing is left";
  EXPECT_TRUE(x.warm({1, 3}, {}, start, noon + 24h));
  EXPECT_EQ(x.committed(noon), nanousd{}) << "a clock that is set back opens no day twice";
  EXPECT_FALSE(x.warm({1, 4}, dollar + dollar, start, noon));
}

TEST(cache_warming_test, without_a_budget_nothing_is_fetched_in_advance) {
  cache_warming x{{{}, 60s, 1}};
  EXPECT_FALSE(x.warm({1, 1}, {}, start, noon));
  EXPECT_TRUE(x.revalidate({1, 1}, start));
}

TEST(cache_warming_test, bounds_what_is_under_way) {
  cache_warming x{settings()};
  for (uint64_t i = 0; i < cache_warming::warmed_at_once_max; ++i)
    EXPECT_TRUE(x.warm({1, i}, {}, start, noon));
  EXPECT_FALSE(x.warm({2, 1}, {}, start, noon));
  for (uint64_t i = cache_warming::warmed_at_once_max; i < cache_warming::leases_max; ++i)
    EXPECT_TRUE(x.revalidate({3, i}, start));
  EXPECT_FALSE(x.revalidate({4, 1}, start));
  EXPECT_TRUE(x.revalidate({4, 1}, start + 60s)) << "those that have run out make room";
  EXPECT_TRUE(x.warm({2, 1}, {}, start + 60s, noon));
}

TEST(cache_warming_test, what_is_not_used_is_fetched_less_often) {
  cache_warming x{settings()};
  auto fetched = [&] {
    int count = 0;
    for (uint64_t i = 0; i < 1'000; ++i)
      if (x.warm({5, i}, {}, start, noon)) {
        ++count;
        x.ended({5, i}, {}, noon);
      }
    return count;
  };
  EXPECT_EQ(fetched(), 1'000);
  x.saw(25, 25);
  EXPECT_DOUBLE_EQ(x.usefulness(), 0.5);
  EXPECT_NEAR(fetched(), 500, 80);
  for (int i = 0; i < 20; ++i)
    x.saw(0, 40);
  EXPECT_LT(x.usefulness(), 0.01);
  auto still = fetched();
  EXPECT_GT(still, 0) << "to see whether it is used by now";
  EXPECT_LT(still, 120);
  x.saw(500, 0);
  EXPECT_EQ(fetched(), 1'000);
}

TEST(cache_warming_test, a_lease_is_given_once_among_threads) {
  cache_warming x{settings()};
  std::atomic<int> given{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&] {
      for (uint64_t i = 0; i < 500; ++i)
        given += x.revalidate({7, i}, start) ? 1 : 0;
    });
  for (auto& each : threads)
    each.join();
  EXPECT_EQ(given, 500);
}

TEST(cache_warming_test, bounds_the_notes_on_their_way) {
  cache_warming x{settings()};
  for (uint64_t i = 0; i < cache_warming::notes_max; ++i)
    EXPECT_TRUE(x.enter_note());
  EXPECT_FALSE(x.enter_note());
  x.leave_note();
  EXPECT_TRUE(x.enter_note());
}

} // namespace
} // namespace sluice
