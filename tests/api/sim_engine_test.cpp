#include "tests/api/sim_test_support.hpp"

#include <gmock/gmock.h>

#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <sstream>

namespace sluice {
namespace {

using namespace sim_test;
using nlohmann::json;
using testing::HasSubstr;

/// A file of its own that goes away with the test.
class file {
public:
  file() {
    auto descriptor = ::mkstemp(path_.data());
    EXPECT_GE(descriptor, 0);
    ::close(descriptor);
  }
  ~file() { ::unlink(path_.c_str()); }
  const std::string& path() const { return path_; }
  std::vector<json> lines() const {
    std::ifstream in{path_};
    std::vector<json> result;
    for (std::string line; std::getline(in, line);)
      result.push_back(json::parse(line));
    return result;
  }

private:
  std::string path_ = testing::TempDir() + "sluice_usage_XXXXXX";
};

TEST(sim_engine_test, times_lets_a_retry_of_the_same_prompt_succeed) {
  auto x = engine();
  auto body = chat("a [[sim:500 times=2]]"), other = chat("b [[sim:500 times=2]]");
  EXPECT_EQ(plan_of(*x, body).status, 500);
  EXPECT_EQ(plan_of(*x, other).status, 500) << "each prompt counts for itself";
  EXPECT_EQ(plan_of(*x, body).status, 500);
  EXPECT_EQ(plan_of(*x, body).status, 200);
  EXPECT_EQ(plan_of(*x, other).status, 500);
}

TEST(sim_engine_test, remembers_only_so_many_prompts) {
  auto x = engine();
  EXPECT_EQ(plan_of(*x, chat("first [[sim:500 times=1]]")).status, 500);
  for (int i = 0; i < 4'096; ++i)
    plan_of(*x, chat(std::to_string(i) + " [[sim:500 times=1]]"));
  EXPECT_EQ(plan_of(*x, chat("first [[sim:500 times=1]]")).status, 500) << "forgotten";
}

TEST(sim_engine_test, magic_in_one_prompt_of_a_batch_strikes_the_batch) {
  auto x = engine();
  json body{{"model", "m"}, {"prompt", {"fine", "[[sim:500]]", "[[sim:503]]"}}};
  EXPECT_EQ(plan_of(*x, body.dump(), endpoint::completions).status, 500);
}

TEST(sim_engine_test, only_the_last_words_of_the_user_are_magic) {
  auto x = engine();
  json body{{"model", "m"},
            {"messages",
             {{{"role", "user"}, {"content", "[[sim:500]]"}},
              {{"role", "assistant"}, {"content", "[[sim:500]]"}},
              {{"role", "user"}, {"content", "Again"}}}}};
  EXPECT_EQ(plan_of(*x, body.dump()).status, 200);
}

TEST(sim_engine_test, magic_comes_before_rules) {
  simulation_settings settings;
  settings.fault_rules = {"fault=503"};
  auto x = engine(settings);
  EXPECT_EQ(plan_of(*x, chat("Hi")).status, 503);
  EXPECT_EQ(plan_of(*x, chat("[[sim:429]]")).status, 429);
}

TEST(sim_engine_test, does_not_start_with_a_bad_rule_or_log) {
  simulation_settings settings;
  settings.fault_rules = {"fault=boom"};
  auto x = sim_engine::make(settings);
  ASSERT_FALSE(x);
  EXPECT_EQ(code_of(x.error()), ec::bad_configuration);
  settings.fault_rules.clear();
  settings.usage_log = "/nowhere/at/all/usage.jsonl";
  x = sim_engine::make(settings);
  ASSERT_FALSE(x);
  EXPECT_EQ(code_of(x.error()), ec::io_failed);
  EXPECT_THAT(message_of(x.error()), HasSubstr("/nowhere/at/all/usage.jsonl"));
}

TEST(sim_engine_test, writes_a_line_a_call_that_the_costing_function_agrees_with) {
  file log;
  simulation_settings settings;
  settings.usage_log = log.path();
  {
    auto x = engine(settings);
    auto plan = plan_of(*x, chat("[[sim:tokens n=10]] [[sim:cached n=4]] [[sim:reasoning n=3]]",
                                 {{"model", "sim-very-complex"}}));
    EXPECT_TRUE(x->log(plan, plan.usage, sim_outcome::finished)) << "somebody has to flush";
    EXPECT_FALSE(x->log(plan, {}, sim_outcome::cancelled));
    EXPECT_TRUE(log.lines().empty());
    x->flush_log();
    EXPECT_EQ(log.lines().size(), 2U);
    json batch{{"model", "sim-embedding"}, {"input", {"a", "b"}}, {"dimensions", 2}};
    auto embeddings = plan_of(*x, batch.dump(), endpoint::embeddings);
    EXPECT_TRUE(x->log(embeddings, embeddings.usage, sim_outcome::cut));
  }
  auto lines = log.lines();
  ASSERT_EQ(lines.size(), 3U) << "the rest is written at the end";
  auto& line = lines[0];
  EXPECT_EQ(line["attempt_id"], "attempt-1");
  EXPECT_EQ(line["model"], "sim-very-complex");
  EXPECT_EQ(line["cached_tokens"], 4);
  EXPECT_EQ(line["output_tokens"], 10);
  EXPECT_EQ(line["reasoning_tokens"], 3);
  EXPECT_EQ(line["items"], 1);
  EXPECT_EQ(line["outcome"], "finished");
  token_usage usage;
  usage.input = line["input_tokens"];
  usage.cache_read = 4;
  usage.output = 10;
  usage.reasoning = 3;
  auto bill = cost(usage, find_sim_model("sim-very-complex")->price);
  ASSERT_TRUE(bill);
  EXPECT_EQ(line["bill_nanousd"], bill->value);
  EXPECT_EQ(lines[1]["outcome"], "cancelled");
  EXPECT_EQ(lines[1]["bill_nanousd"], 0);
  EXPECT_EQ(lines[2]["outcome"], "cut");
  EXPECT_EQ(lines[2]["items"], 2);
  EXPECT_EQ(lines[2]["input_tokens"], 2);
}

TEST(sim_engine_test, refusals_are_logged_as_failed_and_free) {
  file log;
  simulation_settings settings;
  settings.usage_log = log.path();
  auto x = engine(settings);
  auto plan = plan_of(*x, chat("[[sim:500]]"));
  x->log(plan, {}, sim_outcome::failed);
  x->flush_log();
  auto lines = log.lines();
  ASSERT_EQ(lines.size(), 1U);
  EXPECT_EQ(lines[0]["outcome"], "failed");
  EXPECT_EQ(lines[0]["status"], 500);
  EXPECT_EQ(lines[0]["bill_nanousd"], 0);
}

TEST(sim_engine_test, bills_other_models_at_the_prices_it_was_given) {
  sim_options options;
  options.prices["gpt-test"] = {1'000'000, 0, 0, 2'000'000, 0};
  auto x = engine({}, options);
  EXPECT_EQ(plan_of(*x, chat("Hi", {{"model", "gpt-test"}})).price.output, 2'000'000);
  EXPECT_EQ(plan_of(*x, chat("Hi", {{"model", "gpt-other"}})).price,
            find_sim_model("sim-medium")->price);
}

TEST(sim_usage_log_test, reports_the_first_failed_write_only) {
  std::vector<std::string> reports;
  auto log =
      sim_usage_log::open("/dev/full", [&](const std::string& text) { reports.push_back(text); });
  ASSERT_TRUE(log);
  (*log)->add("{}\n");
  (*log)->flush();
  (*log)->add("{}\n");
  (*log)->flush();
  ASSERT_EQ(reports.size(), 1U);
  EXPECT_THAT(reports[0], HasSubstr("/dev/full"));
}

TEST(sim_engine_test, hands_a_slot_to_the_next_in_the_queue) {
  simulation_settings settings;
  settings.slots = 1;
  settings.queue_max = 1;
  auto x = engine(settings);
  std::string started;
  auto enter = [&](uint64_t ticket) {
    return x->enter(ticket, start, [&started, ticket] { started += std::to_string(ticket); });
  };
  EXPECT_EQ(enter(1), sim_slots::entry::started);
  EXPECT_EQ(enter(2), sim_slots::entry::queued);
  EXPECT_EQ(enter(3), sim_slots::entry::refused);
  EXPECT_EQ(started, "");
  x->leave(1, start);
  EXPECT_EQ(started, "2");
  x->leave(2, start);
  EXPECT_EQ(enter(4), sim_slots::entry::started);
}

} // namespace
} // namespace sluice
