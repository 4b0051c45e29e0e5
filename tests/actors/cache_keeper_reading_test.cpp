#include "tests/actors/cache_keeper_fixture.hpp"

#include <array>

namespace sluice {

namespace {

/// A keeper whose texts are read when the test says so.
class cache_keeper_reading_test : public test::cache_keeper_fixture {
protected:
  /// Looks it up and hands out its order, which nobody has read yet.
  keeper_reading begin(fingerprint key, const std::string& question) {
    keeper_->look_up(lookup(key, question), at_, say_);
    keeper_->read(at_, say_);
    auto orders = keeper_->take_readings();
    EXPECT_EQ(orders.size(), 1u);
    return orders.empty() ? keeper_reading{} : std::move(orders.front());
  }

  void finish(const keeper_reading& x) {
    const std::vector<std::string_view> texts{x.what.texts.begin(), x.what.texts.end()};
    auto forms = judge_.read(texts);
    keeper_->texts_read(x.ticket, forms ? &*forms : nullptr, at_, say_);
  }

  std::vector<keeper_word> say_;
};

TEST_F(cache_keeper_reading_test, an_answer_may_come_before_its_question_is_read) {
  make();
  auto order = begin({1, 1}, "weather/a");
  keep_unread({1, 1}, "weather/a", "rain");
  EXPECT_EQ(archive_.entries.size(), 1u) << "it is kept at once";
  EXPECT_EQ(keeper_->report().vectors, 0u);
  EXPECT_FALSE(keeper_->wants_to_read()) << "its question is read once";
  finish(order);
  EXPECT_EQ(keeper_->report().vectors, 1u);
  EXPECT_FALSE(archive_.entries.begin()->second.meta.encoding.empty());
  EXPECT_EQ(ask(lookup({2, 2}, "weather/b"))[0].result, cache_result::similar);
}

TEST_F(cache_keeper_reading_test, an_answer_that_came_early_is_a_sample_all_the_same) {
  judge_.probability = [](auto&, auto&) { return 0.8; }; // nothing is known of it
  make();
  keep({1, 1}, "weather/a", "rain");
  auto order = begin({2, 2}, "weather/b");
  keep_unread({2, 2}, "weather/b", "rain");
  EXPECT_EQ(keeper_->report().namespaces.at(0).verified, 0u);
  finish(order);
  EXPECT_EQ(keeper_->report().namespaces.at(0).verified, 1u);
  EXPECT_EQ(keeper_->report().namespaces.at(0).wrong, 0u);
}

TEST_F(cache_keeper_reading_test, what_cannot_be_read_is_a_miss_and_is_read_at_the_next_start) {
  make();
  judge_.fails = true;
  finish(begin({1, 1}, "weather/a"));
  ASSERT_EQ(say_.size(), 1u);
  EXPECT_EQ(say_[0].what.result, cache_result::miss);
  EXPECT_EQ(keeper_->report().shed, 1u);
  keep({1, 1}, "weather/a", "rain");
  EXPECT_EQ(keeper_->report().vectors, 0u);
  judge_.fails = false;
  make();
  warm_up();
  EXPECT_EQ(keeper_->report().vectors, 1u);
}

TEST_F(cache_keeper_reading_test, so_many_orders_are_under_way_at_once) {
  auto with = settings();
  with.readings_max = 2;
  make(with);
  auto first = begin({1, 1}, "weather/a");
  auto second = begin({2, 2}, "sport/a");
  keeper_->look_up(lookup({3, 3}, "news/a"), at_, say_);
  EXPECT_FALSE(keeper_->wants_to_read());
  keeper_->read(at_, say_);
  EXPECT_TRUE(keeper_->take_readings().empty());
  finish(first);
  EXPECT_TRUE(keeper_->wants_to_read());
  keeper_->read(at_, say_);
  EXPECT_EQ(keeper_->take_readings().at(0).what.texts.at(0), "news/a");
  finish(first); // an order has one outcome
  EXPECT_EQ(say_.size(), 1u);
}

TEST_F(cache_keeper_reading_test, each_tenant_pays_for_its_own_texts) {
  auto with = settings();
  with.apart = true;
  with.readings_max = 8;
  make(with);
  for (uint64_t i = 0; i < 4; ++i) {
    auto x = lookup({i + 1, 1}, "weather/" + std::to_string(i));
    x.tenant = i % 2 == 0 ? "even" : "odd";
    keeper_->look_up(std::move(x), at_, say_);
  }
  keeper_->read(at_, say_);
  auto orders = keeper_->take_readings();
  ASSERT_EQ(orders.size(), 2u);
  EXPECT_EQ(orders[0].what.tenant, "even");
  EXPECT_EQ(orders[0].what.texts, (std::vector<std::string>{"weather/0", "weather/2"}));
  EXPECT_EQ(orders[1].what.tenant, "odd");
}

TEST_F(cache_keeper_reading_test, questions_come_before_what_nobody_waits_for) {
  make();
  keep_unread({1, 1}, "weather/a", "rain"); // nobody looked it up
  auto order = begin({2, 2}, "sport/a");
  EXPECT_EQ(order.what.texts.at(0), "sport/a");
  finish(order);
  keeper_->read(at_, say_);
  auto next = keeper_->take_readings();
  ASSERT_EQ(next.size(), 1u);
  EXPECT_EQ(next[0].what.texts.at(0), "weather/a");
  EXPECT_EQ(next[0].what.tenant, "t");
  finish(next[0]);
  EXPECT_EQ(keeper_->report().vectors, 1u);
}

TEST_F(cache_keeper_reading_test, what_waits_behind_questions_is_bounded) {
  make();
  for (uint64_t i = 0; i < 2 * cache_keeper::behind_max; ++i)
    keep_unread({i + 1, 1}, "weather/a", "rain");
  read_all();
  EXPECT_EQ(keeper_->report().vectors, cache_keeper::behind_max);
  EXPECT_EQ(archive_.entries.size(), 2 * cache_keeper::behind_max);
}

TEST_F(cache_keeper_reading_test, samples_take_turns_with_questions) {
  judge_.probability = [](auto&, auto&) { return 0.8; };
  make();
  keep({1, 1}, "weather/a", "rain");
  finish(begin({2, 2}, "weather/b"));
  keep_unread({2, 2}, "weather/b", "sun");
  for (uint64_t i = 0; i < 10; ++i) // as many as may wait
    keeper_->look_up(lookup({10 + i, 1}, "news/" + std::to_string(i)), at_, say_);
  keeper_->read(at_, say_);
  auto sample = keeper_->take_readings().at(0);
  EXPECT_EQ(sample.what.texts, (std::vector<std::string>{"sun", "rain"}));
  finish(sample);
  keeper_->read(at_, say_);
  EXPECT_EQ(keeper_->take_readings().at(0).what.texts.at(0), "news/0");
}

TEST_F(cache_keeper_reading_test, nothing_is_served_while_errors_would_not_be_noticed) {
  make();
  keep({1, 1}, "weather/a", "rain");
  EXPECT_EQ(ask(lookup({2, 2}, "weather/b"))[0].result, cache_result::similar);
  judge_.probability = [](auto&, auto&) { return 0.8; }; // nothing is known of it
  keeper_->look_up(lookup({3, 3}, "weather/c"), at_, say_);
  finish(begin({4, 4}, "weather/d")); // both are read together
  keep_unread({3, 3}, "weather/c", "sun");
  keep_unread({4, 4}, "weather/d", "sun/" + std::string(cache_keeper::behind_bytes_max, 'x'));
  judge_.probability = [](auto&, auto&) { return 0.97; };
  say_.clear();
  finish(begin({5, 5}, "weather/e")); // a sample, whose turn it is
  EXPECT_TRUE(say_.empty());
  keeper_->read(at_, say_);
  finish(keeper_->take_readings().at(0));
  ASSERT_EQ(say_.size(), 1u);
  EXPECT_EQ(say_[0].what.result, cache_result::miss);
  read_all();
  EXPECT_EQ(keeper_->report().namespaces.at(0).wrong, 2u);
}

TEST_F(cache_keeper_reading_test, a_start_reads_what_another_encoder_has_read) {
  make();
  for (uint64_t i = 1; i <= 200; ++i)
    keep({i, i}, "weather/a", "rain");
  judge_.form_edition = 2;
  make();
  std::vector<cache_fill> fills;
  auto step = warm_step::more;
  while ((step = keeper_->warm_some(at_, fills)) == warm_step::more) {
  }
  EXPECT_EQ(step, warm_step::later) << "more than may wait is to be read";
  EXPECT_EQ(keeper_->report().vectors, 0u);
  warm_up();
  EXPECT_EQ(keeper_->report().vectors, 200u);
}

TEST_F(cache_keeper_reading_test, what_is_purged_meanwhile_is_not_indexed) {
  make();
  keep_unread({1, 1}, "weather/a", "rain");
  keeper_->read(at_, say_);
  auto order = keeper_->take_readings().at(0);
  ASSERT_TRUE(keeper_->purge({}));
  finish(order);
  EXPECT_EQ(keeper_->report().vectors, 0u);
  EXPECT_TRUE(archive_.entries.empty());
}

} // namespace

} // namespace sluice
