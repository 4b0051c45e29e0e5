#include "api/sim/sim_fault.hpp"
#include "api/sim/sim_fault_rules.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

namespace sluice {
namespace {

using testing::HasSubstr;

sim_effects effects_of(const std::string& prompt) {
  auto faults = find_magic(prompt);
  EXPECT_TRUE(faults) << message_of(faults.error());
  sim_effects result;
  if (!faults)
    return result;
  for (const auto& x : *faults)
    EXPECT_FALSE(merge_effects(result, x.effects));
  return result;
}

std::string mistake_in(const std::string& prompt) {
  auto faults = find_magic(prompt);
  EXPECT_FALSE(faults);
  return faults ? "" : message_of(faults.error());
}

TEST(sim_magic_test, finds_nothing_in_a_plain_prompt) {
  auto faults = find_magic("What is [[sim]] for?");
  ASSERT_TRUE(faults);
  EXPECT_TRUE(faults->empty());
}

TEST(sim_magic_test, reads_a_status_with_its_options) {
  auto x = effects_of("please [[sim:429 retry_after_ms=50 should_retry=false]] now");
  EXPECT_EQ(x.disruption, sim_disruption::status);
  EXPECT_EQ(x.status, 429);
  EXPECT_EQ(x.retry_after.count(), 50);
  EXPECT_EQ(x.should_retry, false);
}

TEST(sim_magic_test, reads_every_fault) {
  EXPECT_EQ(effects_of("[[sim:cut]]").after, 3U);
  EXPECT_EQ(effects_of("[[sim:cut after=7]]").after, 7U);
  EXPECT_EQ(effects_of("[[sim:malformed]]").disruption, sim_disruption::malformed);
  EXPECT_EQ(effects_of("[[sim:error_event after=2]]").after, 2U);
  EXPECT_EQ(effects_of("[[sim:error_first]]").after, 0U);
  EXPECT_EQ(effects_of("[[sim:error_first]]").disruption, sim_disruption::error_event);
  EXPECT_EQ(effects_of("[[sim:stall]]").disruption, sim_disruption::stall);
  EXPECT_EQ(effects_of("[[sim:endless]]").disruption, sim_disruption::endless);
  EXPECT_EQ(effects_of("[[sim:hang]]").disruption, sim_disruption::hang);
  EXPECT_EQ(effects_of("[[sim:reset]]").disruption, sim_disruption::reset);
  EXPECT_EQ(effects_of("[[sim:slow_first_byte]]").first_byte.count(), 1'000);
  EXPECT_EQ(effects_of("[[sim:slow_first_byte ms=300]]").first_byte.count(), 300);
  EXPECT_EQ(effects_of("[[sim:tokens n=500 ms_per_token=0.5]]").per_token->count(), 500);
  EXPECT_EQ(effects_of("[[sim:tokens n=500]]").tokens, 500);
  EXPECT_EQ(effects_of("[[sim:reasoning n=5]]").reasoning, 5);
  EXPECT_EQ(effects_of("[[sim:cached n=64]]").cached, 64);
  EXPECT_TRUE(effects_of("[[sim:no_usage]]").usage_left_out);
}

TEST(sim_magic_test, several_wishes_go_together) {
  auto x = effects_of("[[sim:tokens n=9]][[sim:pace ms_per_token=2]] [[sim:cut after=4]]");
  EXPECT_EQ(x.tokens, 9);
  EXPECT_EQ(x.per_token->count(), 2'000);
  EXPECT_EQ(x.disruption, sim_disruption::cut);
}

TEST(sim_magic_test, refuses_two_that_break_the_answer) {
  auto faults = find_magic("[[sim:cut]] [[sim:500]]");
  ASSERT_TRUE(faults);
  sim_effects x;
  EXPECT_FALSE(merge_effects(x, faults->front().effects));
  EXPECT_TRUE(merge_effects(x, faults->back().effects));
}

TEST(sim_magic_test, says_what_is_wrong) {
  EXPECT_THAT(mistake_in("[[sim:explode]]"), HasSubstr("unknown fault 'explode'; known are"));
  EXPECT_THAT(mistake_in("[[sim:399]]"), HasSubstr("unknown fault '399'"));
  EXPECT_THAT(mistake_in("[[sim:cut before=3]]"), HasSubstr("'cut' has no option 'before'"));
  EXPECT_THAT(mistake_in("[[sim:cut after=x]]"), HasSubstr("must be a whole number"));
  EXPECT_THAT(mistake_in("[[sim:cut after=-1]]"), HasSubstr("must be a whole number"));
  EXPECT_THAT(mistake_in("[[sim:500 should_retry=maybe]]"), HasSubstr("true or false"));
  EXPECT_THAT(mistake_in("[[sim:tokens]]"), HasSubstr("needs the option n"));
  EXPECT_THAT(mistake_in("[[sim:pace]]"), HasSubstr("needs the option ms_per_token"));
  EXPECT_THAT(mistake_in("[[sim:tokens n=1 ms_per_token=nan]]"), HasSubstr("must be a number"));
  EXPECT_THAT(mistake_in("[[sim:cut"), HasSubstr("must end with ']]'"));
  EXPECT_THAT(mistake_in("[[sim: ]]"), HasSubstr("needs a name"));
}

TEST(sim_magic_test, takes_at_most_eight) {
  std::string prompt;
  for (int i = 0; i < 8; ++i)
    prompt += "[[sim:no_usage]]";
  EXPECT_TRUE(find_magic(prompt));
  EXPECT_THAT(mistake_in(prompt + "[[sim:no_usage]]"), HasSubstr("at most 8"));
}

std::string strikes(sim_fault_rules& rules, int calls, sim_occasion call = {}) {
  std::string result;
  for (int i = 0; i < calls; ++i)
    result += rules.strike(call) ? 'x' : '.';
  return result;
}

sim_fault_rules rules_of(const std::vector<std::string>& text, uint64_t seed = 1) {
  auto result = sim_fault_rules::parse(text, seed);
  EXPECT_TRUE(result) << message_of(result.error());
  return *result;
}

TEST(sim_fault_rules_test, strike_every_nth_call) {
  auto rules = rules_of({"every=3 fault=429 retry_after_ms=50"});
  EXPECT_EQ(strikes(rules, 7), "..x..x.");
}

TEST(sim_fault_rules_test, strike_so_many_times) {
  auto rules = rules_of({"times=2 fault=500"});
  EXPECT_EQ(strikes(rules, 5), "xx...");
}

TEST(sim_fault_rules_test, carry_the_options_of_the_fault) {
  auto rules = rules_of({"fault=429 retry_after_ms=50 ms_per_token=2"});
  auto x = rules.strike({});
  ASSERT_TRUE(x);
  EXPECT_EQ(x->effects.status, 429);
  EXPECT_EQ(x->effects.retry_after.count(), 50);
  EXPECT_EQ(x->effects.per_token->count(), 2'000);
}

TEST(sim_fault_rules_test, look_at_model_endpoint_and_stream) {
  auto rules = rules_of({"model=sim-l* endpoint=embeddings stream=false fault=500"});
  EXPECT_TRUE(rules.strike({endpoint::embeddings, "sim-large", false}));
  EXPECT_FALSE(rules.strike({endpoint::embeddings, "sim-small", false}));
  EXPECT_FALSE(rules.strike({endpoint::completions, "sim-large", false}));
  EXPECT_FALSE(rules.strike({endpoint::embeddings, "sim-large", true}));
  auto exact = rules_of({"model=a fault=500"});
  EXPECT_FALSE(exact.strike({endpoint::embeddings, "ab", false}));
}

TEST(sim_fault_rules_test, first_that_strikes_wins_and_all_count) {
  auto rules = rules_of({"every=2 fault=500", "every=3 fault=429"});
  std::string result;
  for (int i = 0; i < 6; ++i) {
    auto x = rules.strike({});
    result += !x ? '.' : x->effects.status == 500 ? '5' : '4';
  }
  EXPECT_EQ(result, ".545.5");
}

TEST(sim_fault_rules_test, probability_is_kept_and_reproducible) {
  auto rules = rules_of({"probability=0.1 fault=500"}, 7),
       again = rules_of({"probability=0.1 fault=500"}, 7);
  auto other = rules_of({"probability=0.1 fault=500"}, 8);
  auto first = strikes(rules, 10'000);
  EXPECT_EQ(first, strikes(again, 10'000));
  EXPECT_NE(first, strikes(other, 10'000));
  auto struck = std::count(first.begin(), first.end(), 'x');
  EXPECT_GT(struck, 900); // 1,000 ± 3.3 standard deviations; fixed by the seed
  EXPECT_LT(struck, 1'100);
  auto never = rules_of({"probability=0 fault=500"}),
       always = rules_of({"probability=1 fault=500"});
  EXPECT_EQ(strikes(never, 3), "...");
  EXPECT_EQ(strikes(always, 3), "xxx");
}

TEST(sim_fault_rules_test, say_which_rule_is_wrong_and_why) {
  auto mistake = [](const std::string& rule) {
    auto x = sim_fault_rules::parse({"fault=500", rule}, 1);
    EXPECT_FALSE(x);
    EXPECT_EQ(code_of(x.error()), ec::bad_configuration);
    return message_of(x.error());
  };
  EXPECT_THAT(mistake("every=2"), HasSubstr("fault rule \"every=2\": 'fault=NAME' is missing"));
  EXPECT_THAT(mistake("every=0 fault=500"), HasSubstr("'every' must be"));
  EXPECT_THAT(mistake("times=x fault=500"), HasSubstr("'times' must be"));
  EXPECT_THAT(mistake("probability=1.5 fault=500"), HasSubstr("'probability' must be"));
  EXPECT_THAT(mistake("stream=yes fault=500"), HasSubstr("'stream' must be"));
  EXPECT_THAT(mistake("endpoint=chat fault=500"), HasSubstr("'endpoint' must be"));
  EXPECT_THAT(mistake("fault=boom"), HasSubstr("unknown fault 'boom'"));
  EXPECT_THAT(mistake("evry=2 fault=500"), HasSubstr("has no option 'evry'"));
}

} // namespace
} // namespace sluice
