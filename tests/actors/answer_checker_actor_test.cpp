#include "actors/cache/checker/answer_checker_actor.hpp"

#include "actors/cache/checker/check_prompt.hpp"
#include "tests/actors/own_calls_fixture.hpp"

namespace sluice {
namespace {

using namespace std::chrono_literals;

class answer_checker_actor_test : public test::own_calls_fixture {
protected:
  answer_checker_actor_test() {
    checker =
        spawn(answer_checker, answer_checker_setup{through(check_calls("judge", {2'500})), 0});
  }
  ~answer_checker_actor_test() override { checker = nullptr; }

  caf::expected<check_result> check(std::function<void()> meanwhile = [] {}) {
    caf::scoped_actor self{sys};
    auto pending = self->request(checker, caf::infinite,
                                 answer_check{++tickets, "acme", "How far?", "one", "two"});
    sched.run();
    meanwhile();
    caf::expected<check_result> result{caf::sec::runtime_error};
    if (self->has_next_message())
      pending.receive([&](const check_result& x) { result = x; },
                      [&](const caf::error& x) { result = x; });
    return result;
  }

  void reply(const std::string& text, token_usage usage = {100, 0, 0, 1, 0}) {
    reply_with(R"({"choices":[{"message":{"content":")" + text + "\"}}]}", usage);
  }

  check_outcome outcome(std::function<void()> meanwhile = [] {}) {
    auto x = check(std::move(meanwhile));
    EXPECT_TRUE(x);
    EXPECT_EQ(x ? x->ticket : 0, tickets);
    return x ? x->outcome : check_outcome::unknown;
  }

  answer_checker_actor checker;
  uint64_t tickets = 0;
};

TEST_F(answer_checker_actor_test, asks_the_model_and_tells_what_it_said) {
  EXPECT_EQ(outcome([&] { reply("SAME"); }), check_outcome::same);
  EXPECT_EQ(outcome([&] { reply("different"); }), check_outcome::different);
  EXPECT_EQ(outcome([&] { reply("I cannot say."); }), check_outcome::unknown);
  ASSERT_EQ(provider->calls.size(), 3u);
  auto& call = provider->calls.front();
  EXPECT_EQ(call.deployment, "sim/m");
  EXPECT_EQ(call.kind, endpoint::chat_completions);
  EXPECT_EQ(call.mode, reply_mode::whole);
  EXPECT_EQ(call.tenant, "acme");
  EXPECT_FALSE(call.merge.exact) << "it is nobody else's";
  EXPECT_NE(call.body.str().find(R"("model":"m-1")"), std::string::npos);
  EXPECT_NE(call.body.str().find("How far?"), std::string::npos);
  EXPECT_NE(provider->calls[1].body.str(), call.body.str()) << "marks are guessed by nobody";
  auto& query = word->queries.front();
  EXPECT_EQ(query.model, "judge");
  EXPECT_EQ(query.output_tokens_max, check_output_tokens_max);
  EXPECT_GT(query.input_tokens, 0);
}

TEST_F(answer_checker_actor_test, its_calls_are_charged_and_told) {
  outcome([&] { reply("SAME"); });
  ASSERT_EQ(records->size(), 1u);
  auto& x = records->front();
  EXPECT_EQ(x.route, "cache check");
  EXPECT_EQ(x.tenant, "acme");
  EXPECT_EQ(x.model, "judge");
  EXPECT_EQ(x.deployment, "sim/m");
  EXPECT_EQ(x.status, 200);
  EXPECT_EQ(x.attempts, 1);
  EXPECT_TRUE(x.inference);
  EXPECT_TRUE(x.usage_known);
  EXPECT_EQ(x.cost, nanousd{102});
  EXPECT_EQ(x.cache, cache_result::unasked);
  outcome([&] { refuse(ec::upstream_failed); });
  ASSERT_EQ(records->size(), 2u);
  EXPECT_EQ(records->back().error, ec::upstream_failed);
  EXPECT_EQ(records->back().cost, nanousd{});
}

TEST_F(answer_checker_actor_test, makes_no_call_beyond_the_days_budget) {
  // 2,500 a day: two of at most 1,000 at once, then by what they did cost.
  EXPECT_EQ(outcome([&] { reply("SAME", {900, 0, 0, 50, 0}); }), check_outcome::same);
  EXPECT_EQ(outcome([&] { reply("SAME", {900, 0, 0, 0, 0}); }), check_outcome::same);
  EXPECT_EQ(outcome(), check_outcome::declined) << "600 are left";
  EXPECT_EQ(provider->calls.size(), 2u);
  EXPECT_EQ(records->size(), 2u) << "what was not made is not told";
  wall += 24h;
  EXPECT_EQ(outcome([&] { reply("SAME"); }), check_outcome::same);
}

TEST_F(answer_checker_actor_test, what_a_failure_may_have_cost_is_spent) {
  EXPECT_EQ(outcome([&] { refuse(ec::upstream_timeout); }), check_outcome::unknown);
  EXPECT_EQ(outcome([&] { refuse(ec::upstream_bad_response); }), check_outcome::unknown);
  EXPECT_EQ(records->back().cost, nanousd{}) << "which nobody knows";
  EXPECT_EQ(outcome(), check_outcome::declined);
  wall += 24h;
  for (int i = 0; i < 10; ++i)
    EXPECT_EQ(outcome([&] { refuse(ec::upstream_rejected); }), check_outcome::unknown);
}

TEST_F(answer_checker_actor_test, proves_nothing_where_nobody_can_be_asked) {
  word->fails = true;
  EXPECT_EQ(outcome(), check_outcome::unknown);
  EXPECT_TRUE(records->empty());
}

TEST_F(answer_checker_actor_test, gives_up_what_nobody_answers) {
  EXPECT_EQ(outcome([&] { pass(answer_checker_state::patience + own_calls::grace + 2s); }),
            check_outcome::unknown);
  ASSERT_EQ(provider->cancelled.size(), 1u);
  EXPECT_EQ(provider->cancelled[0], provider->calls[0].call);
  EXPECT_EQ(records->back().error, ec::upstream_timeout);
  reply("SAME"); // late, to nobody
  EXPECT_EQ(records->size(), 1u);
}

TEST_F(answer_checker_actor_test, takes_so_many_at_once) {
  word->estimate = {};
  for (size_t i = 0; i < answer_checker_state::under_way_max; ++i)
    tell(checker, answer_check{++tickets, "acme", "q", "one", "two"});
  EXPECT_EQ(provider->calls.size(), answer_checker_state::under_way_max);
  EXPECT_EQ(outcome(), check_outcome::declined);
  reply("SAME");
  EXPECT_EQ(outcome([&] { reply("SAME"); }), check_outcome::same);
}

TEST_F(answer_checker_actor_test, gives_up_what_is_under_way_when_it_stops) {
  EXPECT_EQ(outcome([&] { tell(checker, drain{}); }), check_outcome::unknown);
  EXPECT_EQ(provider->cancelled.size(), 1u);
  ASSERT_EQ(records->size(), 1u);
  EXPECT_EQ(records->front().error, ec::shutting_down);
}

TEST_F(answer_checker_actor_test, a_call_is_reserved_for_its_tenant_and_settled) {
  outcome([&] { reply("SAME"); });
  ASSERT_EQ(ledger->reserved.size(), 1u);
  auto& order = ledger->reserved.front();
  EXPECT_EQ(order.purpose.owner.tenant, "acme");
  EXPECT_EQ(order.purpose.route, "cache check");
  EXPECT_EQ(order.purpose.model, "judge");
  EXPECT_EQ(order.purpose.deployment, "sim/m");
  EXPECT_EQ(order.purpose.request_id, records->front().request_id);
  EXPECT_EQ(order.most, word->estimate);
  ASSERT_EQ(ledger->settled.size(), 1u);
  EXPECT_EQ(ledger->settled.front().outcome.cost, nanousd{102});
  EXPECT_EQ(ledger->settled.front().outcome.flags, 0u);
}

TEST_F(answer_checker_actor_test, what_the_tenants_budget_does_not_cover_is_not_asked) {
  ledger->verdict.why = ec::budget_exceeded;
  EXPECT_EQ(outcome(), check_outcome::declined);
  EXPECT_TRUE(provider->calls.empty());
  EXPECT_TRUE(ledger->settled.empty());
  EXPECT_TRUE(records->empty()) << "no call was made";
  ledger->verdict.why = ec::none;
  for (int i = 0; i < 3; ++i) // the day's own budget has lost nothing
    EXPECT_EQ(outcome([&] { reply("SAME", {0, 0, 0, 1, 0}); }), check_outcome::same);
}

TEST_F(answer_checker_actor_test, a_call_that_is_lost_counts_as_the_most) {
  EXPECT_EQ(outcome([&] { refuse(ec::upstream_timeout); }), check_outcome::unknown);
  ASSERT_EQ(ledger->settled.size(), 1u);
  EXPECT_TRUE(ledger->settled.front().outcome.has(charge_flag::assumed));
}

TEST_F(answer_checker_actor_test, stops_when_the_ledger_owes_it_nothing) {
  ledger->silent = true;
  caf::anon_send(checker, answer_check{1, "acme", "How far?", "one", "two"});
  sched.run();
  ASSERT_EQ(ledger->owed.size(), 1u);
  tell(checker, drain{});
  EXPECT_TRUE(ledger->settled.empty());
  auto& [client, verdicts] = ledger->owed.front();
  tell(client, std::move(verdicts));
  ASSERT_EQ(ledger->settled.size(), 1u);
  EXPECT_TRUE(ledger->settled.front().outcome.has(charge_flag::unsent));
  EXPECT_TRUE(provider->calls.empty());
}

} // namespace
} // namespace sluice
