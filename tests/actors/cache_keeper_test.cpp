#include "actors/cache/semantic/answer_text.hpp"
#include "actors/cache/semantic/form_bytes.hpp"
#include "tests/actors/cache_keeper_fixture.hpp"

#include <gtest/gtest.h>

namespace sluice {

namespace {

using namespace std::chrono_literals;

using cache_keeper_test = test::cache_keeper_fixture;

TEST_F(cache_keeper_test, the_same_request_is_answered_from_the_archive) {
  make();
  keep({5, 5}, "weather/a", "rain");
  at_.wall += 100s;
  auto said = ask(lookup({5, 5}, "weather/a"));
  ASSERT_EQ(said.size(), 1u);
  EXPECT_EQ(said[0].result, cache_result::stored);
  EXPECT_EQ(said[0].call, 1u);
  EXPECT_EQ(said[0].age, 100s);
  EXPECT_EQ(said[0].expires, 3'500s);
  EXPECT_EQ(answer_text(said[0].answer), "rain");
}

TEST_F(cache_keeper_test, a_question_that_means_the_same_is_answered_by_meaning) {
  make();
  keep({5, 5}, "weather/a", "rain");
  auto said = ask(lookup({6, 6}, "weather/b"));
  ASSERT_EQ(said.size(), 1u);
  EXPECT_EQ(said[0].result, cache_result::similar);
  EXPECT_EQ(said[0].key, (fingerprint{5, 5}));
  EXPECT_GT(said[0].similarity, 0.99);
  EXPECT_EQ(said[0].probability, 0.97);
  EXPECT_EQ(ask(lookup({6, 6}, "weather/b", {3, 3}))[0].result, cache_result::miss)
      << "of another namespace";
}

TEST_F(cache_keeper_test, what_is_not_served_is_compared_with_what_comes) {
  make();
  judge_.probability = [](auto&, auto&) { return 0.8; }; // nothing is known of it
  keep({5, 5}, "weather/a", "rain");
  for (uint64_t i = 0; i < 3; ++i) {
    EXPECT_EQ(ask(lookup({10 + i, 0}, "weather/b" + std::to_string(i)))[0].result,
              cache_result::miss);
    keep({10 + i, 0}, "weather/b" + std::to_string(i), i < 2 ? "rain" : "sun/no clouds");
  }
  auto report = keeper_->report();
  ASSERT_EQ(report.namespaces.size(), 1u);
  EXPECT_EQ(report.namespaces[0].scope, scope);
  EXPECT_EQ(report.namespaces[0].verified, 3u);
  EXPECT_EQ(report.namespaces[0].wrong, 1u);
  EXPECT_EQ(report.namespaces[0].served, 0u);
  EXPECT_EQ(report.namespaces[0].entries, 4u);
}

TEST_F(cache_keeper_test, who_need_not_wait_is_told_first) {
  auto with = settings();
  with.beside_below = 0.1;
  make(with);
  keep({5, 5}, "weather/a", "rain");
  auto said = ask(lookup({6, 6}, "weather/b"));
  ASSERT_EQ(said.size(), 2u);
  EXPECT_EQ(said[0].result, cache_result::miss);
  EXPECT_TRUE(said[0].more);
  EXPECT_EQ(said[1].result, cache_result::similar);
  EXPECT_FALSE(said[1].more);
  auto patient = lookup({6, 6}, "weather/b");
  patient.patient = true;
  EXPECT_EQ(ask(std::move(patient)).size(), 1u);
}

TEST_F(cache_keeper_test, ages_are_kept_to) {
  make();
  keep({5, 5}, "weather/a", "rain");
  at_.wall += 50s;
  auto young = lookup({5, 5}, "");
  young.age_max = 49s;
  EXPECT_EQ(ask(std::move(young))[0].result, cache_result::miss);
  young = lookup({6, 6}, "weather/b");
  young.age_max = 49s;
  EXPECT_EQ(ask(std::move(young))[0].result, cache_result::miss);
  young = lookup({6, 6}, "weather/b");
  young.age_max = 50s;
  EXPECT_EQ(ask(std::move(young))[0].result, cache_result::similar);
}

TEST_F(cache_keeper_test, what_is_out_of_date_is_given_to_who_says_so) {
  make();
  keep({5, 5}, "weather/a", "rain");
  at_.wall += 1h + 1s;
  EXPECT_EQ(ask(lookup({5, 5}, ""))[0].result, cache_result::miss);
  EXPECT_EQ(ask(lookup({6, 6}, "weather/b"))[0].result, cache_result::miss);
  auto any = lookup({5, 5}, "");
  any.stale = true;
  auto said = ask(std::move(any));
  EXPECT_EQ(said[0].result, cache_result::stale);
  EXPECT_EQ(said[0].expires, -1s);
  at_.wall += 10min;
  any = lookup({5, 5}, "");
  any.stale = true;
  EXPECT_EQ(ask(std::move(any))[0].result, cache_result::miss);
}

TEST_F(cache_keeper_test, questions_are_read_together) {
  make();
  std::vector<keeper_word> say;
  for (uint64_t i = 0; i < 8; ++i)
    keeper_->look_up(lookup({i + 1, 0}, "weather/" + std::to_string(i)), at_, say);
  EXPECT_TRUE(say.empty());
  read_at_once(*keeper_, judge_, at_, say);
  EXPECT_EQ(say.size(), 8u);
  EXPECT_EQ(judge_.calls, 1);
}

TEST_F(cache_keeper_test, too_many_questions_are_not_read) {
  make();
  std::vector<keeper_word> say;
  for (uint64_t i = 0; i < 12; ++i)
    keeper_->look_up(lookup({i + 1, 0}, "weather/a"), at_, say);
  EXPECT_EQ(say.size(), 2u) << "ten may wait";
  at_.now += 101ms;
  keeper_->read(at_, say);
  EXPECT_EQ(say.size(), 12u);
  EXPECT_EQ(judge_.calls, 0) << "nobody waits for them any more";
  EXPECT_EQ(keeper_->report().shed, 12u);
}

TEST_F(cache_keeper_test, a_restart_brings_both_levels_back) {
  make();
  for (uint64_t i = 1; i <= 50; ++i)
    keep({i, i}, "weather/" + std::string(i % 40, 'x'), "rain" + std::to_string(i));
  for (int i = 0; i < 3; ++i)
    ask(lookup({7, 7}, ""));
  auto with = settings();
  with.hottest = 3;
  make(with);
  EXPECT_EQ(ask(lookup({99, 99}, "weather/x"))[0].result, cache_result::miss);
  warm_up();
  EXPECT_EQ(keeper_->report().vectors, 50u);
  EXPECT_EQ(ask(lookup({99, 99}, "weather/x"))[0].result, cache_result::similar);
  ASSERT_EQ(fills_.size(), 3u);
  EXPECT_EQ(fills_[0].key, (fingerprint{7, 7}));
  EXPECT_EQ(fills_[0].ttl, 3'600s);
}

TEST_F(cache_keeper_test, a_restart_looks_up_between_its_steps) {
  make();
  for (uint64_t i = 1; i <= 5'000; ++i)
    keep({i, i}, "weather/a", "rain");
  auto with = settings();
  with.hottest = 100;
  with.semantic.entries_max = 40;
  make(with);
  std::vector<cache_fill> fills;
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(keeper_->warm_some(at_, fills), warm_step::more);
    EXPECT_TRUE(fills.empty()) << "the best are not known yet";
    EXPECT_EQ(ask(lookup({9, 9}, ""))[0].result, cache_result::stored);
  }
  EXPECT_EQ(keeper_->warm_some(at_, fills), warm_step::more);
  EXPECT_EQ(fills.size(), cache_keeper::fill_step);
}

TEST_F(cache_keeper_test, l2_takes_the_best_at_a_restart_and_no_more_than_it_may) {
  make();
  for (uint64_t i = 1; i <= 50; ++i) // every second has no place in L2
    keep({i, i}, "weather/a", "rain", i % 2 == 0 ? scope : fingerprint{});
  for (auto& [key, x] : archive_.entries)
    x.meta.use.count = static_cast<double>(key.low > 20 && key.low <= 30 ? 9 : 1);
  auto with = settings();
  with.semantic.entries_max = 5;
  make(with);
  warm_up();
  EXPECT_EQ(keeper_->report().vectors, 5u);
  EXPECT_EQ(keeper_->report().vectors_evicted, 0u);
  with.semantic.entries_max = 12;
  make(with);
  warm_up();
  EXPECT_EQ(keeper_->report().vectors, 12u) << "five of the best twelve, and others";
  EXPECT_EQ(keeper_->report().vectors_evicted, 0u);
  make(with);
  archive_.fails = true;
  warm_up();
  EXPECT_EQ(keeper_->report().failures, 1u);
}

TEST_F(cache_keeper_test, entries_without_an_encoding_are_read_after_a_start) {
  make();
  for (uint64_t i = 1; i <= 9; ++i)
    keep({i, i}, "weather/" + std::string(i, 'x'), "rain");
  for (auto& [key, x] : archive_.entries)
    x.meta.encoding = key.low % 2 == 0 ? "" : "of another encoder";
  make();
  auto read = judge_.texts_read;
  warm_up();
  EXPECT_EQ(judge_.texts_read, read + 9);
  EXPECT_EQ(keeper_->report().vectors, 9u);
  EXPECT_EQ(ask(lookup({99, 99}, "weather/y"))[0].result, cache_result::similar);
  make();
  warm_up();
  EXPECT_EQ(judge_.texts_read, read + 10) << "they have theirs now";
}

TEST_F(cache_keeper_test, goes_on_without_disk_or_encoder) {
  make();
  keep({5, 5}, "weather/a", "rain");
  judge_.fails = true;
  EXPECT_EQ(ask(lookup({6, 6}, "weather/b"))[0].result, cache_result::miss);
  judge_.fails = false;
  archive_.fails = true;
  EXPECT_EQ(ask(lookup({5, 5}, "weather/a"))[0].result, cache_result::miss);
  keep({7, 7}, "weather/c", "sun");
  EXPECT_GE(keeper_->report().failures, 2u);
  archive_.fails = false;
  EXPECT_EQ(ask(lookup({5, 5}, "weather/a"))[0].result, cache_result::stored);
}

TEST_F(cache_keeper_test, works_without_a_judge) {
  make(settings(), false);
  keep({5, 5}, "weather/a", "rain");
  EXPECT_EQ(ask(lookup({5, 5}, "weather/a"))[0].result, cache_result::stored);
  EXPECT_EQ(ask(lookup({6, 6}, "weather/b"))[0].result, cache_result::miss);
  warm_up();
  EXPECT_EQ(keeper_->report().vectors, 0u);
}

TEST_F(cache_keeper_test, a_purge_forgets_a_tenant) {
  make();
  keep({5, 5}, "weather/a", "rain");
  EXPECT_EQ(*keeper_->purge({"nobody"}), 0u);
  EXPECT_EQ(*keeper_->purge({"t"}), 1u);
  EXPECT_EQ(ask(lookup({5, 5}, "weather/a"))[0].result, cache_result::miss);
  EXPECT_EQ(ask(lookup({6, 6}, "weather/b"))[0].result, cache_result::miss);
}

TEST(answer_text_test, reads_answers_of_every_shape) {
  cached_answer x;
  x.content = R"({"choices":[{"message":{"content":"a"}},{"message":{"content":"b"}}]})";
  EXPECT_EQ(answer_text(x), "a");
  x.content = R"({"choices":[{"text":"c"}]})";
  EXPECT_EQ(answer_text(x), "c");
  x.content = R"({"data":[{"embedding":[1]}]})";
  EXPECT_EQ(answer_text(x), "");
  x.content = "not JSON";
  EXPECT_EQ(answer_text(x), "");
  x.events = 3;
  x.content = "data: {\"choices\":[{\"delta\":{\"role\":\"assistant\"}}]}\n\n"
              "data: {\"choices\":[{\"delta\":{\"content\":\"Hel\"}}]}\n\n"
              "data: {\"choices\":[{\"delta\":{\"content\":\"lo\"}}]}\n\n";
  EXPECT_EQ(answer_text(x), "Hello");
}

TEST(form_bytes_test, comes_back_but_for_rounding) {
  question_form x{{0.5F, -0.25F, 1.0F, -1.0F}, std::string("fa\0cts", 6)};
  fake_judge judge;
  x.vector.resize(judge.width());
  auto back = form_of(form_bytes(x, judge.form_version()), judge);
  ASSERT_TRUE(back);
  EXPECT_EQ(back->facts, x.facts);
  for (size_t i = 0; i < 4; ++i)
    EXPECT_NEAR(back->vector[i], x.vector[i], 1.0 / 32'767);
  auto bytes = form_bytes(x, judge.form_version());
  EXPECT_FALSE(form_of(bytes.substr(0, 8), judge)) << "cut off";
  EXPECT_FALSE(form_of("", judge));
  EXPECT_FALSE(form_of(form_bytes(x, 2), judge)) << "of another encoder";
  x.vector.pop_back();
  EXPECT_FALSE(form_of(form_bytes(x, judge.form_version()), judge)) << "of another width";
  bytes[0] = 9;
  EXPECT_FALSE(form_of(bytes, judge)) << "of another version";
}

TEST_F(cache_keeper_test, gives_what_is_out_of_date_to_who_takes_it) {
  make();
  keep({5, 5}, "weather/a", "rain");
  at_.wall += 1h + 30s;
  EXPECT_EQ(ask(lookup({5, 5}, "weather/a"))[0].result, cache_result::miss);
  auto taking = [&](std::chrono::seconds stale_max) {
    auto x = lookup({5, 5}, "weather/a");
    x.stale_max = stale_max;
    return ask(std::move(x))[0];
  };
  EXPECT_EQ(taking(30s).result, cache_result::miss);
  auto found = taking(31s);
  EXPECT_EQ(found.result, cache_result::stored);
  EXPECT_EQ(found.expires, -30s);
  auto old = lookup({5, 5}, "weather/a");
  old.stale_max = 31s;
  old.age_max = 60s;
  EXPECT_EQ(ask(std::move(old))[0].result, cache_result::miss) << "too old for who names an age";
}

TEST_F(cache_keeper_test, what_is_kept_longer_for_some_is_not_given_to_others) {
  auto with = settings();
  with.kept_beyond = 2h; // a policy's
  make(with);
  keep({5, 5}, "weather/a", "rain");
  at_.wall += 1h + 20min;
  auto stale = [&](std::chrono::seconds stale_max) {
    auto x = lookup({5, 5}, "weather/a");
    x.stale = true;
    x.stale_max = stale_max;
    return ask(std::move(x))[0].result;
  };
  EXPECT_EQ(stale(0s), cache_result::miss) << "10 minutes are all that is given on an error";
  EXPECT_EQ(stale(30min), cache_result::stale) << "but to who takes it anyway";
}

TEST_F(cache_keeper_test, a_namespace_may_have_a_bound_of_its_own) {
  make(); // at 1 %, with 1,000 samples of the prior
  keep({5, 5}, "weather/a", "rain");
  uint64_t next = 100;
  auto limited = [&](double error_rate_max) {
    auto x = lookup({next++, 6}, "weather/b");
    x.error_rate_max = error_rate_max;
    return ask(std::move(x))[0].result;
  };
  EXPECT_EQ(limited(-1), cache_result::similar);
  EXPECT_EQ(limited(0), cache_result::miss) << "none may be wrong";
  EXPECT_EQ(limited(0.001), cache_result::miss) << "1,000 samples show no more than 0.3 %";
  EXPECT_EQ(limited(0.02), cache_result::similar);
  EXPECT_EQ(limited(-1), cache_result::similar) << "what was learnt stays";
}

} // namespace

} // namespace sluice
