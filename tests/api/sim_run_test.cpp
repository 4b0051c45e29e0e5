#include "tests/api/sim_test_support.hpp"

namespace sluice {
namespace {

using namespace sim_test;
using nlohmann::json;
using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::nanoseconds;

std::string joined(const played& x) {
  std::string result;
  for (const auto& event : x.events) {
    if (event == "[DONE]")
      continue;
    auto parsed = json::parse(event);
    for (const auto& choice : parsed["choices"])
      result += choice.contains("text") ? choice["text"].get<std::string>()
                                        : choice["delta"].value("content", std::string{});
  }
  return result;
}

TEST(sim_run_test, a_stream_has_a_role_tokens_a_finish_and_done) {
  auto x = engine();
  auto result = play(plan_of(*x, stream("[[sim:tokens n=5]]")));
  ASSERT_EQ(result.events.size(), 8U);
  auto first = json::parse(result.events[0]);
  EXPECT_EQ(first["object"], "chat.completion.chunk");
  EXPECT_EQ(first["simulated"], true);
  EXPECT_EQ(first["choices"][0]["delta"]["role"], "assistant");
  EXPECT_FALSE(first.contains("usage"));
  EXPECT_EQ(json::parse(result.events[1])["choices"][0]["delta"]["content"], "[simulated]");
  EXPECT_TRUE(json::parse(result.events[5])["choices"][0]["finish_reason"].is_null());
  EXPECT_EQ(json::parse(result.events[6])["choices"][0]["finish_reason"], "stop");
  EXPECT_EQ(result.events[7], "[DONE]");
  EXPECT_EQ(result.last, sim_step_kind::end);
  EXPECT_EQ(result.outcome, sim_outcome::finished);
}

TEST(sim_run_test, a_stream_says_what_the_whole_reply_says) {
  auto x = engine();
  auto body = whole(*x, chat("Grüße, 世界 😀"));
  auto result = play(plan_of(*x, stream("Grüße, 世界 😀")));
  EXPECT_EQ(joined(result), body["choices"][0]["message"]["content"]);
  EXPECT_EQ(result.used.output, body["usage"]["completion_tokens"]);
}

TEST(sim_run_test, usage_comes_last_where_it_was_asked_for_and_is_null_before) {
  auto x = engine();
  auto plan = plan_of(*x, stream("Hi", {{"stream_options", {{"include_usage", true}}}}));
  auto usage = plan.usage;
  auto result = play(std::move(plan));
  ASSERT_GT(result.events.size(), 3U);
  for (size_t i = 0; i + 2 < result.events.size(); ++i)
    EXPECT_TRUE(json::parse(result.events[i]).at("usage").is_null());
  auto last = json::parse(result.events[result.events.size() - 2]);
  EXPECT_EQ(last["choices"], json::array());
  EXPECT_EQ(last["usage"]["prompt_tokens"], usage.input);
  EXPECT_EQ(last["usage"]["completion_tokens"], usage.output);
  EXPECT_EQ(result.used, usage);
}

TEST(sim_run_test, a_stream_of_a_tool_call_puts_the_arguments_together) {
  auto x = engine();
  json tool{{"type", "function"},
            {"function",
             {{"name", "look_up"},
              {"parameters",
               {{"type", "object"},
                {"required", {"what"}},
                {"properties", {{"what", {{"type", "string"}}}}}}}}}};
  auto result = play(plan_of(*x, stream("Hi", {{"tools", {tool}}})));
  std::string arguments;
  for (size_t i = 1; i + 2 < result.events.size(); ++i) {
    auto call = json::parse(result.events[i])["choices"][0]["delta"]["tool_calls"][0];
    EXPECT_EQ(call["index"], 0);
    if (i == 1) {
      EXPECT_EQ(call["function"]["name"], "look_up");
      EXPECT_TRUE(call["id"].is_string());
    }
    arguments += call["function"]["arguments"].get<std::string>();
  }
  EXPECT_TRUE(json::parse(arguments)["what"].is_string());
  auto finish = json::parse(result.events[result.events.size() - 2]);
  EXPECT_EQ(finish["choices"][0]["finish_reason"], "tool_calls");
}

TEST(sim_run_test, choices_take_turns_and_each_finishes_once) {
  auto x = engine();
  auto plan = plan_of(*x, stream("Hi", {{"n", 3}}));
  auto total = plan.usage.output;
  auto result = play(std::move(plan));
  std::vector<int> finished(3, 0);
  int64_t tokens = 0;
  std::string order;
  for (const auto& event : result.events) {
    if (event == "[DONE]")
      continue;
    auto choice = json::parse(event)["choices"][0];
    auto index = choice["index"].get<size_t>();
    order += std::to_string(index);
    finished[index] += choice["finish_reason"].is_null() ? 0 : 1;
    tokens += choice["delta"].value("content", std::string{}).empty() ? 0 : 1;
  }
  EXPECT_EQ(finished, (std::vector<int>{1, 1, 1}));
  EXPECT_EQ(order.substr(0, 9), "012012012");
  EXPECT_EQ(tokens, total);
}

TEST(sim_run_test, completions_stream_text) {
  auto x = engine();
  auto body = std::string{R"({"model":"m","prompt":"Hi","max_tokens":4,"stream":true})"};
  auto result = play(plan_of(*x, body, endpoint::completions));
  ASSERT_EQ(result.events.size(), 6U); // 4 tokens, the finish, [DONE]
  auto first = json::parse(result.events[0]);
  EXPECT_EQ(first["object"], "text_completion");
  EXPECT_EQ(first["choices"][0]["text"], "[simulated]");
  EXPECT_EQ(json::parse(result.events[4])["choices"][0]["finish_reason"], "length");
}

simulation_settings timed() {
  simulation_settings x;
  x.call_base = milliseconds{275};
  x.per_prompt = microseconds{42'400};
  x.per_output_token = milliseconds{1};
  return x;
}

TEST(sim_run_test, a_whole_call_takes_base_prompts_and_tokens) {
  auto x = engine(timed());
  auto result = play(plan_of(*x, chat("[[sim:tokens n=100]]")));
  EXPECT_EQ(result.due.front(), microseconds{275'000 + 42'400 + 100'000});
  json batch{{"model", "sim-embedding"}, {"dimensions", 2}, {"input", {"a", "b", "c"}}};
  result = play(plan_of(*x, batch.dump(), endpoint::embeddings));
  EXPECT_EQ(result.due.front(), microseconds{275'000 + 3 * 42'400});
}

TEST(sim_run_test, the_clock_can_be_scaled) {
  auto settings = timed();
  settings.scale = 0.01;
  auto x = engine(settings);
  auto result = play(plan_of(*x, chat("[[sim:tokens n=100]] [[sim:slow_first_byte ms=100]]")));
  EXPECT_EQ(result.due.front(), microseconds{2'750 + 424 + 1'000 + 1'000});
}

TEST(sim_run_test, a_stream_gives_each_token_when_it_is_made) {
  auto x = engine(timed());
  auto result = play(plan_of(*x, stream("[[sim:tokens n=3]] [[sim:reasoning n=10]]")));
  auto begin = microseconds{317'400};
  ASSERT_EQ(result.due.size(), 6U);
  EXPECT_EQ(result.due[0], begin);
  EXPECT_EQ(result.due[1], begin + milliseconds{11}) << "thinking comes before the first token";
  EXPECT_EQ(result.due[3], begin + milliseconds{13});
  EXPECT_EQ(result.due[5], begin + milliseconds{13});
}

TEST(sim_run_test, pace_and_slow_first_byte_are_heeded) {
  auto x = engine();
  auto result =
      play(plan_of(*x, stream("[[sim:slow_first_byte ms=300]] [[sim:pace ms_per_token=2]]")));
  EXPECT_EQ(result.due[0], milliseconds{300});
  EXPECT_EQ(result.due[2], milliseconds{304});
}

TEST(sim_run_test, error_replies_carry_what_was_asked_for) {
  auto x = engine();
  auto plan = plan_of(*x, chat("[[sim:429 retry_after_ms=1500 should_retry=true]]"));
  EXPECT_EQ(plan.status, 429);
  auto header = [&](const std::string& name) {
    for (const auto& [key, value] : plan.headers)
      if (key == name)
        return value;
    return std::string{"none"};
  };
  EXPECT_EQ(header("retry-after-ms"), "1500");
  EXPECT_EQ(header("retry-after"), "2");
  EXPECT_EQ(header("x-should-retry"), "true");
  EXPECT_EQ(json::parse(plan.body)["error"]["code"], "rate_limit_exceeded");
  for (int status : {400, 401, 404, 500, 503, 599}) {
    auto other = plan_of(*x, stream("[[sim:" + std::to_string(status) + "]]"));
    EXPECT_EQ(other.status, status);
    EXPECT_FALSE(other.streamed);
    auto result = play(std::move(other));
    EXPECT_EQ(result.outcome, sim_outcome::failed);
    EXPECT_EQ(result.used, token_usage{});
  }
}

TEST(sim_run_test, cut_comes_after_so_many_events_and_bills_them) {
  auto x = engine();
  auto result = play(plan_of(*x, stream("[[sim:cut after=3]]")));
  EXPECT_EQ(result.events.size(), 3U);
  EXPECT_EQ(result.last, sim_step_kind::cut);
  EXPECT_EQ(result.outcome, sim_outcome::cut);
  EXPECT_EQ(result.used.output, 2);
  EXPECT_GT(result.used.input, 0);
  result = play(plan_of(*x, stream("[[sim:cut after=0]]")));
  EXPECT_TRUE(result.events.empty());
  result = play(plan_of(*x, stream("[[sim:cut after=1000]] [[sim:tokens n=2]]")));
  EXPECT_EQ(result.events.size(), 4U) << "at the latest before [DONE]";
  EXPECT_EQ(result.last, sim_step_kind::cut);
}

TEST(sim_run_test, cut_of_a_whole_reply_comes_in_its_middle_and_bills_it) {
  auto x = engine();
  auto plan = plan_of(*x, chat("[[sim:cut]]"));
  auto body = plan.body;
  auto usage = plan.usage;
  auto result = play(std::move(plan));
  EXPECT_EQ(result.text, body.substr(0, body.size() / 2));
  EXPECT_EQ(result.outcome, sim_outcome::cut);
  EXPECT_EQ(result.used, usage);
}

TEST(sim_run_test, malformed_breaks_one_event_or_the_body) {
  auto x = engine();
  auto result = play(plan_of(*x, stream("[[sim:malformed after=2]] [[sim:tokens n=4]]")));
  ASSERT_EQ(result.events.size(), 8U);
  for (size_t i = 0; i + 1 < result.events.size(); ++i)
    EXPECT_EQ(json::accept(result.events[i]), i != 2) << result.events[i];
  result = play(plan_of(*x, chat("[[sim:malformed]]")));
  EXPECT_FALSE(json::accept(result.text));
  EXPECT_EQ(result.last, sim_step_kind::end);
}

TEST(sim_run_test, errors_inside_a_200_end_it) {
  auto x = engine();
  auto plan = plan_of(*x, stream("[[sim:error_event after=3]]"));
  EXPECT_EQ(plan.status, 200);
  auto result = play(std::move(plan));
  ASSERT_EQ(result.events.size(), 4U);
  EXPECT_TRUE(json::parse(result.events[3]).contains("error"));
  EXPECT_EQ(result.outcome, sim_outcome::failed);
  EXPECT_EQ(result.used.output, 2);
  result = play(plan_of(*x, stream("[[sim:error_first]]")));
  ASSERT_EQ(result.events.size(), 1U);
  EXPECT_TRUE(json::parse(result.events[0]).contains("error"));
  result = play(plan_of(*x, chat("[[sim:error_first]]")));
  EXPECT_TRUE(json::parse(result.text).contains("error"));
  EXPECT_EQ(result.outcome, sim_outcome::failed);
  EXPECT_EQ(result.used, token_usage{});
}

TEST(sim_run_test, stall_goes_silent_and_hang_never_speaks) {
  auto x = engine();
  auto result = play(plan_of(*x, stream("[[sim:stall after=2]]")));
  EXPECT_EQ(result.events.size(), 2U);
  EXPECT_EQ(result.last, sim_step_kind::silence);
  EXPECT_EQ(result.outcome, sim_outcome::cancelled);
  result = play(plan_of(*x, chat("[[sim:stall]]")));
  EXPECT_FALSE(result.text.empty());
  EXPECT_EQ(result.last, sim_step_kind::silence);
  for (const auto& body : {chat("[[sim:hang]]"), stream("[[sim:hang]]")}) {
    result = play(plan_of(*x, body));
    EXPECT_EQ(result.text, "");
    EXPECT_EQ(result.last, sim_step_kind::silence);
    EXPECT_EQ(result.used, token_usage{});
  }
}

TEST(sim_run_test, reset_drops_the_connection_before_a_byte) {
  auto x = engine();
  auto result = play(plan_of(*x, stream("[[sim:reset]]")));
  EXPECT_EQ(result.text, "");
  EXPECT_EQ(result.last, sim_step_kind::cut);
  EXPECT_EQ(result.outcome, sim_outcome::failed);
}

TEST(sim_run_test, endless_has_no_end_and_bills_what_was_taken) {
  auto x = engine();
  auto result = play(plan_of(*x, stream("[[sim:endless]]")), 5'001);
  EXPECT_EQ(result.events.size(), 5'001U);
  EXPECT_EQ(result.used.output, 5'000);
  EXPECT_EQ(result.outcome, sim_outcome::cancelled);
  json embedding{{"model", "sim-embedding"}, {"input", "[[sim:endless]]"}};
  for (auto plan : {plan_of(*x, chat("[[sim:endless]]")),
                    plan_of(*x, embedding.dump(), endpoint::embeddings)}) {
    result = play(std::move(plan), 2'000);
    EXPECT_EQ(result.last, sim_step_kind::part);
    EXPECT_EQ(result.used.output, 1'999);
  }
}

TEST(sim_run_test, no_usage_leaves_it_out) {
  auto x = engine();
  EXPECT_FALSE(whole(*x, chat("[[sim:no_usage]]")).contains("usage"));
  auto result = play(
      plan_of(*x, stream("[[sim:no_usage]]", {{"stream_options", {{"include_usage", true}}}})));
  for (const auto& event : result.events)
    EXPECT_EQ(event.find("usage"), std::string::npos);
}

TEST(sim_run_test, a_cancelled_whole_call_bills_the_tokens_made_so_far) {
  simulation_settings settings;
  settings.call_base = milliseconds{100};
  settings.per_output_token = milliseconds{1};
  auto x = engine(settings);
  sim_run run{plan_of(*x, chat("[[sim:tokens n=50]] [[sim:reasoning n=20]]")), start};
  EXPECT_EQ(run.outcome(), sim_outcome::cancelled);
  EXPECT_EQ(run.used(start + milliseconds{50}).output_total(), 0);
  EXPECT_EQ(run.used(start + milliseconds{110}).reasoning, 10);
  EXPECT_EQ(run.used(start + milliseconds{110}).output, 0);
  EXPECT_EQ(run.used(start + milliseconds{130}).reasoning, 20);
  EXPECT_EQ(run.used(start + milliseconds{130}).output, 10);
  EXPECT_EQ(run.used(start + milliseconds{900}).output, 50);
}

} // namespace
} // namespace sluice
