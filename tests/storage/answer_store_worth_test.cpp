#include "storage/answer_store.hpp"

#include "tests/support/answer_fixture.hpp"

namespace sluice {
namespace {

using namespace std::chrono_literals;
using test::answer_of;

/// Uses, and who stays for them.
class answer_store_worth_test : public test::answer_store_fixture {};

TEST_F(answer_store_worth_test, counts_uses_when_it_is_told_to_write_them) {
  auto x = opened();
  put(*x, answer_of(1));
  auto key = answer_of(1).meta.key;
  for (int i = 0; i < 3; ++i)
    EXPECT_TRUE(*x->get(key, now));
  EXPECT_DOUBLE_EQ((*x->describe(key, now))->use.count, 1);
  EXPECT_FALSE(x->flush_uses());
  x = nullptr;
  x = opened();
  EXPECT_DOUBLE_EQ((*x->describe(key, now))->use.count, 4);
  now += 24h - 1s;
  EXPECT_TRUE(*x->get(key, now));
  EXPECT_FALSE(x->flush_uses());
  EXPECT_NEAR((*x->describe(key, now))->use.count, 3, 0.01);
}

TEST_F(answer_store_worth_test, does_not_bring_back_with_its_uses_what_is_gone) {
  auto x = opened();
  put(*x, answer_of(1));
  EXPECT_TRUE(*x->get(answer_of(1).meta.key, now));
  EXPECT_FALSE(x->erase(answer_of(1).meta.key));
  EXPECT_FALSE(x->flush_uses());
  x = nullptr;
  auto tables = raw();
  std::string value;
  auto key = key_bytes(answer_of(1).meta.key);
  EXPECT_TRUE(tables.db->Get({}, tables.use, key, &value).IsNotFound());
}

TEST_F(answer_store_worth_test, counts_no_more_uses_than_may_wait) {
  settings.uses_pending_max = 2;
  auto x = opened();
  for (uint64_t i = 0; i < 3; ++i) {
    put(*x, answer_of(i));
    EXPECT_TRUE(*x->get(answer_of(i).meta.key, now));
  }
  EXPECT_TRUE(*x->get(answer_of(0).meta.key, now));
  EXPECT_EQ(x->stats().uses_lost, 1u);
}

TEST_F(answer_store_worth_test, knows_the_hottest) {
  auto x = opened();
  for (uint64_t i = 0; i < 40; ++i) {
    auto entry = answer_of(i);
    entry.meta.use.count = static_cast<double>(i * 7 % 40);
    put(*x, entry);
  }
  // Long ago often counts for less than lately once or twice.
  auto old = answer_of(100);
  old.meta.use = {1'000, test::answer_day - 20 * 24h};
  put(*x, old);
  auto expired = answer_of(101, test::answer_day, 1s);
  expired.meta.use.count = 1'000;
  put(*x, expired);
  now += 1s;
  for (uint32_t step : {1, 7, 41, 100}) {
    SCOPED_TRACE(step);
    auto best = hottest(*x, 5, step);
    ASSERT_EQ(best.size(), 5u);
    for (size_t i = 0; i < 5; ++i)
      EXPECT_DOUBLE_EQ((*x->describe(best[i], now))->use.count, 39 - static_cast<double>(i));
    EXPECT_EQ(hottest(*x, 0, step).size(), 0u);
    EXPECT_EQ(hottest(*x, 1'000, step).size(), 41u);
  }
}

TEST_F(answer_store_worth_test, keeps_the_bound_and_the_better_entries) {
  settings.bytes_max = 400'000;
  auto x = opened();
  for (uint64_t i = 0; i < 1'000; ++i) {
    auto entry = answer_of(i);
    entry.meta.use.count = i % 4 == 0 ? 8 : 1;
    put(*x, entry);
  }
  auto before = x->stats();
  ASSERT_GT(before.bytes, 2 * settings.bytes_max);
  auto first = x->make_room(now, 10);
  ASSERT_TRUE(first);
  EXPECT_EQ(first->removed, 10u) << "a bounded number in a call";
  EXPECT_FALSE(first->enough);
  for (int i = 0; i < 100 && !x->make_room(now, 50)->enough; ++i) {
  }
  auto after = x->stats();
  EXPECT_LE(after.bytes, settings.bytes_max);
  EXPECT_GT(after.bytes, settings.bytes_max * 9 / 10) << "and not much more than needed";
  EXPECT_EQ(after.entries + after.evicted, 1'000u);
  auto left = present(*x, 1'000);
  EXPECT_EQ(left.size(), after.entries);
  auto good = std::ranges::count_if(left, [](uint64_t i) { return i % 4 == 0; });
  EXPECT_GE(good, 240) << "of 250 that are asked for eight times as often";
}

TEST_F(answer_store_worth_test, makes_room_among_what_was_asked_for_lately) {
  settings.bytes_max = 1;
  auto x = opened();
  for (uint64_t i = 0; i < 3; ++i)
    put(*x, answer_of(i));
  now += 48h - 24h - 1s;
  EXPECT_TRUE(*x->get(answer_of(1).meta.key, now)); // which is not written down yet
  EXPECT_EQ(x->make_room(now, 2)->removed, 2u);
  EXPECT_EQ(present(*x, 3), (std::vector<uint64_t>{1}));
}

} // namespace
} // namespace sluice
