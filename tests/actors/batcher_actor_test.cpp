#include "actors/batching/batcher_actor.hpp"

#include "tests/actors/batcher_test_support.hpp"
#include "tests/support/deterministic_system.hpp"
#include "tests/support/random_test.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <map>
#include <numeric>

namespace sluice {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;
using namespace batcher_test_support;

/// The number that stands for a text, so that a test sees whose vector it got.
double vector_of(const std::string& text) {
  return static_cast<double>(std::hash<std::string>{}(text) % 1'000'000);
}

std::vector<std::string> inputs_of(const upstream_call& x) {
  auto input = json::parse(x.body.str())["input"];
  if (input.is_string())
    return {input};
  return input;
}

class batcher_fixture : public test::deterministic_system {
protected:
  void use(batcher_settings x) {
    settings = std::move(x);
    settings.reports = false;
    settings.first_call = 1'000'000;
    upstream = spawn(played_upstream, &log);
    client = spawn(listener, &heard);
    batcher =
        spawn(sluice::batcher, settings, std::vector<upstream_actor>{upstream}, monitor_actor{});
  }

  static batcher_settings defaults() {
    batcher_settings x;
    x.deployment = "p/m";
    x.price = token_price{20'000'001, 0, 0, 0, 0}; // odd: parts do not divide evenly
    return x;
  }

  upstream_call call_of(const std::string& text, const std::string& tenant = "t",
                        const std::string& more = {}) {
    upstream_call x;
    x.call = ++calls;
    x.client = client;
    x.request_id = "r" + std::to_string(x.call);
    x.attempt_id = x.request_id + "-1";
    x.deployment = "p/m";
    x.kind = endpoint::embeddings;
    x.tenant = tenant;
    x.body = R"({"model":"m","input":)" + json(text).dump() + more + "}";
    x.until.at = sched.clock().now() + 60s;
    return x;
  }

  uint64_t ask(const std::string& text, const std::string& tenant = "t",
               const std::string& more = {}) {
    auto x = call_of(text, tenant, more);
    texts[x.call] = text;
    tell(batcher, x);
    return x.call;
  }

  /// The upstream's answer to its oldest open call.
  void answer() {
    auto x = log.open.begin()->second;
    log.open.erase(log.open.begin());
    json data = json::array();
    int64_t tokens = 0;
    for (auto& text : inputs_of(x)) {
      data.push_back(
          {{"object", "embedding"}, {"index", data.size()}, {"embedding", {vector_of(text)}}});
      tokens += static_cast<int64_t>(text.size()) % 7 + 1;
    }
    upstream_reply reply;
    reply.call = x.call;
    reply.body = json{{"object", "list"},
                      {"model", "m"},
                      {"data", data},
                      {"usage", {{"prompt_tokens", tokens}, {"total_tokens", tokens}}}}
                     .dump();
    reply.usage.input = tokens;
    reply.usage_known = true;
    billed += tokens;
    bill += cost(reply.usage, *settings.price).value();
    tell(batcher, std::move(reply));
  }

  void fail(ec code, int32_t status) {
    auto number = log.open.begin()->first;
    log.open.erase(log.open.begin());
    upstream_failure x;
    x.call = number;
    x.why.code = code;
    x.why.upstream_status = status;
    tell(batcher, std::move(x));
  }

  /// The vectors that a call was answered with.
  std::vector<double> vectors(uint64_t call) {
    std::vector<double> result;
    auto& x = heard[call];
    auto body = x.reply ? json::parse(x.reply->body) : json{};
    for (auto& each : body["data"])
      result.push_back(each["embedding"][0]);
    return result;
  }

  batcher_settings settings;
  upstream_log log;
  std::map<uint64_t, outcome> heard;
  std::map<uint64_t, std::string> texts;
  upstream_actor upstream;
  call_client_actor client;
  batcher_actor batcher;
  uint64_t calls = 0;
  int64_t billed = 0;
  nanousd bill;
};

/// With one call at a time what comes meanwhile waits.
class batcher_test : public batcher_fixture {
protected:
  batcher_test() {
    auto x = defaults();
    x.bounds.calls_max = x.adjuster.calls_max = 1;
    use(std::move(x));
  }
};

TEST_F(batcher_test, sends_a_lone_request_at_once_and_as_it_is) {
  auto one = ask("hello");
  ASSERT_EQ(log.all.size(), 1U);
  EXPECT_EQ(log.all[0].body.str(), R"({"model":"m","input":"hello"})");
  EXPECT_EQ(log.all[0].attempt_id, "r1-1");
  answer();
  EXPECT_EQ(vectors(one), std::vector{vector_of("hello")});
  EXPECT_EQ(heard[one].reply->share.batch_size, 1U);
}

TEST_F(batcher_test, joins_what_came_while_the_upstream_was_busy) {
  ask("first");
  auto a = ask("a");
  auto b = ask("b");
  EXPECT_EQ(log.all.size(), 1U);
  answer();
  ASSERT_EQ(log.all.size(), 2U);
  EXPECT_EQ(inputs_of(log.all[1]), (std::vector<std::string>{"a", "b"}));
  EXPECT_TRUE(log.all[1].attempt_id.starts_with("r2-1-b"));
  answer();
  EXPECT_EQ(vectors(a), std::vector{vector_of("a")});
  EXPECT_EQ(vectors(b), std::vector{vector_of("b")});
  EXPECT_EQ(heard[a].reply->share.batch_size, 2U);
  EXPECT_TRUE(heard[a].reply->share.cost_known);
}

TEST_F(batcher_test, never_joins_requests_whose_parameters_differ) {
  ask("first");
  ask("a", "t", R"(,"dimensions":8)");
  ask("b");
  answer();
  answer();
  ASSERT_EQ(log.all.size(), 3U);
  EXPECT_EQ(inputs_of(log.all[1]).size(), 1U);
  EXPECT_EQ(inputs_of(log.all[2]).size(), 1U);
}

TEST_F(batcher_test, isolates_a_bad_request_by_halving) {
  ask("first");
  std::vector<uint64_t> good;
  for (int i = 0; i < 3; ++i)
    good.push_back(ask("good" + std::to_string(i)));
  auto bad = ask("bad");
  answer();
  for (int i = 0; i < 20 && !log.open.empty(); ++i) {
    auto texts_in = inputs_of(log.open.begin()->second);
    if (std::find(texts_in.begin(), texts_in.end(), "bad") != texts_in.end())
      fail(ec::upstream_rejected, 400);
    else
      answer();
  }
  for (auto x : good)
    EXPECT_EQ(vectors(x), std::vector{vector_of(texts[x])});
  ASSERT_TRUE(heard[bad].failure);
  EXPECT_EQ(heard[bad].failure->why.upstream_status, 400);
}

TEST_F(batcher_test, sends_each_alone_where_the_reply_does_not_fit) {
  ask("first");
  auto a = ask("a");
  auto b = ask("b");
  answer();
  upstream_reply broken;
  broken.call = log.open.begin()->first;
  log.open.clear();
  broken.body = R"({"object":"list","data":[]})";
  tell(batcher, broken);
  answer();
  answer();
  EXPECT_EQ(vectors(a), std::vector{vector_of("a")});
  EXPECT_EQ(vectors(b), std::vector{vector_of("b")});
}

TEST_F(batcher_test, tells_all_members_of_a_failure_that_is_nobodys_fault) {
  ask("first");
  auto a = ask("a");
  auto b = ask("b");
  answer();
  fail(ec::upstream_failed, 500);
  EXPECT_EQ(heard[a].failure->why.code, ec::upstream_failed);
  EXPECT_EQ(heard[b].failure->why.code, ec::upstream_failed);
}

TEST_F(batcher_test, a_member_that_leaves_disturbs_nobody) {
  ask("first");
  auto a = ask("a");
  auto b = ask("b");
  auto waiting = ask("c");
  tell(batcher, cancel_call{waiting});
  answer();
  tell(batcher, cancel_call{a});
  EXPECT_TRUE(log.cancelled.empty()) << "the other one still waits";
  answer();
  EXPECT_EQ(heard[a].answers, 0);
  EXPECT_EQ(heard[waiting].answers, 0);
  EXPECT_EQ(vectors(b), std::vector{vector_of("b")});
}

TEST_F(batcher_test, cancels_a_call_when_its_last_member_has_left) {
  auto a = ask("a");
  auto next = ask("next");
  tell(batcher, cancel_call{a});
  EXPECT_EQ(log.cancelled.size(), 1U);
  answer();
  EXPECT_EQ(vectors(next), std::vector{vector_of("next")}) << "its place is free";
}

TEST_F(batcher_test, answers_what_waits_past_its_deadline) {
  ask("first");
  auto x = call_of("late");
  x.until.at = sched.clock().now() + 1s;
  tell(batcher, x);
  pass(1'200ms);
  ASSERT_TRUE(heard[x.call].failure);
  EXPECT_EQ(heard[x.call].failure->why.code, ec::deadline_exceeded);
}

TEST_F(batcher_test, refuses_what_does_not_fit_its_queue) {
  auto x = defaults();
  x.bounds.queue_max = 2;
  x.adjuster.calls_max = 1;
  use(std::move(x));
  ask("under way");
  ask("one");
  ask("two");
  auto third = ask("three");
  ASSERT_TRUE(heard[third].failure);
  EXPECT_EQ(heard[third].failure->why.code, ec::overloaded);
}

TEST_F(batcher_test, one_tenants_flood_does_not_starve_anothers_request) {
  for (int i = 0; i < 500; ++i)
    ask("flood" + std::to_string(i), "flood");
  auto single = ask("single", "single");
  answer();
  answer();
  EXPECT_EQ(heard[single].answers, 1) << "it was in the next call";
}

TEST_F(batcher_test, passes_streams_on) {
  auto x = call_of("whatever");
  x.mode = reply_mode::stream;
  tell(batcher, x);
  ASSERT_EQ(log.all.size(), 1U);
  EXPECT_EQ(log.all[0].call, x.call);
  EXPECT_EQ(log.all[0].client, client);
  tell(batcher, cancel_call{x.call});
  EXPECT_EQ(log.cancelled, std::vector{x.call});
}

TEST_F(batcher_test, stops_when_the_last_call_has_ended) {
  auto a = ask("a");
  auto b = ask("b");
  tell(batcher, drain{{sched.clock().now() + 10s}});
  auto late = ask("late");
  EXPECT_EQ(heard[late].failure->why.code, ec::shutting_down);
  answer();
  answer();
  EXPECT_EQ(heard[a].answers + heard[b].answers, 2);
  auto after = ask("after");
  EXPECT_EQ(heard[after].answers, 0) << "nobody is there any more";
}

TEST_F(batcher_test, gives_up_at_the_end_of_the_grace) {
  auto a = ask("a");
  auto b = ask("b");
  tell(batcher, drain{{sched.clock().now() + 10s}});
  pass(10s);
  EXPECT_EQ(heard[a].failure->why.code, ec::shutting_down);
  EXPECT_EQ(heard[b].failure->why.code, ec::shutting_down);
}

/// Whatever comes, in whatever order.
class batcher_property_test : public batcher_fixture {};

TEST_F(batcher_property_test, every_request_is_answered_once_and_with_its_own) {
  auto* told = std::getenv("SLUICE_SEED");
  auto seed = told ? std::strtoull(told, nullptr, 10) : std::random_device{}();
  SCOPED_TRACE("SLUICE_SEED=" + std::to_string(seed));
  std::mt19937_64 random{seed};
  auto below = [&](uint64_t end) { return random() % end; };
  auto x = defaults();
  x.bounds.size_max = x.adjuster.size_max = 5;
  x.bounds.tokens_max = 40;
  use(std::move(x));
  std::map<std::string, std::string> queue_of; // of each text: whose it is and what it goes with
  auto play_upstream = [&] {
    auto texts_in = inputs_of(log.open.begin()->second);
    auto has_bad =
        std::any_of(texts_in.begin(), texts_in.end(), [](auto& t) { return t.starts_with("bad"); });
    if (has_bad)
      return fail(ec::upstream_rejected, 400);
    switch (below(8)) {
    case 0:
      return fail(ec::upstream_rate_limited, 429);
    case 1:
      return fail(ec::upstream_failed, 500);
    default:
      return answer();
    }
  };
  auto play_client = [&](int step) {
    auto text = (below(10) == 0 ? "bad" : "text") + std::to_string(step);
    auto tenant = "t" + std::to_string(below(4));
    auto more = below(5) == 0 ? R"(,"user":"u")" : "";
    queue_of[text] = tenant + more;
    ask(text, tenant, more);
  };
  auto leave = [&](uint64_t who) { tell(batcher, cancel_call{who}); };
  auto cancelled = play(
      random, {play_client, play_upstream, leave, [&](auto d) { pass(d); }, calls, heard, log});
  nanousd parts;
  int64_t tokens = 0;
  for (uint64_t call = 1; call <= calls; ++call) {
    auto& got = heard[call];
    EXPECT_EQ(got.answers, cancelled.count(call) ? 0 : 1) << call << " " << texts[call];
    if (got.reply) {
      EXPECT_EQ(vectors(call), std::vector{vector_of(texts[call])}) << "nobody gets another's";
      tokens += got.reply->usage.input;
      parts += got.reply->share.cost_known ? got.reply->share.cost
                                           : cost(got.reply->usage, *settings.price).value();
    }
  }
  // Members that had left take their part with them.
  if (cancelled.empty()) {
    EXPECT_EQ(tokens, billed);
    EXPECT_EQ(parts, bill);
  } else {
    EXPECT_LE(tokens, billed);
    EXPECT_LE(parts, bill);
  }
  std::map<std::string, int> last_step;
  std::set<std::string> sent;
  for (auto& made : log.all) {
    EXPECT_LE(inputs_of(made).size(), 5U);
    for (auto& text : inputs_of(made)) {
      if (!sent.insert(text).second)
        continue; // again, after its batch was refused
      auto step = std::stoi(text.substr(text.find_first_of("0123456789")));
      auto& last = last_step[queue_of[text]];
      EXPECT_GE(step, last) << "the order of a tenant's queue is kept";
      last = step;
    }
  }
}

} // namespace
} // namespace sluice
