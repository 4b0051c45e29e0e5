#include "actors/cache/hot_cache.hpp"

#include <gtest/gtest.h>

namespace sluice {
namespace {

using namespace std::chrono_literals;

constexpr steady_time start{100h};

hot_cache_settings settings() {
  hot_cache_settings result;
  result.bounds = {100, 1'000'000};
  result.ttl = 1'000s;
  result.seed = 1;
  return result;
}

cached_answer answer(std::string content) {
  cached_answer result;
  result.content = std::move(content);
  result.deployment = "p/m";
  return result;
}

TEST(hot_cache_test, gives_an_answer_again_until_it_expires) {
  hot_cache cache{settings()};
  fingerprint key{1, 1};
  EXPECT_EQ(cache.find(key, -1s, 0s, start), nullptr);
  cache.put({key, answer("one"), 0s}, start);
  auto* found = cache.find(key, -1s, 0s, start + 999s);
  ASSERT_NE(found, nullptr);
  EXPECT_EQ(found->answer.content, "one");
  EXPECT_EQ(cache.find({1, 2}, -1s, 0s, start), nullptr);
  EXPECT_EQ(cache.find(key, -1s, 0s, start + 1'000s), nullptr);
  EXPECT_EQ(cache.entries(), 0U);
  EXPECT_EQ(cache.bytes(), 0U);
  EXPECT_EQ(cache.take_counts().expired, 1U);
}

TEST(hot_cache_test, a_caller_may_ask_for_younger_answers_or_name_a_time) {
  hot_cache cache{settings()};
  cache.put({{1, 1}, answer("one"), 5s}, start);
  EXPECT_NE(cache.find({1, 1}, 3s, 0s, start + 3s), nullptr);
  EXPECT_EQ(cache.find({1, 1}, 2s, 0s, start + 3s), nullptr);
  EXPECT_NE(cache.find({1, 1}, -1s, 0s, start + 4s), nullptr) << "it is still there for others";
  EXPECT_EQ(cache.find({1, 1}, -1s, 0s, start + 5s), nullptr);
}

TEST(hot_cache_test, what_is_out_of_date_is_kept_for_those_who_take_it) {
  auto with_stale = settings();
  with_stale.stale_max = 60s;
  hot_cache cache{with_stale};
  cache.put({{1, 1}, answer("one"), 10s}, start);
  EXPECT_EQ(cache.find({1, 1}, -1s, 0s, start + 10s), nullptr);
  EXPECT_NE(cache.find({1, 1}, -1s, 30s, start + 39s), nullptr);
  EXPECT_EQ(cache.find({1, 1}, -1s, 30s, start + 40s), nullptr);
  EXPECT_NE(cache.find({1, 1}, -1s, 60s, start + 69s), nullptr);
  cache.expire(start + 69s, 10);
  EXPECT_EQ(cache.entries(), 1U);
  cache.expire(start + 70s, 10);
  EXPECT_EQ(cache.entries(), 0U);
}

TEST(hot_cache_test, an_answer_from_elsewhere_is_as_old_as_it_was_there) {
  hot_cache cache{settings()};
  cache.put({{1, 1}, answer("one"), 50s, 100s}, start);
  EXPECT_EQ(cache.find({1, 1}, 99s, 0s, start), nullptr);
  auto* found = cache.find({1, 1}, 100s, 0s, start);
  ASSERT_NE(found, nullptr);
  EXPECT_EQ(start - found->made, 100s);
  EXPECT_EQ(found->until - start, 50s);
}

TEST(hot_cache_test, counts_what_became_of_answers_that_nobody_had_asked_for) {
  hot_cache cache{settings()};
  auto warmed = [&](uint64_t i) {
    cache_fill fill{{1, i}, answer("x"), 10s};
    fill.warmed = true;
    cache.put(std::move(fill), start);
  };
  for (uint64_t i = 0; i < 5; ++i)
    warmed(i);
  cache.find({1, 0}, -1s, 0s, start);
  cache.find({1, 0}, -1s, 0s, start);
  cache.find({1, 1}, -1s, 0s, start);
  warmed(2); // again, before anybody asked
  cache.expire(start + 10s, 10);
  auto counts = cache.take_counts();
  EXPECT_EQ(counts.warmed_used, 2U);
  EXPECT_EQ(counts.warmed_unused, 4U);
}

TEST(hot_cache_test, forgets_what_a_tenant_has) {
  hot_cache cache{settings()};
  for (uint64_t i = 0; i < 90; ++i) {
    cache_fill fill{{1, i}, answer("x"), 10s};
    fill.tenant = tenant_mark(i % 3 == 0 ? "a" : "b");
    cache.put(std::move(fill), start);
  }
  EXPECT_EQ(cache.purge(tenant_mark("c")), 0U);
  EXPECT_EQ(cache.purge(tenant_mark("a")), 30U);
  EXPECT_EQ(cache.entries(), 60U);
  EXPECT_EQ(cache.find({1, 0}, -1s, 0s, start), nullptr);
  EXPECT_NE(cache.find({1, 1}, -1s, 0s, start), nullptr);
  EXPECT_EQ(cache.purge(std::nullopt), 60U);
  EXPECT_EQ(cache.bytes(), 0U);
}

TEST(hot_cache_test, keeps_the_latest_answer) {
  hot_cache cache{settings()};
  cache.put({{1, 1}, answer("one"), 0s}, start);
  cache.put({{1, 1}, answer("two"), 0s}, start + 10s);
  EXPECT_EQ(cache.entries(), 1U);
  auto* found = cache.find({1, 1}, 0s, 0s, start + 10s);
  ASSERT_NE(found, nullptr);
  EXPECT_EQ(found->answer.content, "two");
}

TEST(hot_cache_test, what_came_together_does_not_expire_together) {
  auto with_jitter = settings();
  with_jitter.ttl_jitter_percent = 10;
  hot_cache cache{with_jitter};
  for (uint64_t i = 1; i <= 50; ++i)
    cache.put({{i, i}, answer("x"), 0s}, start);
  cache.expire(start + 899s, 1'000);
  EXPECT_EQ(cache.entries(), 50U);
  cache.expire(start + 1'000s, 1'000);
  EXPECT_GT(cache.entries(), 10U);
  EXPECT_LT(cache.entries(), 40U);
  cache.expire(start + 1'100s, 1'000);
  EXPECT_EQ(cache.entries(), 0U);
}

TEST(hot_cache_test, drops_only_so_many_at_once_for_their_age) {
  hot_cache cache{settings()};
  for (uint64_t i = 1; i <= 50; ++i)
    cache.put({{i, i}, answer("x"), 0s}, start);
  cache.expire(start + 1'000s, 20);
  EXPECT_EQ(cache.entries(), 30U);
}

TEST(hot_cache_test, stays_within_entries_and_bytes) {
  auto small = settings();
  small.bounds = {10, 20'000};
  hot_cache cache{small};
  for (uint64_t i = 1; i <= 1'000; ++i) {
    cache.put({{i, i * 77}, answer(std::string(i % 3'000, 'x')), 0s}, start);
    ASSERT_LE(cache.entries(), 10U);
    ASSERT_LE(cache.bytes(), 20'000U);
  }
  auto counts = cache.take_counts();
  EXPECT_EQ(counts.stored, 1'000U);
  EXPECT_EQ(counts.refused + counts.evicted + cache.entries(), 1'000U);
  cache.put({{5'000, 1}, answer(std::string(30'000, 'x')), 0s}, start);
  EXPECT_EQ(cache.find({5'000, 1}, -1s, 0s, start), nullptr) << "larger than the cache";
}

} // namespace
} // namespace sluice
