#include "runtime/charge_rules.hpp"

#include <gtest/gtest.h>

#include <limits>

/// What an attempt can cost, and what it counts as when it ends without an answer: the rows of the
/// table in docs/budgets.md.
namespace sluice {
namespace {

deployment priced(int64_t output_max = 0) {
  deployment result;
  result.upstream_model = "gpt-4o";
  result.output_tokens_max = output_max;
  // A dollar a million tokens is a thousand nano-dollars a token.
  result.price =
      price_entry{{1'000'000'000, 500'000'000, 0, 2'000'000'000, 3'000'000'000}, "v", ""};
  return result;
}

charge_scale chat(int64_t output_max = 0) {
  charge_scale result;
  result.output_tokens_max = output_max;
  return result;
}

constexpr int64_t input_of_hello = 1'000; // one token

TEST(charge_rules, the_dearest_price_of_each_direction_counts) {
  EXPECT_EQ(charge_most(chat(10), "hello", priced()).value, input_of_hello + 10 * 3'000);
}

TEST(charge_rules, without_a_limit_a_model_may_write_what_it_can) {
  EXPECT_EQ(charge_most(chat(), "hello", priced(100)).value, input_of_hello + 100 * 3'000);
  EXPECT_EQ(charge_most(chat(), "hello", priced()).value, input_of_hello + 4'096 * 3'000);
  auto two = chat();
  two.choices = 2;
  EXPECT_EQ(charge_most(two, "hello", priced(100)).value, input_of_hello + 200 * 3'000);
}

TEST(charge_rules, a_limit_beyond_the_models_own_is_the_models_own) {
  EXPECT_EQ(charge_most(chat(1'000'000), "hello", priced(100)).value, input_of_hello + 100 * 3'000);
}

TEST(charge_rules, embeddings_write_nothing) {
  auto asked = chat(10);
  asked.kind = endpoint::embeddings;
  EXPECT_EQ(charge_most(asked, "hello", priced(100)).value, input_of_hello);
}

TEST(charge_rules, long_bodies_are_not_counted_token_by_token) {
  std::string body(1'000'000, 'x');
  EXPECT_EQ(charge_most(chat(1), body, priced()).value, 500'000 * 1'000 + 3'000);
}

TEST(charge_rules, a_chat_without_a_limit_gets_the_models_own) {
  token_usage most;
  most.input = 100;
  EXPECT_EQ(output_limit(chat(), most, priced(500)), 500);
  EXPECT_EQ(output_limit(chat(), most, priced()), 4'096) << "what is set aside";
  auto narrow = priced(500);
  narrow.context_tokens_max = 400;
  EXPECT_EQ(output_limit(chat(), most, narrow), 300);
  most.input = 1'000; // the provider will say so
  EXPECT_EQ(output_limit(chat(), most, narrow), 0);
}

TEST(charge_rules, nothing_is_said_where_the_caller_did_or_nobody_pays) {
  EXPECT_EQ(output_limit(chat(10), {}, priced(500)), 0);
  auto completion = chat();
  completion.kind = endpoint::completions; // whose default is 16 tokens
  EXPECT_EQ(output_limit(completion, {}, priced(500)), 0);
  auto free = priced(500);
  free.price->price.output = free.price->price.reasoning = 0;
  EXPECT_EQ(output_limit(chat(), {}, free), 0);
  free.price.reset();
  EXPECT_EQ(output_limit(chat(), {}, free), 0);
}

TEST(charge_rules, models_that_think_have_a_field_of_their_own) {
  EXPECT_EQ(output_limit_field("gpt-4o"), "max_tokens");
  EXPECT_EQ(output_limit_field("o3-mini"), "max_completion_tokens");
  EXPECT_EQ(output_limit_field("gpt-5-nano"), "max_completion_tokens");
}

TEST(charge_rules, an_answer_without_usage_costs_what_was_counted) {
  token_usage counted;
  counted.input = 3;
  counted.output = 4;
  auto outcome = outcome_of_answer(counted, false, {}, priced());
  EXPECT_EQ(outcome.cost.value, 3 * 1'000 + 4 * 2'000);
  EXPECT_TRUE(outcome.has(charge_flag::estimated));
  EXPECT_FALSE(outcome.has(charge_flag::assumed));
}

TEST(charge_rules, of_a_stream_that_breaks_off_what_came_is_not_all) {
  token_usage counted;
  counted.output = 4;
  stream_end end;
  end.why.code = ec::upstream_stream_cut;
  auto outcome = outcome_of_end(end, outcome_of_answer(counted, false, {}, priced()));
  EXPECT_TRUE(outcome.has(charge_flag::assumed));
  EXPECT_FALSE(outcome.has(charge_flag::estimated));
}

TEST(charge_rules, a_failed_call_is_paid_by_who_made_it) {
  upstream_failure failed;
  failed.why.code = ec::upstream_timeout;
  failed.why.sent = true;
  failed.joined = true;
  auto outcome = outcome_of_failure(failed);
  EXPECT_TRUE(outcome.has(charge_flag::joined));
  EXPECT_FALSE(outcome.has(charge_flag::assumed));
}

TEST(charge_rules, an_unknown_price_costs_nothing) {
  auto free = priced();
  free.price.reset();
  EXPECT_EQ(charge_most(chat(10), "hello", free), nanousd{});
}

TEST(charge_rules, a_price_beyond_all_bounds_is_no_overflow) {
  auto dear = priced();
  dear.price->price.output = std::numeric_limits<int64_t>::max();
  EXPECT_GT(charge_most(chat(1'000'000'000), "hello", dear).value, int64_t{1} << 58);
}

upstream_failure failed(ec code, int32_t status, bool sent = true) {
  upstream_failure result;
  result.why.code = code;
  result.why.upstream_status = status;
  result.why.sent = sent;
  return result;
}

TEST(charge_rules, what_never_left_costs_nothing) {
  auto x = outcome_of_failure(failed(ec::upstream_unreachable, 0, false));
  EXPECT_TRUE(x.has(charge_flag::unsent));
  EXPECT_FALSE(x.has(charge_flag::assumed));
}

TEST(charge_rules, an_error_of_the_provider_costs_nothing) {
  for (auto status : {400, 429, 500, 503}) {
    auto x = outcome_of_failure(failed(ec::upstream_failed, status));
    EXPECT_EQ(x.cost, nanousd{});
    EXPECT_TRUE(x.has(charge_flag::failed));
    EXPECT_FALSE(x.has(charge_flag::assumed) || x.has(charge_flag::unsent)) << status;
  }
}

TEST(charge_rules, what_nobody_knows_counts_as_the_most) {
  for (auto code : {ec::upstream_timeout, ec::upstream_stream_cut, ec::upstream_unreachable})
    EXPECT_TRUE(outcome_of_failure(failed(code, 0)).has(charge_flag::assumed));
  EXPECT_TRUE(outcome_of_failure(failed(ec::upstream_bad_response, 200)).has(charge_flag::assumed));
}

TEST(charge_rules, what_a_packed_call_did_cost_before_is_paid) {
  auto lost = failed(ec::upstream_failed, 500);
  lost.wasted.input = 7;
  lost.wasted_cost = {9};
  auto x = outcome_of_failure(lost);
  EXPECT_EQ(x.cost, nanousd{9});
  EXPECT_EQ(x.usage.input, 7);
  EXPECT_FALSE(x.has(charge_flag::assumed));
}

TEST(charge_rules, a_broken_stream_costs_what_was_told_or_the_most) {
  stream_end end;
  charge_outcome so_far;
  so_far.cost = {5};
  EXPECT_TRUE(outcome_of_end(end, so_far).has(charge_flag::assumed));
  end.usage_known = true;
  auto told = outcome_of_end(end, so_far);
  EXPECT_FALSE(told.has(charge_flag::assumed));
  EXPECT_EQ(told.cost, nanousd{5});
  charge_outcome joined;
  joined.set(charge_flag::joined);
  end.usage_known = false;
  EXPECT_FALSE(outcome_of_end(end, joined).has(charge_flag::assumed));
}

} // namespace
} // namespace sluice
