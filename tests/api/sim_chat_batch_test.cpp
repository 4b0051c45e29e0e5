#include "api/sim/sim_handler.hpp"
#include "tests/api/sim_test_support.hpp"

#include <boost/asio/io_context.hpp>

#include <gmock/gmock.h>

namespace sluice {
namespace {

using namespace sim_test;
using nlohmann::json;
using std::chrono::microseconds;
using std::chrono::milliseconds;
using testing::SizeIs;

constexpr auto batch_kind = endpoint::chat_batch;

json ask(const std::string& prompt, json more = json::object()) {
  return json::parse(chat(prompt, std::move(more)));
}

std::string batch(const std::vector<json>& requests, const std::string& model = "sim-simple") {
  return json{{"model", model}, {"requests", requests}}.dump();
}

sim_plan planned(sim_engine& x, const std::vector<json>& requests) {
  return plan_of(x, batch(requests), batch_kind);
}

/// The entries of the reply.
json answered(sim_engine& x, const std::vector<json>& requests) {
  return whole(x, batch(requests), batch_kind)["data"];
}

/// What differs between two equal calls taken away.
json without_id(json body) {
  body.erase("id");
  return body;
}

TEST(sim_chat_batch_test, each_chat_is_answered_as_it_would_be_alone) {
  auto x = engine();
  json tool{{"type", "function"},
            {"function", {{"name", "look_up"}, {"parameters", {{"type", "object"}}}}}};
  std::vector<json> requests{ask("What is a batch?", {{"temperature", 0.5}}),
                             ask("Hi", {{"max_tokens", 3}, {"n", 2}}),
                             ask("json please", {{"response_format", {{"type", "json_object"}}}}),
                             ask("look_up it", {{"tools", {tool}}}),
                             ask("[[sim:tokens n=9]] [[sim:reasoning n=4]]"),
                             ask("Hi", {{"max_tokens", 3}, {"n", 2}}),
                             ask("[[sim:no_usage]]"),
                             ask("[[sim:cached n=3]] seeded", {{"seed", 7}})};
  auto reply = whole(*x, batch(requests), batch_kind);
  EXPECT_EQ(reply["object"], "chat.completion.batch");
  EXPECT_EQ(reply["model"], "sim-simple");
  EXPECT_EQ(reply["simulated"], true);
  ASSERT_THAT(reply["data"], SizeIs(requests.size()));
  for (size_t i = 0; i < requests.size(); ++i) {
    auto& entry = reply["data"][i];
    EXPECT_EQ(entry["index"], i);
    EXPECT_EQ(entry["status"], 200);
    EXPECT_EQ(without_id(entry["body"]), without_id(whole(*x, requests[i].dump())));
  }
  EXPECT_NE(reply["data"][1]["body"]["id"], reply["data"][5]["body"]["id"]);
  EXPECT_FALSE(reply["data"][6]["body"].contains("usage"));
}

TEST(sim_chat_batch_test, a_bad_chat_gets_its_own_status) {
  auto x = engine();
  std::vector<json> requests{ask("good"),
                             json{{"model", "sim-simple"}},
                             ask("Hi", {{"temperature", "hot"}}),
                             ask("[[sim:500]]"),
                             ask("[[sim:429 retry_after_ms=50]]"),
                             ask("[[sim:nonsense]]"),
                             ask("Hi", {{"stream", true}}),
                             ask("Hi", {{"model", "sim-medium"}}),
                             json(7),
                             ask("[[sim:error_first]]"),
                             ask("good too")};
  auto data = answered(*x, requests);
  std::vector<int> statuses;
  for (auto& entry : data)
    statuses.push_back(entry["status"]);
  EXPECT_EQ(statuses, (std::vector{200, 400, 400, 500, 429, 400, 400, 400, 400, 200, 200}));
  EXPECT_EQ(data[1]["body"]["error"]["param"], "messages");
  EXPECT_EQ(data[2]["body"]["error"]["param"], "temperature");
  EXPECT_EQ(data[5]["body"]["error"]["param"], "messages");
  EXPECT_EQ(data[6]["body"]["error"]["param"], "stream");
  EXPECT_EQ(data[7]["body"]["error"]["param"], "model");
  EXPECT_TRUE(data[9]["body"].contains("error"));
  EXPECT_EQ(without_id(data[0]["body"]), without_id(whole(*x, requests[0].dump())));
  EXPECT_EQ(without_id(data[10]["body"]), without_id(whole(*x, requests[10].dump())));
  auto again = answered(*x, {ask("[[sim:500 times=1]] once"), ask("Hi")});
  EXPECT_EQ(again[0]["status"], 500);
  EXPECT_EQ(plan_of(*x, chat("[[sim:500 times=1]] once")).status, 200)
      << "counted with single calls";
}

TEST(sim_chat_batch_test, a_call_that_is_no_batch_is_refused) {
  auto x = engine();
  auto refused = [&](const std::string& body) {
    auto plan = plan_of(*x, body, batch_kind);
    EXPECT_EQ(plan.kind, batch_kind);
    EXPECT_FALSE(plan.served);
    EXPECT_NE(plan.status, 200) << body;
    return json::parse(plan.body)["error"].value("param", json{});
  };
  EXPECT_EQ(refused(R"({"requests":[{}]})"), "model");
  EXPECT_EQ(refused(batch({ask("Hi")}, "sim-embedding")), "model");
  EXPECT_EQ(refused(R"({"model":"m"})"), "requests");
  EXPECT_EQ(refused(R"({"model":"m","requests":[]})"), "requests");
  EXPECT_EQ(refused(R"({"model":"m","requests":{}})"), "requests");
  EXPECT_EQ(refused(batch(std::vector<json>(2'049, json::object()))), "requests");
  EXPECT_EQ(refused(batch({ask("[[sim:tokens n=16000]]", {{"n", 64}}),
                           ask("[[sim:tokens n=16000]]", {{"n", 64}})})),
            "requests")
      << "more tokens than are made at once";
  EXPECT_TRUE(refused("{").is_null());
  sim_options options;
  options.any_model = false;
  auto known = engine({}, options);
  EXPECT_EQ(plan_of(*known, batch({ask("Hi")}, "gpt-9"), batch_kind).status, 404);
}

TEST(sim_chat_batch_test, holds_at_most_2048_chats) {
  auto x = engine();
  std::vector<json> requests(2'048, ask("Hi", {{"max_tokens", 1}}));
  EXPECT_THAT(answered(*x, requests), SizeIs(2'048));
}

simulation_settings timed() {
  simulation_settings x;
  x.call_base = milliseconds{275};
  x.per_prompt = microseconds{42'400};
  x.per_output_token = milliseconds{1};
  return x;
}

TEST(sim_chat_batch_test, takes_base_prompts_and_the_longest_answer) {
  auto settings = timed();
  settings.scale = 0.01;
  auto x = engine(settings);
  auto plan = planned(*x, {ask("[[sim:tokens n=10]]"),
                           ask("[[sim:tokens n=100]] [[sim:reasoning n=20]]"), ask("[[sim:500]]")});
  EXPECT_EQ(plan.items, 3);
  EXPECT_EQ(play(std::move(plan)).due.front(), microseconds{2'750 + 3 * 424 + 1'200});
  plan = planned(*x, {ask("[[sim:tokens n=10 ms_per_token=2]]"),
                      ask("[[sim:slow_first_byte ms=100]] [[sim:tokens n=5]]")});
  EXPECT_EQ(play(std::move(plan)).due.front(), microseconds{2'750 + 2 * 424 + 200 + 1'000})
      << "pace and slowness are the call's";
}

TEST(sim_chat_batch_test, bills_the_sum_of_its_chats) {
  auto x = engine();
  auto reply = whole(*x, batch({ask("one"), ask("[[sim:500]]"), ask("[[sim:cached n=2]] three")}),
                     batch_kind);
  auto used = play(planned(*x, {ask("one"), ask("[[sim:500]]"), ask("[[sim:cached n=2]] three")}));
  auto& data = reply["data"];
  auto sum = [&](const char* key) {
    return data[0]["body"]["usage"][key].get<int64_t>() +
           data[2]["body"]["usage"][key].get<int64_t>();
  };
  EXPECT_EQ(reply["usage"]["prompt_tokens"], sum("prompt_tokens"));
  EXPECT_EQ(reply["usage"]["completion_tokens"], sum("completion_tokens"));
  EXPECT_EQ(reply["usage"]["total_tokens"], sum("total_tokens"));
  EXPECT_EQ(used.used.cache_read, 2);
  EXPECT_EQ(used.used.input_total(), sum("prompt_tokens"));
  EXPECT_EQ(used.used.output, sum("completion_tokens"));
  EXPECT_EQ(used.outcome, sim_outcome::finished);
  auto plan = planned(*x, {ask("one"), ask("two")});
  auto line = json::parse(usage_log_line(plan, plan.usage, sim_outcome::finished));
  EXPECT_EQ(line["endpoint"], "chat/completions/batch");
  EXPECT_EQ(line["items"], 2);
  EXPECT_EQ(line["bill_nanousd"], cost(plan.usage, plan.price)->value);
  EXPECT_GT(line["bill_nanousd"], 0);
}

TEST(sim_chat_batch_test, a_cancelled_call_bills_what_was_made_of_each) {
  auto x = engine(timed());
  auto plan = planned(*x, {ask("[[sim:tokens n=100]]"), ask("[[sim:tokens n=50]]")});
  auto input = plan.usage.input;
  sim_run run{std::move(plan), start};
  auto begin = start + microseconds{275'000 + 2 * 42'400};
  EXPECT_EQ(run.used(begin).output, 0);
  EXPECT_EQ(run.used(begin + milliseconds{50}), (token_usage{input, 0, 0, 75, 0}));
  EXPECT_EQ(run.used(begin + milliseconds{500}).output, 150);
}

TEST(sim_chat_batch_test, faults_of_the_connection_strike_the_call) {
  auto x = engine();
  auto last = [&](const std::string& fault) {
    return play(planned(*x, {ask("Hi"), ask("[[sim:" + fault + "]]")}), 100);
  };
  EXPECT_EQ(last("cut").outcome, sim_outcome::cut);
  EXPECT_EQ(last("hang").last, sim_step_kind::silence);
  EXPECT_EQ(last("reset").outcome, sim_outcome::failed);
  EXPECT_EQ(last("stall").last, sim_step_kind::silence);
  EXPECT_FALSE(json::accept(last("malformed").text));
  auto endless = last("endless");
  EXPECT_TRUE(endless.text.starts_with(R"({"object":"chat.completion.batch")")) << endless.text;
  EXPECT_EQ(endless.outcome, sim_outcome::cancelled);
}

TEST(sim_chat_batch_test, rules_strike_the_call) {
  simulation_settings settings;
  settings.fault_rules = {"endpoint=chat/completions fault=401",
                          "endpoint=chat/completions/batch every=4 fault=429 retry_after_ms=50",
                          "endpoint=chat/completions/batch every=3 fault=tokens n=5",
                          "endpoint=chat/completions/batch every=2 fault=no_usage"};
  auto x = engine(settings);
  std::vector<json> two{ask("one"), ask("two")};
  auto reply = whole(*x, batch(two), batch_kind);
  EXPECT_TRUE(reply.contains("usage"));
  reply = whole(*x, batch(two), batch_kind);
  EXPECT_FALSE(reply.contains("usage"));
  EXPECT_FALSE(reply["data"][1]["body"].contains("usage"));
  reply = whole(*x, batch(two), batch_kind);
  EXPECT_EQ(reply["data"][0]["body"]["usage"]["completion_tokens"], 5);
  EXPECT_EQ(reply["data"][1]["body"]["usage"]["completion_tokens"], 5);
  auto plan = planned(*x, two);
  EXPECT_EQ(plan.status, 429);
  EXPECT_EQ(plan.items, 2);
}

/// A connection that keeps the one reply it is sent.
class keeping_sink final : public reply_sink {
public:
  void send(http_response&& response) override { sent = std::move(response); }
  void begin(http_response&&) override {}
  void write(std::string&&) override {}
  void finish() override {}
  void cut() override {}

  http_response sent;
};

TEST(sim_chat_batch_test, is_served_over_http) {
  boost::asio::io_context context;
  sim_handler handler{context, engine()};
  auto post = [&](const std::string& body) {
    auto request = std::make_unique<http_request>();
    request->head = "POST /v1/chat/completions/batch";
    request->method = std::string_view{request->head}.substr(0, 4);
    request->target = std::string_view{request->head}.substr(5);
    request->body = body;
    auto sink = std::make_shared<keeping_sink>();
    EXPECT_EQ(handler.handle(std::move(request), sink), nullptr);
    return sink->sent;
  };
  auto reply = post(batch({ask("one"), ask("two")}));
  EXPECT_EQ(reply.status, 200);
  EXPECT_THAT(json::parse(reply.body)["data"], SizeIs(2));
  EXPECT_EQ(post("{}").status, 400);
}

TEST(sim_chat_batch_test, takes_one_slot) {
  simulation_settings settings;
  settings.slots = 1;
  settings.queue_max = 0;
  auto x = engine(settings);
  EXPECT_TRUE(planned(*x, {ask("one"), ask("two")}).served);
  EXPECT_EQ(x->enter(x->next_ticket(), start, [] {}), sim_slots::entry::started);
  EXPECT_EQ(x->enter(x->next_ticket(), start, [] {}), sim_slots::entry::refused);
  auto overload = x->plan_overload(planned(*x, {ask("one"), ask("two")}));
  EXPECT_EQ(overload.status, 429);
  EXPECT_EQ(overload.kind, batch_kind);
  EXPECT_EQ(overload.items, 2);
}

} // namespace
} // namespace sluice
