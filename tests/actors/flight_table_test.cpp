#include "tests/actors/flight_table_fixture.hpp"

namespace sluice {
namespace {

TEST_F(flight_table_test, who_allows_packing_and_who_does_not_never_share_a_call) {
  ask(1, key_a);
  auto packed = call_of(2, key_a);
  packed.pack = packing::allowed;
  ask(packed);
  ASSERT_EQ(out.calls.size(), 1U);
  EXPECT_EQ(out.calls[0].pack, packing::allowed);
  packed.call = 3;
  ask(packed);
  EXPECT_TRUE(out.calls.empty()) << "equal in this, too";
  out.clear();
  upstream_reply x;
  x.call = first_own + 1;
  x.share.packed = 4;
  x.share.input_saved = 99;
  table().replied(std::move(x), now, out);
  auto heard = answers<upstream_reply>();
  ASSERT_EQ(heard.size(), 2U);
  EXPECT_EQ(heard[0].share.input_saved, 99);
  EXPECT_EQ(heard[1].share.input_saved, 0) << "it is counted once";
  EXPECT_EQ(heard[1].share.packed, 4U);
}

TEST_F(flight_table_test, a_note_finds_the_maker_that_its_call_went_to) {
  auto packed = call_of(1, key_a);
  packed.pack = packing::allowed;
  ask(packed);
  cancel(1);
  ASSERT_EQ(out.notes.size(), 1U);
  EXPECT_EQ(out.notes[0].pack, packing::allowed);
}

TEST_F(flight_table_test, the_first_to_hear_of_a_failure_pays_for_what_was_wasted) {
  ask(1, key_a);
  ask(2, key_a);
  out.clear();
  upstream_failure x{first_own, {}, {}};
  x.why.code = ec::upstream_rejected;
  x.wasted_cost = {77};
  table().failed(std::move(x), now, out);
  auto heard = answers<upstream_failure>();
  ASSERT_EQ(heard.size(), 2U);
  EXPECT_EQ(heard[0].wasted_cost, nanousd{77});
  EXPECT_EQ(heard[1].wasted_cost, nanousd{});
}

TEST_F(flight_table_test, lands_a_call_that_nobody_joined_without_orders) {
  ask(7, key_a);
  auto alone = table().land_alone(first_own);
  ASSERT_TRUE(alone);
  EXPECT_EQ(alone->call, 7U);
  EXPECT_TRUE(table().empty());
  EXPECT_EQ(table().members(), 0U);
  EXPECT_FALSE(table().land_alone(first_own)) << "it is forgotten";
  ask(8, key_a);
  EXPECT_EQ(out.calls.size(), 1U) << "and cannot be joined";
}

TEST_F(flight_table_test, lands_no_call_alone_that_others_wait_for_or_that_was_made_again) {
  ask(1, key_a);
  ask(2, key_a);
  EXPECT_FALSE(table().land_alone(first_own));
  cancel(1);
  EXPECT_FALSE(table().land_alone(first_own)) << "its leader left";
  EXPECT_EQ(table().members(), 1U);
  ask(3, key_b);
  ask(4, key_b);
  fail(first_own + 1, ec::upstream_failed);
  EXPECT_FALSE(table().land_alone(first_own + 2)) << "made again for who had joined";
  EXPECT_EQ(table().members(), 2U);
}

TEST_F(flight_table_test, equal_requests_share_one_call_and_the_first_pays) {
  ask(1, key_a);
  ASSERT_EQ(out.calls.size(), 1U);
  EXPECT_EQ(out.calls[0].call, first_own);
  EXPECT_EQ(out.calls[0].body.str(), "body of 1");
  ask(2, key_a);
  ask(3, key_a);
  EXPECT_TRUE(out.calls.empty() && out.answers.empty());
  reply(first_own, "answer");
  auto heard = answers<upstream_reply>();
  ASSERT_EQ(heard.size(), 3U);
  for (size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(heard[i].call, i + 1);
    EXPECT_EQ(heard[i].body, "answer");
    EXPECT_EQ(heard[i].usage.input, 7);
    EXPECT_EQ(heard[i].share.joined, i > 0);
    EXPECT_EQ(heard[i].share.cost_known, i > 0);
    EXPECT_EQ(heard[i].share.cost, nanousd{});
  }
  EXPECT_TRUE(table().empty());
  EXPECT_EQ(table().members(), 0U);
  ask(4, key_a);
  EXPECT_EQ(out.calls.size(), 1U) << "what is over is not in flight";
}

TEST_F(flight_table_test, what_differs_is_called_for_itself) {
  ask(1, key_a);
  std::vector<upstream_call> others(6, call_of(0, key_a));
  others[0].merge.exact = key_b;
  others[1].deployment = "p/other";
  others[2].kind = endpoint::completions;
  others[3].mode = reply_mode::stream;
  others[4].path = "elsewhere";
  others[5].merge = {};
  uint64_t number = 2;
  for (auto& x : others) {
    x.call = number++;
    ask(x);
    EXPECT_EQ(out.calls.size(), 1U) << number;
  }
  auto with_usage = call_of(20, key_a, reply_mode::stream);
  with_usage.usage_wanted = true;
  ask(with_usage);
  EXPECT_EQ(out.calls.size(), 1U);
  auto nobody = call_of(21, {});
  ask(nobody);
  EXPECT_EQ(out.calls.size(), 1U) << "nothing is shared without a fingerprint";
}

TEST_F(flight_table_test, who_cannot_wait_joins_nobody_who_can) {
  auto flexible = call_of(1, key_a);
  flexible.patience = urgency::flexible;
  ask(flexible);
  EXPECT_EQ(out.calls[0].until.at, now + 10s) << "a flexible call waits no longer than it said";
  ask(2, key_a);
  ASSERT_EQ(out.calls.size(), 1U);
  EXPECT_EQ(out.calls[0].until.at, now + 60s) << "its joiners may have more time than its leader";
  flexible.call = 3;
  ask(flexible);
  EXPECT_TRUE(out.calls.empty());
}

TEST_F(flight_table_test, starts_another_flight_when_one_is_full) {
  settings.joiners_max = 2;
  ask(1, key_a);
  ask(2, key_a);
  ask(3, key_a);
  ASSERT_EQ(out.calls.size(), 1U);
  ask(4, key_a);
  EXPECT_TRUE(out.calls.empty());
  reply(first_own, "one");
  EXPECT_EQ(answers<upstream_reply>().size(), 2U);
  reply(first_own + 1, "two");
  EXPECT_EQ(answers<upstream_reply>().front().call, 3U);
}

TEST_F(flight_table_test, goes_on_without_its_leader_and_the_next_pays) {
  ask(1, key_a);
  ask(2, key_a);
  ask(3, key_a);
  cancel(1);
  EXPECT_TRUE(out.notes.empty());
  reply(first_own, "answer");
  auto heard = answers<upstream_reply>();
  ASSERT_EQ(heard.size(), 2U);
  EXPECT_FALSE(heard[0].share.joined);
  EXPECT_TRUE(heard[1].share.joined);
}

TEST_F(flight_table_test, cancels_the_call_when_the_last_has_left) {
  ask(1, key_a);
  ask(2, key_a);
  cancel(1);
  cancel(2);
  EXPECT_TRUE(cancelled(first_own));
  EXPECT_TRUE(table().empty());
  cancel(2);
  EXPECT_TRUE(out.notes.empty());
  reply(first_own, "too late");
  EXPECT_TRUE(out.answers.empty());
}

TEST_F(flight_table_test, joiners_of_a_failed_call_are_tried_once_more_together) {
  for (uint64_t i = 1; i <= 3; ++i)
    ask(i, key_a);
  fail(first_own, ec::upstream_failed);
  auto failed = answers<upstream_failure>();
  ASSERT_EQ(failed.size(), 1U);
  EXPECT_EQ(failed[0].call, 1U);
  ASSERT_EQ(out.calls.size(), 1U);
  EXPECT_EQ(out.calls[0].body.str(), "body of 2");
  ask(4, key_a);
  EXPECT_TRUE(out.calls.empty()) << "the new flight may be joined";
  fail(first_own + 1, ec::upstream_failed);
  EXPECT_EQ(answers<upstream_failure>().size(), 3U);
  EXPECT_TRUE(out.calls.empty() && table().empty());
}

TEST_F(flight_table_test, joiners_outlive_the_deadline_of_their_leader) {
  ask(1, key_a);
  ask(2, key_a);
  cancel(1);
  fail(first_own, ec::upstream_timeout);
  EXPECT_TRUE(answers<upstream_failure>().empty());
  ASSERT_EQ(out.calls.size(), 1U);
  reply(first_own + 1, "answer");
  ASSERT_EQ(answers<upstream_reply>().size(), 1U);
  EXPECT_FALSE(answers<upstream_reply>()[0].share.joined);
}

TEST_F(flight_table_test, what_concerns_all_is_told_to_all) {
  for (auto code : {ec::upstream_rejected, ec::upstream_rate_limited, ec::overloaded,
                    ec::upstream_unavailable, ec::shutting_down}) {
    auto own = first_own + table().take_counts().calls;
    flight_table fresh{settings, own};
    out.clear();
    take(fresh, call_of(1, key_a));
    take(fresh, call_of(2, key_a));
    out.clear();
    upstream_failure x{own, {}, {}};
    x.why.code = code;
    fresh.failed(std::move(x), now, out);
    EXPECT_EQ(answers<upstream_failure>().size(), 2U) << to_string_view(code);
    EXPECT_TRUE(out.calls.empty());
  }
  failure why;
  why.code = ec::upstream_failed;
  EXPECT_FALSE(concerns_all(why));
  why.retry_after = 0ms;
  EXPECT_TRUE(concerns_all(why)) << "the upstream asked to wait";
  why.retry_after = -1ms;
  why.should_retry_said = true;
  EXPECT_TRUE(concerns_all(why)) << "the upstream asked not to try again";
  why.should_retry = true;
  EXPECT_FALSE(concerns_all(why));
}

TEST_F(flight_table_test, a_joiners_time_counts_from_its_joining) {
  ask(1, key_a);
  now += 400ms;
  ask(2, key_a);
  now += 600ms;
  reply(first_own, "answer", {990ms, 290ms});
  auto heard = answers<upstream_reply>();
  EXPECT_EQ(heard[0].timing.total, 990ms);
  EXPECT_EQ(heard[1].timing.total, 600ms);
  EXPECT_EQ(heard[1].timing.first_byte, 0ms) << "it was there before";
}

TEST_F(flight_table_test, similar_questions_share_only_where_that_is_allowed) {
  auto question = [](uint64_t number, const fingerprint& exact, const char* text) {
    auto x = call_of(number, exact);
    x.merge.scope = {9, 9};
    x.merge.question = text;
    return x;
  };
  ask(question(1, {1, 1}, "What is  the capital of France?"));
  ask(question(2, {2, 2}, "what is the capital of france"));
  EXPECT_EQ(out.calls.size(), 1U);
  settings.similar = true;
  settings.similarity_min = 0.85;
  flight_table allowed{settings, first_own, std::make_unique<normalised_text>()};
  auto calls_of = [&](upstream_call x) {
    out.clear();
    take(allowed, std::move(x));
    return out.calls.size();
  };
  EXPECT_EQ(calls_of(question(1, {1, 1}, "What is  the capital of France?")), 1U);
  EXPECT_EQ(calls_of(question(2, {2, 2}, "what is the capital of france")), 0U);
  EXPECT_EQ(calls_of(question(3, {3, 3}, "what is the capital of Spain")), 1U);
  auto elsewhere = question(4, {4, 4}, "what is the capital of france");
  elsewhere.merge.scope = {8, 8};
  EXPECT_EQ(calls_of(elsewhere), 1U);
}

} // namespace
} // namespace sluice
