#include "api/sim/sim_tokens.hpp"
#include "tests/api/sim_test_support.hpp"

#include <cmath>
#include <cstring>

namespace sluice {
namespace {

using namespace sim_test;
using nlohmann::json;

const json weather = {
    {"type", "function"},
    {"function",
     {{"name", "get_weather"},
      {"parameters",
       {{"type", "object"},
        {"required", {"city", "unit"}},
        {"properties",
         {{"city", {{"type", "string"}}}, {"unit", {{"enum", {"celsius", "fahrenheit"}}}}}}}}}}};

TEST(sim_answer_test, says_that_it_is_simulated_everywhere) {
  auto x = engine();
  auto plan = plan_of(*x, chat("Hello"));
  EXPECT_NE(std::find(plan.headers.begin(), plan.headers.end(),
                      std::pair<std::string, std::string>{"x-sluice-simulated", "true"}),
            plan.headers.end());
  auto body = json::parse(play(std::move(plan)).text);
  EXPECT_EQ(body["simulated"], true);
  EXPECT_EQ(body["system_fingerprint"], "fp_simulated");
  EXPECT_EQ(body["model"], "sim-simple");
  EXPECT_EQ(body["object"], "chat.completion");
  EXPECT_EQ(body["created"], 1'800'000'000);
  auto text = body["choices"][0]["message"]["content"].get<std::string>();
  EXPECT_TRUE(text.starts_with("[simulated] You said: Hello.")) << text;
}

TEST(sim_answer_test, follows_from_the_prompt_the_seeds_and_the_model) {
  auto content = [](sim_engine& x, const std::string& body) {
    return whole(x, body)["choices"][0]["message"]["content"].get<std::string>();
  };
  auto x = engine(), same = engine();
  simulation_settings settings;
  settings.seed = 2;
  auto other = engine(settings);
  EXPECT_EQ(content(*x, chat("a")), content(*x, chat("a")));
  EXPECT_EQ(content(*x, chat("a")), content(*same, chat("a")));
  EXPECT_NE(content(*x, chat("a")), content(*other, chat("a")));
  EXPECT_NE(content(*x, chat("a")), content(*x, chat("b")));
  EXPECT_NE(content(*x, chat("a")), content(*x, chat("a", {{"seed", 5}})));
  EXPECT_NE(content(*x, chat("a")), content(*x, chat("a", {{"model", "other"}})));
  EXPECT_NE(whole(*x, chat("a"))["id"], whole(*x, chat("a"))["id"]) << "calls differ";
}

TEST(sim_answer_test, usage_counts_what_was_said) {
  auto x = engine();
  auto body = whole(*x, chat("What is the capital of France?"));
  auto& usage = body["usage"];
  // 3 a message, 3 for the answer's start, 7 in the prompt.
  EXPECT_EQ(usage["prompt_tokens"], 13);
  EXPECT_EQ(usage["completion_tokens"],
            sim_count_tokens(body["choices"][0]["message"]["content"].get<std::string>()));
  EXPECT_EQ(usage["total_tokens"],
            usage["prompt_tokens"].get<int>() + usage["completion_tokens"].get<int>());
  EXPECT_EQ(usage["prompt_tokens_details"]["cached_tokens"], 0);
  EXPECT_EQ(usage["completion_tokens_details"]["reasoning_tokens"], 0);
}

TEST(sim_answer_test, images_count_by_their_detail) {
  auto x = engine();
  auto tokens = [&](const char* detail) {
    json image{{"type", "image_url"}, {"image_url", {{"url", "data:image/png;base64,AAAA"}}}};
    if (detail != nullptr)
      image["image_url"]["detail"] = detail;
    json body{{"model", "sim-simple"},
              {"messages",
               {{{"role", "user"}, {"content", {{{"type", "text"}, {"text", "Look"}}, image}}}}}};
    return whole(*x, body.dump())["usage"]["prompt_tokens"].get<int>();
  };
  EXPECT_EQ(tokens("low"), 6 + 1 + 85);
  EXPECT_EQ(tokens("high"), 6 + 1 + 765);
  EXPECT_EQ(tokens(nullptr), 6 + 1 + 765);
}

TEST(sim_answer_test, limits_end_the_answer_with_length) {
  auto x = engine();
  for (const char* name : {"max_tokens", "max_completion_tokens"}) {
    auto body = whole(*x, chat("Hello", {{name, 1}}));
    EXPECT_EQ(body["choices"][0]["message"]["content"], "[simulated]");
    EXPECT_EQ(body["choices"][0]["finish_reason"], "length");
    EXPECT_EQ(body["usage"]["completion_tokens"], 1);
  }
  EXPECT_EQ(whole(*x, chat("Hello"))["choices"][0]["finish_reason"], "stop");
}

TEST(sim_answer_test, exact_lengths_can_be_asked_for) {
  auto x = engine();
  for (int n : {1, 2, 500}) {
    auto body = whole(*x, chat("[[sim:tokens n=" + std::to_string(n) + "]]"));
    EXPECT_EQ(body["usage"]["completion_tokens"], n);
    EXPECT_EQ(body["choices"][0]["finish_reason"], "stop");
  }
  EXPECT_EQ(whole(*x, chat("[[sim:tokens n=0]]"))["choices"][0]["message"]["content"], "");
}

TEST(sim_answer_test, stop_sequences_end_it_before_themselves) {
  auto x = engine();
  auto body = whole(*x, chat("Hello there", {{"stop", {"nowhere", " there"}}}));
  EXPECT_EQ(body["choices"][0]["message"]["content"], "[simulated] You said: Hello");
  EXPECT_EQ(body["choices"][0]["finish_reason"], "stop");
  EXPECT_EQ(body["usage"]["completion_tokens"], 5);
}

TEST(sim_answer_test, strong_models_reason_within_the_limit) {
  auto x = engine();
  auto body = whole(*x, chat("Why?", {{"model", "sim-very-complex"}}));
  auto reasoning = body["usage"]["completion_tokens_details"]["reasoning_tokens"].get<int>();
  EXPECT_GE(reasoning, 96);
  EXPECT_LT(reasoning, 288);
  EXPECT_GT(body["usage"]["completion_tokens"], reasoning);
  body = whole(*x, chat("Why?", {{"model", "sim-very-complex"}, {"max_completion_tokens", 50}}));
  EXPECT_EQ(body["usage"]["completion_tokens_details"]["reasoning_tokens"], 50);
  EXPECT_EQ(body["choices"][0]["message"]["content"], "");
  EXPECT_EQ(body["choices"][0]["finish_reason"], "length");
  body = whole(*x, chat("[[sim:reasoning n=7]]"));
  EXPECT_EQ(body["usage"]["completion_tokens_details"]["reasoning_tokens"], 7);
}

TEST(sim_answer_test, cached_tokens_come_only_when_asked_for_and_within_the_prompt) {
  auto x = engine();
  auto plan = plan_of(*x, chat("[[sim:cached n=5]]"));
  EXPECT_EQ(plan.usage.cache_read, 5);
  auto usage = json::parse(plan.body)["usage"];
  EXPECT_EQ(usage["prompt_tokens"], plan.usage.input + 5);
  EXPECT_EQ(usage["prompt_tokens_details"]["cached_tokens"], 5);
  EXPECT_EQ(plan_of(*x, chat("[[sim:cached n=100000]]")).usage.input, 0);
}

TEST(sim_answer_test, several_answers_differ_and_are_all_billed) {
  auto x = engine();
  auto body = whole(*x, chat("Hello", {{"n", 3}}));
  ASSERT_EQ(body["choices"].size(), 3U);
  int64_t tokens = 0;
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(body["choices"][i]["index"], i);
    tokens += sim_count_tokens(body["choices"][i]["message"]["content"].get<std::string>());
  }
  EXPECT_NE(body["choices"][0]["message"], body["choices"][1]["message"]);
  EXPECT_EQ(body["usage"]["completion_tokens"], tokens);
}

TEST(sim_answer_test, calls_a_tool_with_arguments_that_fit) {
  auto x = engine();
  auto body = whole(*x, chat("How is the weather?", {{"tools", {weather}}}));
  auto& choice = body["choices"][0];
  EXPECT_EQ(choice["finish_reason"], "tool_calls");
  EXPECT_TRUE(choice["message"]["content"].is_null());
  auto& call = choice["message"]["tool_calls"][0];
  EXPECT_EQ(call["type"], "function");
  EXPECT_EQ(call["function"]["name"], "get_weather");
  auto arguments = json::parse(call["function"]["arguments"].get<std::string>());
  EXPECT_TRUE(arguments["city"].is_string());
  EXPECT_TRUE(arguments["unit"] == "celsius" || arguments["unit"] == "fahrenheit");
}

TEST(sim_answer_test, tool_choice_is_heeded) {
  auto x = engine();
  auto other = weather;
  other["function"]["name"] = "other_tool";
  json tools = json::array({weather, other});
  auto choice = [&](const std::string& prompt, json wanted) {
    return whole(
        *x, chat(prompt, {{"tools", tools}, {"tool_choice", std::move(wanted)}}))["choices"][0];
  };
  EXPECT_FALSE(choice("Hi", "none")["message"].contains("tool_calls"));
  EXPECT_TRUE(choice("Hi", "required")["message"].contains("tool_calls"));
  auto called = [](const json& one) { return one["message"]["tool_calls"][0]["function"]["name"]; };
  EXPECT_EQ(called(choice("Use other_tool!", "auto")), "other_tool");
  auto named = choice("Hi", {{"type", "function"}, {"function", {{"name", "other_tool"}}}});
  EXPECT_EQ(called(named), "other_tool");
  EXPECT_EQ(named["finish_reason"], "stop");
}

TEST(sim_answer_test, answers_in_words_once_the_tool_has_answered) {
  auto x = engine();
  json body{{"model", "sim-simple"},
            {"tools", {weather}},
            {"messages",
             {{{"role", "user"}, {"content", "How is the weather?"}},
              {{"role", "assistant"},
               {"content", nullptr},
               {"tool_calls",
                {{{"id", "call_1"},
                  {"type", "function"},
                  {"function", {{"name", "get_weather"}, {"arguments", "{}"}}}}}}},
              {{"role", "tool"}, {"tool_call_id", "call_1"}, {"content", "Sunny"}}}}};
  auto choice = whole(*x, body.dump())["choices"][0];
  EXPECT_FALSE(choice["message"].contains("tool_calls"));
  EXPECT_EQ(choice["finish_reason"], "stop");
}

TEST(sim_answer_test, gives_json_where_json_is_wanted) {
  auto x = engine();
  auto content = [&](json format) {
    auto body = whole(*x, chat("Some JSON please", {{"response_format", std::move(format)}}));
    return json::parse(body["choices"][0]["message"]["content"].get<std::string>());
  };
  EXPECT_EQ(content({{"type", "json_object"}})["simulated"], true);
  json schema{{"type", "object"},
              {"required", {"steps"}},
              {"properties", {{"steps", {{"type", "array"}, {"items", {{"type", "string"}}}}}}}};
  auto value =
      content({{"type", "json_schema"}, {"json_schema", {{"name", "steps"}, {"schema", schema}}}});
  EXPECT_TRUE(value["steps"].is_array());
}

TEST(sim_answer_test, refuses_a_schema_that_nothing_fits) {
  auto x = engine();
  json format{{"type", "json_schema"},
              {"json_schema",
               {{"name", "x"}, {"schema", {{"type", "integer"}, {"minimum", 2}, {"maximum", 1}}}}}};
  auto plan = plan_of(*x, chat("x", {{"response_format", format}}));
  EXPECT_EQ(plan.status, 400);
  EXPECT_EQ(json::parse(plan.body)["error"]["param"], "response_format");
}

TEST(sim_answer_test, completions_answer_each_prompt_n_times_in_order) {
  auto x = engine();
  json body{{"model", "sim-simple"}, {"prompt", {"one", "two"}}, {"n", 2}};
  auto reply = whole(*x, body.dump(), endpoint::completions);
  EXPECT_EQ(reply["object"], "text_completion");
  ASSERT_EQ(reply["choices"].size(), 4U);
  for (int i = 0; i < 4; ++i)
    EXPECT_EQ(reply["choices"][i]["index"], i);
  json alone{{"model", "sim-simple"}, {"prompt", "two"}, {"n", 2}};
  auto second = whole(*x, alone.dump(), endpoint::completions);
  EXPECT_EQ(reply["choices"][2]["text"], second["choices"][0]["text"])
      << "company changes nothing in an answer";
  EXPECT_EQ(reply["choices"][3]["text"], second["choices"][1]["text"]);
  EXPECT_EQ(reply["usage"]["prompt_tokens"], 2);
}

TEST(sim_answer_test, completions_take_token_ids_and_give_16_tokens_by_default) {
  auto x = engine();
  auto reply = whole(*x, R"({"model":"sim-medium","prompt":[[1,2,3],[4]]})", endpoint::completions);
  EXPECT_EQ(reply["choices"].size(), 2U);
  EXPECT_EQ(reply["usage"]["prompt_tokens"], 4);
  EXPECT_EQ(reply["choices"][0]["finish_reason"], "length");
  EXPECT_EQ(reply["usage"]["completion_tokens"], 32);
}

double length_of(const std::vector<double>& x) {
  double sum = 0;
  for (auto v : x)
    sum += v * v;
  return std::sqrt(sum);
}

double cosine(const std::vector<double>& a, const std::vector<double>& b) {
  double sum = 0;
  for (size_t i = 0; i < a.size(); ++i)
    sum += a[i] * b[i];
  return sum / length_of(a) / length_of(b);
}

std::vector<double> embed(sim_engine& x, const json& input, json more = json::object()) {
  json body{{"model", "sim-embedding"}, {"input", input}};
  body.update(more);
  return whole(x, body.dump(), endpoint::embeddings)["data"][0]["embedding"]
      .get<std::vector<double>>();
}

TEST(sim_embedding_test, vectors_are_of_unit_length_and_follow_from_the_text) {
  auto x = engine();
  auto a = embed(*x, "the cat sat on the mat");
  EXPECT_EQ(a.size(), 1'536U);
  EXPECT_NEAR(length_of(a), 1, 1e-5);
  EXPECT_EQ(a, embed(*x, "the cat sat on the mat"));
  EXPECT_GT(cosine(a, embed(*x, "The cat sat on a mat")), 0.7);
  EXPECT_LT(cosine(a, embed(*x, "quarterly revenue grew by nine percent")), 0.2);
  EXPECT_NEAR(length_of(embed(*x, {1, 2, 3})), 1, 1e-5);
  EXPECT_NEAR(length_of(embed(*x, "x", {{"dimensions", 1}})), 1, 1e-5);
}

TEST(sim_embedding_test, base64_holds_the_same_numbers) {
  auto x = engine();
  json body{{"model", "sim-embedding"},
            {"input", {"one", "two"}},
            {"dimensions", 5},
            {"encoding_format", "base64"}};
  auto reply = whole(*x, body.dump(), endpoint::embeddings);
  EXPECT_EQ(reply["object"], "list");
  EXPECT_EQ(reply["simulated"], true);
  EXPECT_EQ(reply["data"][1]["index"], 1);
  EXPECT_EQ(reply["usage"]["prompt_tokens"], 2);
  auto text = reply["data"][0]["embedding"].get<std::string>();
  EXPECT_EQ(text.size(), 28U); // 20 bytes
  std::string bytes;
  uint32_t bits = 0, held = 0;
  for (char c : text.substr(0, text.find('='))) {
    constexpr std::string_view digits =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    bits = (bits << 6U) | static_cast<uint32_t>(digits.find(c));
    held += 6;
    if (held >= 8) {
      held -= 8;
      bytes += static_cast<char>((bits >> held) & 0xffU);
    }
  }
  auto expected = embed(*x, "one", {{"dimensions", 5}});
  ASSERT_EQ(bytes.size(), 20U);
  for (size_t i = 0; i < 5; ++i) {
    float value = 0;
    std::memcpy(&value, bytes.data() + 4 * i, 4);
    EXPECT_FLOAT_EQ(value, static_cast<float>(expected[i]));
  }
}

TEST(sim_models_test, every_model_has_a_price_and_is_listed) {
  auto x = engine();
  auto list = json::parse(x->models_json());
  ASSERT_EQ(list["data"].size(), sim_models().size());
  for (const auto& model : sim_models()) {
    EXPECT_GT(model.price.input, 0);
    EXPECT_FALSE(model.endpoints.empty());
    EXPECT_EQ(json::parse(x->model_json(model.name))["id"], model.name);
    EXPECT_EQ(find_sim_model(model.name), &model);
  }
}

} // namespace
} // namespace sluice
