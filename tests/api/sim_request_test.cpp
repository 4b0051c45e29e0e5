#include "tests/api/sim_test_support.hpp"

#include <gmock/gmock.h>

namespace sluice {
namespace {

using namespace sim_test;
using nlohmann::json;
using testing::HasSubstr;

struct refused {
  int status;
  json error;
};

refused refuse(const std::string& body, endpoint kind = endpoint::chat_completions) {
  auto x = engine();
  auto plan = plan_of(*x, body, kind);
  EXPECT_FALSE(plan.served);
  auto result = play(std::move(plan));
  EXPECT_EQ(result.outcome, sim_outcome::failed);
  EXPECT_EQ(result.used, token_usage{});
  auto parsed = json::parse(result.text);
  EXPECT_EQ(parsed["simulated"], true);
  for (const char* name : {"message", "type", "param", "code"})
    EXPECT_TRUE(parsed["error"].contains(name)) << result.text;
  return {plan_of(*x, body, kind).status, parsed["error"]};
}

void expect_param(const std::string& param, const std::string& body,
                  endpoint kind = endpoint::chat_completions) {
  auto x = refuse(body, kind);
  EXPECT_EQ(x.status, 400) << body;
  EXPECT_EQ(x.error["param"], param) << body;
  EXPECT_EQ(x.error["type"], "invalid_request_error");
}

TEST(sim_request_test, refuses_what_is_not_a_json_object) {
  for (const char* body : {"", "{", "[]", "7", "{\"model\":\"\xff\"}"})
    EXPECT_EQ(refuse(body).status, 400) << body;
  std::string deep(100'000, '[');
  EXPECT_THAT(refuse(deep).error["message"], HasSubstr("nested too deeply"));
}

TEST(sim_request_test, names_the_field_of_a_bad_chat) {
  expect_param("model", R"({"messages":[{"role":"user","content":"x"}]})");
  expect_param("model", R"({"model":7,"messages":[{"role":"user","content":"x"}]})");
  expect_param("model", chat("x", {{"model", "sim-embedding"}}));
  expect_param("messages", R"({"model":"m"})");
  expect_param("messages", R"({"model":"m","messages":[]})");
  expect_param("messages[0]", R"({"model":"m","messages":["x"]})");
  expect_param("messages[0].role", R"({"model":"m","messages":[{"content":"x"}]})");
  expect_param("messages[0].role", R"({"model":"m","messages":[{"role":"boss","content":"x"}]})");
  expect_param("messages[0].content", R"({"model":"m","messages":[{"role":"user"}]})");
  expect_param("messages[0].content", R"({"model":"m","messages":[{"role":"user","content":7}]})");
  expect_param("messages[0].content[].type",
               R"({"model":"m","messages":[{"role":"user","content":[{"type":"smell"}]}]})");
  expect_param("messages[0].tool_call_id",
               R"({"model":"m","messages":[{"role":"tool","content":"x"}]})");
  expect_param("max_tokens", chat("x", {{"max_tokens", 0}}));
  expect_param("max_tokens", chat("x", {{"max_tokens", 1'000'000}}));
  expect_param("max_tokens", chat("x", {{"max_tokens", 5}, {"max_completion_tokens", 5}}));
  expect_param("n", chat("x", {{"n", 129}}));
  expect_param("n", chat("x", {{"n", 1.5}}));
  expect_param("n", chat("x", {{"n", UINT64_MAX}}));
  expect_param("temperature", chat("x", {{"temperature", 3}}));
  expect_param("stop", chat("x", {{"stop", {"a", "b", "c", "d", "e"}}}));
  expect_param("stream", chat("x", {{"stream", "yes"}}));
  expect_param("stream_options", chat("x", {{"stream_options", {{"include_usage", true}}}}));
  expect_param("tools", chat("x", {{"tools", json::array()}}));
  expect_param("tools[0]", chat("x", {{"tools", {{{"type", "hammer"}}}}}));
  expect_param("tool_choice", chat("x", {{"tool_choice", "auto"}}));
  expect_param("response_format.type", chat("x", {{"response_format", {{"type", "poem"}}}}));
  expect_param("messages", chat("x", {{"response_format", {{"type", "json_object"}}}}));
  expect_param("response_format.json_schema",
               chat("x", {{"response_format", {{"type", "json_schema"}}}}));
  expect_param("messages", chat("[[sim:explode]]"));
}

TEST(sim_request_test, refuses_a_prompt_beyond_the_context) {
  std::string words;
  for (int i = 0; i < 130'000; ++i)
    words += "a ";
  auto x = refuse(chat(words));
  EXPECT_EQ(x.error["code"], "context_length_exceeded");
  EXPECT_EQ(x.error["param"], "messages");
}

TEST(sim_request_test, names_the_field_of_a_bad_completion_or_embedding) {
  auto completions = endpoint::completions, embeddings = endpoint::embeddings;
  expect_param("prompt", R"({"model":"m"})", completions);
  expect_param("prompt", R"({"model":"m","prompt":[]})", completions);
  expect_param("prompt", R"({"model":"m","prompt":["a",7]})", completions);
  expect_param("prompt", R"({"model":"m","prompt":[1,-2]})", completions);
  expect_param("input", R"({"model":"m"})", embeddings);
  expect_param("input", R"({"model":"m","input":""})", embeddings);
  expect_param("input[1]", R"({"model":"m","input":["a",""]})", embeddings);
  expect_param("input", R"({"model":"m","input":[]})", embeddings);
  expect_param("dimensions", R"({"model":"m","input":"a","dimensions":0})", embeddings);
  expect_param("encoding_format", R"({"model":"m","input":"a","encoding_format":"hex"})",
               embeddings);
  expect_param("encoding_format", R"({"model":"m","input":"a","encoding_format":null})",
               embeddings);
}

TEST(sim_request_test, takes_2048_inputs_and_no_more) {
  json body{{"model", "sim-embedding"}, {"dimensions", 4}, {"input", json::array()}};
  for (int i = 0; i < 2'048; ++i)
    body["input"].push_back("text " + std::to_string(i));
  auto x = engine();
  EXPECT_EQ(whole(*x, body.dump(), endpoint::embeddings)["data"].size(), 2'048U);
  body["input"].push_back("one more");
  expect_param("input", body.dump(), endpoint::embeddings);
}

TEST(sim_request_test, an_input_may_have_8192_tokens_and_no_more) {
  std::string words = "a";
  for (int i = 1; i < 8'192; ++i)
    words += " a";
  auto x = engine();
  json body{{"model", "sim-embedding"}, {"dimensions", 4}, {"input", words}};
  EXPECT_EQ(whole(*x, body.dump(), endpoint::embeddings)["usage"]["prompt_tokens"], 8'192);
  body["input"] = words + " a";
  EXPECT_EQ(refuse(body.dump(), endpoint::embeddings).error["code"], "context_length_exceeded");
}

TEST(sim_request_test, unknown_models_are_404_where_only_its_own_are_taken) {
  sim_options own;
  own.any_model = false;
  auto x = engine({}, own);
  auto plan = plan_of(*x, chat("x", {{"model", "gpt-unknown"}}));
  EXPECT_EQ(plan.status, 404);
  auto error = json::parse(plan.body)["error"];
  EXPECT_EQ(error["code"], "model_not_found");
  EXPECT_EQ(error["param"], "model");
  EXPECT_EQ(plan_of(*x, chat("x")).status, 200);
  EXPECT_EQ(x->model_json("gpt-unknown"), "");
}

TEST(sim_request_test, bounds_the_answers_of_a_call) {
  json body{{"model", "m"}, {"n", 3}, {"prompt", json::array()}};
  for (int i = 0; i < 2'048; ++i)
    body["prompt"].push_back("a");
  expect_param("n", body.dump(), endpoint::completions);
  expect_param("n", chat("[[sim:tokens n=100000]]", {{"n", 128}, {"model", "sim-very-complex"}}));
}

} // namespace
} // namespace sluice
