#include "actors/batching/batcher_actor.hpp"
#include "tests/actors/batcher_test_support.hpp"
#include "tests/actors/pack_test_support.hpp"
#include "tests/support/deterministic_system.hpp"
#include "tests/support/random_test.hpp"

#include <algorithm>
#include <map>
#include <set>

namespace sluice {
namespace {

using namespace std::chrono_literals;
using namespace batcher_test_support;
using namespace pack_test;

/// A packer between a client and an upstream that the test plays.
class packer_test : public test::deterministic_system {
protected:
  packer_test() {
    batcher_settings x;
    x.deployment = "p/m";
    x.kind = endpoint::chat_completions;
    x.pack = packing::allowed;
    x.price = price;
    x.bounds.calls_max = x.adjuster.calls_max = 1; // what comes meanwhile waits
    x.adjuster.thrifty = true;
    x.reports = false;
    x.first_call = 1'000'000;
    use(std::move(x));
  }

  void use(batcher_settings x) {
    settings = std::move(x);
    upstream = spawn(played_upstream, &log);
    client = spawn(listener, &heard);
    packer =
        spawn(sluice::batcher, settings, std::vector<upstream_actor>{upstream}, monitor_actor{});
  }

  uint64_t ask_chat(const json& chat, const std::string& tenant = "t") {
    upstream_call x;
    x.call = ++calls;
    x.client = client;
    x.request_id = "r" + std::to_string(x.call);
    x.attempt_id = x.request_id + "-1";
    x.deployment = "p/m";
    x.tenant = tenant;
    x.pack = packing::allowed;
    x.body = chat.dump();
    x.until.at = sched.clock().now() + 60s;
    question_of[x.call] = questions_in(x.body).front();
    tell(packer, x);
    return x.call;
  }
  uint64_t ask(const std::string& question, const std::string& tenant = "t") {
    return ask_chat(chat_of(question), tenant);
  }

  /// Two questions that are under way in one prompt.
  std::pair<uint64_t, uint64_t> pack_two() {
    ask("first");
    auto a = ask("a");
    auto b = ask("b");
    answer();
    return {a, b};
  }

  upstream_call take_oldest() {
    auto x = log.open.begin()->second;
    log.open.erase(log.open.begin());
    return x;
  }

  /// The upstream says `text` to its oldest open call.
  void say(const std::string& text, const upstream_call& to) {
    token_usage usage;
    usage.input = static_cast<int64_t>(to.body.size()) / 5 + 1;
    usage.output = static_cast<int64_t>(text.size()) / 3 + 1;
    upstream_reply reply;
    reply.call = to.call;
    reply.usage = usage;
    reply.usage_known = true;
    reply.body = completion(text, usage).dump();
    billed = billed + usage;
    bill += cost(usage, price).value();
    tell(packer, std::move(reply));
  }

  static bool is_pack(const upstream_call& x) {
    return json::parse(x.body.str()).contains("response_format");
  }

  /// Answers the oldest open call; `list` may change what a pack says.
  template <class F>
  void answer(F change) {
    auto x = take_oldest();
    auto questions = questions_in(x.body);
    if (!is_pack(x))
      return say(answer_to(questions.front()), x);
    auto answers = answers_to(questions);
    change(answers);
    say(json{{"answers", answers}}.dump(), x);
  }
  void answer() {
    answer([](json&) {});
  }

  void fail(ec code, int32_t status) {
    upstream_failure x;
    x.call = take_oldest().call;
    x.why.code = code;
    x.why.upstream_status = status;
    tell(packer, std::move(x));
  }

  void expect_answered(uint64_t call) {
    auto& x = heard[call];
    ASSERT_EQ(x.answers, 1) << call;
    ASSERT_TRUE(x.reply);
    EXPECT_EQ(content_of(x.reply->body), answer_to(question_of[call]));
  }

  nanousd paid(uint64_t call) {
    auto& reply = *heard[call].reply;
    return reply.share.cost_known ? reply.share.cost : cost(reply.usage, price).value();
  }

  batcher_settings settings;
  upstream_log log;
  std::map<uint64_t, outcome> heard;
  std::map<uint64_t, std::string> question_of;
  upstream_actor upstream;
  call_client_actor client;
  batcher_actor packer;
  uint64_t calls = 0;
  token_usage billed;
  nanousd bill;
};

TEST_F(packer_test, sends_a_lone_question_at_once_and_as_it_is) {
  auto one = ask("Why?");
  ASSERT_EQ(log.all.size(), 1U);
  EXPECT_EQ(log.all[0].body.str(), chat_of("Why?").dump());
  EXPECT_EQ(log.all[0].attempt_id, "r1-1");
  answer();
  expect_answered(one);
  EXPECT_EQ(heard[one].reply->share.packed, 0U);
}

TEST_F(packer_test, packs_what_came_while_the_upstream_was_busy) {
  ask("first");
  auto a = ask("a");
  auto b = ask("b");
  auto other = ask("other", "another tenant");
  answer();
  ASSERT_EQ(log.all.size(), 2U);
  EXPECT_EQ(questions_in(log.all[1].body), (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(log.all[1].kind, endpoint::chat_completions);
  EXPECT_TRUE(log.all[1].path.empty());
  answer();
  expect_answered(a);
  expect_answered(b);
  auto& share = heard[a].reply->share;
  EXPECT_EQ(share.packed, 2U);
  EXPECT_EQ(share.packed_valid, 2U);
  EXPECT_GT(share.input_saved, 0);
  EXPECT_TRUE(share.cost_known);
  answer();
  expect_answered(other);
  EXPECT_EQ(heard[other].reply->share.packed, 0U);
}

TEST_F(packer_test, passes_on_what_cannot_be_packed_without_a_wait) {
  ask("first");
  auto chat = chat_of("Why?");
  chat["n"] = 2;
  auto x = ask_chat(chat);
  ASSERT_EQ(log.all.size(), 2U) << "though the only call is taken";
  EXPECT_EQ(log.all[1].call, x);
  EXPECT_EQ(log.all[1].client, client);
  EXPECT_EQ(log.all[1].body.str(), chat.dump());
  tell(packer, cancel_call{x});
  EXPECT_EQ(log.cancelled, std::vector{x});
}

TEST_F(packer_test, asks_again_alone_for_what_has_no_valid_answer) {
  ask("first");
  auto a = ask("a");
  auto b = ask("b");
  auto c = ask("c");
  answer();
  answer([](json& answers) {
    answers.erase(0);
    answers.push_back(json(answers[1]));
  });
  expect_answered(b);
  EXPECT_EQ(heard[b].reply->share.packed_valid, 1U);
  EXPECT_EQ(heard[a].answers + heard[c].answers, 0);
  ASSERT_EQ(log.open.size(), 2U) << "each in a call of its own, at once";
  EXPECT_EQ(log.all[2].body.str(), chat_of("a").dump());
  EXPECT_EQ(log.all[2].attempt_id, "r2-1-a");
  answer();
  answer();
  expect_answered(a);
  expect_answered(c);
  EXPECT_TRUE(heard[a].reply->share.rerun);
  EXPECT_LT(heard[a].reply->share.input_saved, 0);
  nanousd sum;
  token_usage used;
  for (uint64_t x = 1; x <= calls; ++x) {
    sum += paid(x);
    used = used + heard[x].reply->usage;
  }
  EXPECT_EQ(sum, bill) << "the wasted part is paid by who was asked again";
  EXPECT_EQ(used, billed);
}

TEST_F(packer_test, asks_all_again_where_the_json_is_broken) {
  auto [a, b] = pack_two();
  say("I would rather not.", take_oldest());
  answer();
  answer();
  expect_answered(a);
  expect_answered(b);
  EXPECT_EQ(paid(1) + paid(a) + paid(b), bill);
}

TEST_F(packer_test, asks_each_alone_where_the_pack_is_refused) {
  auto [a, b] = pack_two();
  fail(ec::upstream_rejected, 400);
  EXPECT_EQ(log.open.size(), 2U);
  answer();
  fail(ec::upstream_rejected, 400);
  expect_answered(a);
  EXPECT_EQ(heard[b].failure->why.upstream_status, 400) << "it was its fault";
  EXPECT_EQ(heard[b].failure->wasted_cost, nanousd{});
}

TEST_F(packer_test, a_poisonous_question_does_not_fail_its_neighbours) {
  ask("first");
  auto a = ask("a");
  auto poison = ask("poison");
  answer();
  fail(ec::upstream_failed, 500);
  answer();
  fail(ec::upstream_failed, 500);
  expect_answered(a);
  EXPECT_EQ(heard[poison].failure->why.code, ec::upstream_failed);
}

TEST_F(packer_test, says_what_was_lost_where_asking_again_fails) {
  auto [a, b] = pack_two();
  answer([](json& answers) { answers.erase(0); });
  fail(ec::upstream_failed, 503);
  expect_answered(b);
  ASSERT_TRUE(heard[a].failure);
  EXPECT_EQ(paid(1) + paid(b) + heard[a].failure->wasted_cost, bill);
  EXPECT_GT(heard[a].failure->wasted.input, 0);
}

TEST_F(packer_test, tells_all_of_an_upstream_that_has_too_much) {
  auto [a, b] = pack_two();
  fail(ec::upstream_rate_limited, 429);
  EXPECT_EQ(heard[a].failure->why.code, ec::upstream_rate_limited);
  EXPECT_EQ(heard[b].failure->why.code, ec::upstream_rate_limited);
}

TEST_F(packer_test, stops_packing_where_it_is_of_no_use) {
  ask("first");
  for (int round = 0; round < 3; ++round) {
    ask("a");
    ask("b");
    answer(); // what holds the upstream
    while (log.open.size() != 1 || !is_pack(log.open.begin()->second))
      answer();
    auto pack = take_oldest();
    ask("holds the upstream");
    say("No.", pack);
    answer();
    answer();
  }
  auto before = log.all.size();
  ask("c");
  ask("d");
  while (!log.open.empty())
    answer();
  for (auto i = before; i < log.all.size(); ++i)
    EXPECT_FALSE(is_pack(log.all[i]));
  pass(5min);
  ask("first");
  ask("e");
  ask("f");
  answer();
  EXPECT_TRUE(is_pack(log.all.back())) << "it is tried again later";
}

TEST_F(packer_test, does_not_ask_again_for_who_has_left) {
  auto [a, b] = pack_two();
  tell(packer, cancel_call{a});
  answer([](json& answers) { answers.erase(0); });
  expect_answered(b);
  EXPECT_TRUE(log.open.empty());
  EXPECT_EQ(heard[a].answers, 0);
}

TEST_F(packer_test, does_not_ask_again_past_the_deadline) {
  auto [a, b] = pack_two();
  pass(61s);
  answer([](json& answers) { answers.erase(0); });
  expect_answered(b);
  ASSERT_TRUE(heard[a].failure);
  EXPECT_EQ(heard[a].failure->why.code, ec::deadline_exceeded);
  EXPECT_GT(heard[a].failure->wasted_cost, nanousd{}) << "what it had is paid all the same";
}

TEST_F(packer_test, packs_no_more_than_the_model_can_write) {
  settings.output_tokens_max = 300;
  use(settings);
  auto limited = [](const std::string& question) {
    auto chat = chat_of(question);
    chat["max_tokens"] = 100;
    return chat;
  };
  ask_chat(limited("first"));
  for (auto x : {"a", "b", "c"})
    ask_chat(limited(x));
  answer();
  EXPECT_EQ(questions_in(log.all.back().body).size(), 2U);
}

/// Whatever comes, in whatever order.
class packer_property_test : public packer_test {
protected:
  uint64_t below(uint64_t end) { return random() % end; }

  const uint64_t seed = std::getenv("SLUICE_SEED")
                            ? std::strtoull(std::getenv("SLUICE_SEED"), nullptr, 10)
                            : std::random_device{}();
  ::testing::ScopedTrace trace{__FILE__, __LINE__, "SLUICE_SEED=" + std::to_string(seed)};
  std::mt19937_64 random{seed};

  void play_and_check(bool leaves);

  void play_upstream() {
    switch (below(10)) {
    case 0:
      return fail(ec::upstream_rate_limited, 429);
    case 1:
      return fail(ec::upstream_rejected, 400);
    case 2:
      return fail(ec::upstream_failed, 500);
    case 3:
      return say("{\"answers\":[", take_oldest());
    default:
      return answer([&](json& answers) {
        for (auto n = below(3); n > 0 && !answers.empty(); --n) {
          auto i = below(answers.size());
          if (below(2) == 0)
            answers.erase(i);
          else
            answers.push_back(json(answers[i]));
        }
        std::shuffle(answers.begin(), answers.end(), random);
      });
    }
  }
};

void packer_property_test::play_and_check(bool leaves) {
  settings.bounds.calls_max = settings.adjuster.calls_max = 3;
  settings.bounds.size_max = settings.adjuster.size_max = 5;
  use(settings);
  std::map<std::string, std::string> tenant_of;
  auto ask_something = [&](int step) {
    auto question = "question \"" + std::to_string(step) + "\"";
    auto tenant = "t" + std::to_string(below(3));
    tenant_of[question] = tenant;
    ask(question, tenant);
  };
  auto leave = [&](uint64_t who) { tell(packer, cancel_call{who}); };
  auto cancelled = play(random, {ask_something, [&] { play_upstream(); }, leave,
                                 [&](auto d) { pass(d); }, calls, heard, log, leaves});
  nanousd sum;
  token_usage used;
  for (uint64_t x = 1; x <= calls; ++x) {
    auto& got = heard[x];
    EXPECT_EQ(got.answers, cancelled.count(x) ? 0 : 1) << x;
    if (got.reply) {
      // Alone it hears what the upstream says, whatever that is.
      if (got.reply->share.packed > 0) {
        EXPECT_EQ(content_of(got.reply->body), answer_to(question_of[x]));
      }
      sum += paid(x);
      used = used + got.reply->usage;
    } else if (got.failure) {
      sum += got.failure->wasted_cost;
      used = used + got.failure->wasted;
    }
  }
  if (!leaves) {
    EXPECT_EQ(sum, bill);
    EXPECT_EQ(used, billed);
  } else {
    EXPECT_LE(sum, bill);
    EXPECT_LE(used.input, billed.input);
  }
  for (auto& made : log.all) {
    auto questions = questions_in(made.body);
    EXPECT_LE(questions.size(), 5U);
    for (auto& x : questions)
      EXPECT_EQ(tenant_of[x], made.tenant) << "no prompt holds questions of two tenants";
  }
}

TEST_F(packer_property_test, everything_is_answered_once_and_with_its_own) {
  play_and_check(true);
}

TEST_F(packer_property_test, what_callers_pay_is_what_the_upstream_bills) {
  play_and_check(false);
}

} // namespace
} // namespace sluice
