#include "actors/routing/router.hpp"

#include "actors/routing/router_actor.hpp"
#include "tests/support/deterministic_system.hpp"

#include <gtest/gtest.h>

#include <limits>

using namespace sluice;
using namespace std::chrono_literals;

namespace {

deployment at(const std::string& id, token_price price) {
  deployment x;
  x.id = id;
  x.price = price_entry{price, "test", "test"};
  return x;
}

constexpr token_price cheap{1'000'000, 500'000, 1'250'000, 4'000'000, 4'000'000};
constexpr token_price dear{2'000'000, 1'000'000, 2'000'000, 8'000'000, 9'000'000};

catalogue_ptr example() {
  model fast{"fast", {endpoint::chat_completions}, {at("a/1", cheap), at("b/1", dear)}, "a", 0};
  model embedder{"embedder", {endpoint::embeddings}, {at("a/2", cheap)}, "a", 0};
  model empty{"empty", {endpoint::completions}, {}, "a", 0};
  return std::make_shared<const catalogue>(std::vector{fast, embedder, empty});
}

route_query asking_for(const std::string& name, endpoint kind = endpoint::chat_completions) {
  route_query x;
  x.model = name;
  x.kind = kind;
  x.input_tokens = 100;
  x.output_tokens_max = 10;
  return x;
}

std::vector<std::string> ids(const route_decision& x) {
  std::vector<std::string> result;
  for (auto& y : x.candidates)
    result.push_back(y.deployment);
  return result;
}

using strings = std::vector<std::string>;

constexpr steady_time noon{12h};

health_view failing(const strings& deployments) {
  health_view result;
  for (auto& x : deployments)
    result.failed(x, noon);
  return result;
}

} // namespace

TEST(router_test, offers_the_deployments_in_the_order_of_the_catalogue) {
  auto decision = route(*example(), asking_for("fast"), {}, noon);
  ASSERT_TRUE(decision);
  EXPECT_EQ(ids(*decision), (strings{"a/1", "b/1"}));
  EXPECT_EQ(decision->reason, "named model, 2 of 2 deployments");
}

TEST(router_test, offers_failing_deployments_last) {
  auto decision = route(*example(), asking_for("fast"), failing({"a/1"}), noon);
  ASSERT_TRUE(decision);
  EXPECT_EQ(ids(*decision), (strings{"b/1", "a/1"}));
  EXPECT_EQ(decision->reason, "named model, 1 of 2 deployments");
}

TEST(router_test, offers_failing_deployments_where_there_are_no_others) {
  auto decision = route(*example(), asking_for("fast"), failing({"a/1", "b/1"}), noon);
  ASSERT_TRUE(decision);
  EXPECT_EQ(ids(*decision), (strings{"a/1", "b/1"}));
  EXPECT_EQ(decision->reason, "named model, 0 of 2 deployments");
}

TEST(router_test, gives_a_failing_deployment_its_place_back_when_its_trial_is_due) {
  auto health = failing({"a/1"});
  auto due = noon + health_view::trial_pause;
  EXPECT_FALSE(health.available("a/1", due - 1ns));
  EXPECT_TRUE(health.available("a/1", due));
  health.tried("a/1", due);
  EXPECT_FALSE(health.available("a/1", due));
  EXPECT_TRUE(health.available("a/1", due + health_view::trial_pause));
  health.tried("b/1", due);
  EXPECT_TRUE(health.available("b/1", due));
}

TEST(router_test, refuses_an_unknown_model_in_openais_words) {
  auto decision = route(*example(), asking_for("gpt-99"), {}, noon);
  ASSERT_FALSE(decision);
  EXPECT_EQ(code_of(decision.error()), ec::model_not_found);
  EXPECT_EQ(message_of(decision.error()),
            "The model `gpt-99` does not exist or you do not have access to it.");
  EXPECT_EQ(param_of(decision.error()), "model");
}

TEST(router_test, suggests_a_model_that_is_nearly_called_so) {
  auto decision = route(*example(), asking_for("fsat"), {}, noon);
  ASSERT_FALSE(decision);
  EXPECT_EQ(
      message_of(decision.error()),
      "The model `fsat` does not exist or you do not have access to it. Did you mean `fast`?");
}

TEST(router_test, repeats_only_the_beginning_of_a_long_name) {
  auto decision = route(*example(), asking_for(std::string(1'000'000, 'x')), {}, noon);
  ASSERT_FALSE(decision);
  EXPECT_LT(message_of(decision.error()).size(), 300u);
}

TEST(router_test, makes_no_suggestion_among_very_many_models) {
  std::vector<model> many(501);
  for (size_t i = 0; i < many.size(); ++i)
    many[i].name = "model-" + std::to_string(i);
  EXPECT_EQ(
      message_of(route(catalogue{many}, asking_for("model-O1"), {}, noon).error()).find("Did"),
      std::string::npos);
  many.pop_back();
  EXPECT_NE(
      message_of(route(catalogue{many}, asking_for("model-O1"), {}, noon).error()).find("Did"),
      std::string::npos);
}

TEST(router_test, refuses_an_endpoint_that_the_model_does_not_have) {
  auto decision = route(*example(), asking_for("embedder"), {}, noon);
  ASSERT_FALSE(decision);
  EXPECT_EQ(code_of(decision.error()), ec::invalid_value);
  EXPECT_EQ(message_of(decision.error()), "The model `embedder` cannot be used with "
                                          "/v1/chat/completions; it can be used with "
                                          "/v1/embeddings.");
  EXPECT_EQ(param_of(decision.error()), "model");
}

TEST(router_test, has_nobody_for_a_model_without_deployments) {
  auto decision = route(*example(), asking_for("empty", endpoint::completions), {}, noon);
  ASSERT_FALSE(decision);
  EXPECT_EQ(code_of(decision.error()), ec::upstream_unavailable);
}

TEST(router_test, estimates_each_candidate_at_its_dearest) {
  auto decision = route(*example(), asking_for("fast"), {}, noon);
  ASSERT_TRUE(decision);
  // 100 · 1.25 (written to the cache) + 10 · 4; 100 · 2 + 10 · 9 (spent on reasoning).
  EXPECT_EQ(decision->candidates[0].estimate_max, nanousd{165});
  EXPECT_EQ(decision->candidates[1].estimate_max, nanousd{290});
}

TEST(router_test, never_estimates_less_than_the_cost) {
  auto x = at("a/1", dear);
  auto estimate = estimate_max(x, asking_for("fast"));
  for (token_usage usage : {token_usage{100, 0, 0, 10, 0}, token_usage{0, 100, 0, 0, 10},
                            token_usage{50, 0, 50, 5, 5}, token_usage{0, 0, 100, 0, 10}})
    EXPECT_LE(*cost(usage, dear), estimate);
}

TEST(router_test, estimates_the_input_alone_where_the_output_has_no_limit) {
  auto query = asking_for("fast");
  query.output_tokens_max = 0;
  EXPECT_EQ(estimate_max(at("a/1", cheap), query), nanousd{125});
}

TEST(router_test, estimates_no_more_output_than_the_model_can_write) {
  auto x = at("a/1", cheap);
  x.output_tokens_max = 5;
  EXPECT_EQ(estimate_max(x, asking_for("fast")), nanousd{145});
}

TEST(router_test, estimates_nothing_where_the_price_is_unknown) {
  auto x = at("a/1", cheap);
  x.price.reset();
  EXPECT_EQ(estimate_max(x, asking_for("fast")), nanousd{0});
}

TEST(router_test, estimates_the_greatest_amount_where_the_sum_is_out_of_range) {
  auto query = asking_for("fast");
  query.output_tokens_max = std::numeric_limits<int64_t>::max();
  EXPECT_EQ(estimate_max(at("a/1", cheap), query).value, std::numeric_limits<int64_t>::max());
}

class router_actor_test : public test::deterministic_system {
protected:
  router_actor router_handle = spawn(router, example());
};

TEST_F(router_actor_test, answers_with_candidates) {
  auto decision = ask<route_decision>(router_handle, asking_for("fast"));
  ASSERT_TRUE(decision) << sys.render(decision.error());
  EXPECT_EQ(ids(*decision), (strings{"a/1", "b/1"}));
}

TEST_F(router_actor_test, answers_with_the_error_of_the_decision) {
  auto decision = ask<route_decision>(router_handle, asking_for("slow"));
  ASSERT_FALSE(decision);
  EXPECT_EQ(code_of(decision.error()), ec::model_not_found);
  EXPECT_EQ(param_of(decision.error()), "model");
}

TEST_F(router_actor_test, heeds_the_health_that_it_was_told) {
  tell(router_handle, deployment_health{"a/1", false});
  EXPECT_EQ(ids(*ask<route_decision>(router_handle, asking_for("fast"))), (strings{"b/1", "a/1"}));
  tell(router_handle, deployment_health{"a/1", true});
  EXPECT_EQ(ids(*ask<route_decision>(router_handle, asking_for("fast"))), (strings{"a/1", "b/1"}));
}

TEST_F(router_actor_test, lets_one_request_try_a_failing_deployment_again) {
  tell(router_handle, deployment_health{"a/1", false});
  auto first = [this] {
    return ask<route_decision>(router_handle, asking_for("fast"))->candidates.front().deployment;
  };
  pass(health_view::trial_pause - 1ms);
  EXPECT_EQ(first(), "b/1");
  pass(1ms);
  EXPECT_EQ(first(), "a/1");
  EXPECT_EQ(first(), "b/1");
  pass(health_view::trial_pause);
  EXPECT_EQ(first(), "a/1");
}

TEST_F(router_actor_test, keeps_nothing_about_deployments_that_it_does_not_know) {
  tell(router_handle, deployment_health{"c/1", false});
  auto& state = caf::actor_cast<router_actor::stateful_pointer<router_state>>(router_handle)->state;
  EXPECT_TRUE(state.health.size() == 0);
}
