#include "actors/cache/prefetch/succession.hpp"

#include <gtest/gtest.h>

namespace sluice {
namespace {

using namespace std::chrono_literals;

class succession_test : public ::testing::Test {
protected:
  /// Somebody asks something a second after the last question.
  std::vector<prefetch_order> ask(uint64_t question, const std::string& asker = "a") {
    asked_note note;
    note.tenant = "t";
    note.asker = asker;
    note.key_id = "key of " + asker;
    note.key = {1, question};
    note.body = std::string(body_bytes, 'x') + std::to_string(question);
    note.cost = {static_cast<int64_t>(question)};
    return known.learn(std::move(note), now += 1s);
  }
  std::vector<uint64_t> predicted(uint64_t question, const std::string& asker = "a") {
    std::vector<uint64_t> result;
    for (auto& x : ask(question, asker))
      result.push_back(x.key.low);
    return result;
  }

  succession_settings settings;
  succession known{settings};
  steady_time now{100h};
  size_t body_bytes = 10;
};

TEST_F(succession_test, orders_what_usually_follows) {
  for (int i = 0; i < 3; ++i) {
    EXPECT_TRUE(ask(1).empty()) << "after " << i << " times it may be chance";
    ask(2);
  }
  auto orders = ask(1, "another");
  ASSERT_EQ(orders.size(), 1U);
  EXPECT_EQ(orders[0].key, (fingerprint{1, 2}));
  EXPECT_EQ(orders[0].key_id, "key of another") << "who will ask it";
  EXPECT_EQ(orders[0].body.str(), "xxxxxxxxxx2");
  EXPECT_EQ(orders[0].cost.value, 2);
}

TEST_F(succession_test, orders_nothing_that_follows_seldom) {
  for (uint64_t i = 0; i < 20; ++i) {
    ask(1);
    ask(2 + i % 3);
  }
  EXPECT_TRUE(ask(1).empty());
}

TEST_F(succession_test, tells_askers_apart) {
  for (uint64_t i = 0; i < 10; ++i) {
    ask(1, "a");
    ask(100 + i, "b");
    ask(2, "a");
    ask(200 + i, "b");
  }
  EXPECT_EQ(predicted(1), std::vector<uint64_t>{2});
  EXPECT_TRUE(predicted(105, "b").empty());
}

TEST_F(succession_test, a_long_pause_begins_something_else) {
  for (int i = 0; i < 5; ++i) {
    ask(1);
    now += settings.pause_max;
    ask(2);
  }
  EXPECT_TRUE(ask(1).empty());
}

TEST_F(succession_test, the_same_again_follows_nothing) {
  for (int i = 0; i < 10; ++i)
    EXPECT_TRUE(ask(1).empty());
}

TEST_F(succession_test, habits_change) {
  for (int i = 0; i < 30; ++i) {
    ask(1);
    ask(2);
  }
  EXPECT_EQ(predicted(1), std::vector<uint64_t>{2});
  for (int i = 0; i < 60; ++i) {
    ask(3);
    ask(1);
  }
  EXPECT_EQ(predicted(1), std::vector<uint64_t>{3});
}

TEST_F(succession_test, does_not_order_what_is_too_long) {
  body_bytes = settings.body_bytes_max;
  for (int i = 0; i < 5; ++i) {
    ask(1);
    ask(2);
  }
  EXPECT_TRUE(ask(1).empty());
  EXPECT_EQ(known.bytes(), 0U);
}

TEST_F(succession_test, stays_within_its_bounds) {
  settings.questions_max = 50;
  settings.bytes_max = 20'000;
  known = succession{settings};
  body_bytes = 1'000;
  for (uint64_t i = 0; i < 1'000; ++i) {
    ask(i * 7919 % 300, "asker " + std::to_string(i % 20'000));
    ASSERT_LE(known.questions(), 50U);
    ASSERT_LE(known.bytes(), 20'000U);
  }
  EXPECT_GT(known.questions(), 10U);
}

} // namespace
} // namespace sluice
