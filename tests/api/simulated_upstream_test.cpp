#include "api/upstream/simulated_upstream.hpp"

#include "tests/api/sim_test_support.hpp"
#include "tests/support/heard_client.hpp"

#include <functional>
#include <map>

namespace sluice {
namespace {

using namespace sim_test;
using nlohmann::json;
using std::chrono::milliseconds;
using std::chrono::seconds;
using test::heard;
using test::heard_client;

struct config : caf::actor_system_config {
  config() {
    add_message_types<caf::id_block::sluice>();
    set("scheduler.max-threads", size_t{1});
  }
};

class simulated_upstream_test : public testing::Test {
protected:
  simulated_upstream_test() {
    loop.attach(system);
    client = caf::actor_cast<call_client_actor>(system.spawn<heard_client>(&loop, &log));
    use({});
  }

  ~simulated_upstream_test() override {
    caf::anon_send_exit(upstream, caf::exit_reason::user_shutdown);
    caf::anon_send_exit(client, caf::exit_reason::user_shutdown);
    upstream = nullptr;
    client = nullptr;
    settle();
  }

  void use(simulation_settings simulation) {
    if (upstream)
      caf::anon_send_exit(upstream, caf::exit_reason::user_shutdown);
    upstream = caf::actor_cast<upstream_actor>(
        system.spawn<simulated_upstream>(&loop, engine(std::move(simulation)), upstream_settings));
  }

  /// Does what can be done without waiting; an actor that talks to itself for ever would not end
  /// it.
  void settle() {
    loop.context().restart();
    for (int i = 0; i < 10'000 && loop.context().poll_one() > 0; ++i) {
    }
  }

  /// Turns the loop until `done`, or for some seconds where that does not come.
  void run_until(const std::function<bool()>& done) {
    auto end = std::chrono::steady_clock::now() + seconds{20};
    while (!done() && std::chrono::steady_clock::now() < end) {
      loop.context().restart();
      loop.context().run_one_for(milliseconds{100});
    }
    EXPECT_TRUE(done());
  }

  upstream_call call_of(const std::string& body, reply_mode mode) {
    upstream_call x;
    x.call = ++calls;
    x.client = client;
    x.attempt_id = "attempt";
    x.mode = mode;
    x.body = body;
    x.until.at = std::chrono::steady_clock::now() + seconds{60};
    return x;
  }

  heard& start_call(upstream_call x) {
    auto id = x.call;
    caf::anon_send(upstream, std::move(x));
    return log[id];
  }

  /// Makes the call and waits for its end, taking the stream as it comes.
  heard& ask(upstream_call x) {
    auto id = x.call;
    auto& result = start_call(std::move(x));
    run_until([&] {
      if (result.unread > 0)
        caf::anon_send(upstream, stream_credit{id, std::exchange(result.unread, 0)});
      return result.over();
    });
    return result;
  }

  heard& ask_whole(const std::string& prompt) {
    return ask(call_of(chat(prompt), reply_mode::whole));
  }
  heard& ask_stream(const std::string& prompt) {
    return ask(call_of(stream(prompt, {{"stream_options", {{"include_usage", true}}}}),
                       reply_mode::stream));
  }

  io_loop loop{0}; // outlives the actors
  config settings;
  caf::actor_system system{settings};
  std::map<uint64_t, heard> log;
  simulated_upstream_settings upstream_settings;
  call_client_actor client;
  upstream_actor upstream;
  uint64_t calls = 0;
};

TEST_F(simulated_upstream_test, answers_a_whole_call_with_usage_and_headers) {
  auto& x = ask_whole("Hello");
  ASSERT_TRUE(x.reply);
  auto body = json::parse(x.reply->body);
  EXPECT_EQ(body["simulated"], true);
  EXPECT_TRUE(x.reply->usage_known);
  EXPECT_EQ(x.reply->usage.input_total(), body["usage"]["prompt_tokens"]);
  EXPECT_EQ(x.reply->usage.output_total(), body["usage"]["completion_tokens"]);
  EXPECT_FALSE(x.reply->headers.empty());
  EXPECT_GE(x.reply->timing.total, x.reply->timing.first_byte);
}

TEST_F(simulated_upstream_test, streams_events_without_usage_and_done) {
  auto& x = ask_stream("[[sim:tokens n=10]] [[sim:cached n=2]]");
  ASSERT_TRUE(x.end);
  EXPECT_EQ(x.end->why.code, ec::none);
  EXPECT_TRUE(x.end->usage_known);
  EXPECT_EQ(x.end->usage.output, 10);
  EXPECT_EQ(x.end->usage.cache_read, 2);
  EXPECT_EQ(x.count, 12U); // the role, ten tokens, the finish
  EXPECT_EQ(x.events.find("[DONE]"), std::string::npos);
  EXPECT_EQ(x.events.find("prompt_tokens"), std::string::npos);
  EXPECT_FALSE(x.headers.empty());
}

TEST_F(simulated_upstream_test, passes_the_usage_event_to_who_wants_it) {
  auto asked =
      call_of(stream("Hi", {{"stream_options", {{"include_usage", true}}}}), reply_mode::stream);
  asked.usage_wanted = true;
  auto& x = ask(std::move(asked));
  EXPECT_NE(x.events.find("prompt_tokens"), std::string::npos);
}

TEST_F(simulated_upstream_test, usage_that_nobody_asked_for_is_not_known) {
  auto& x = ask(call_of(stream("Hi"), reply_mode::stream));
  ASSERT_TRUE(x.end);
  EXPECT_FALSE(x.end->usage_known);
}

struct fault_row {
  const char* prompt;
  ec whole;
  ec in_stream;
  bool after_content;
};

TEST_F(simulated_upstream_test, every_fault_is_told_in_the_terms_of_the_gateway) {
  for (const auto& row : std::initializer_list<fault_row>{
           {"[[sim:429]]", ec::upstream_rate_limited, ec::upstream_rate_limited, false},
           {"[[sim:500]]", ec::upstream_failed, ec::upstream_failed, false},
           {"[[sim:503]]", ec::upstream_failed, ec::upstream_failed, false},
           {"[[sim:400]]", ec::upstream_rejected, ec::upstream_rejected, false},
           {"[[sim:401]]", ec::upstream_rejected, ec::upstream_rejected, false},
           {"[[sim:reset]]", ec::upstream_unreachable, ec::upstream_unreachable, false},
           {"[[sim:cut after=1]]", ec::upstream_stream_cut, ec::upstream_stream_cut, false},
           {"[[sim:cut after=3]]", ec::upstream_stream_cut, ec::upstream_stream_cut, true},
           {"[[sim:error_first]]", ec::upstream_failed, ec::upstream_failed, false},
           {"[[sim:error_event after=3]]", ec::upstream_failed, ec::upstream_failed, true},
           {"[[sim:malformed after=0]]", ec::upstream_bad_response, ec::upstream_bad_response,
            false},
           {"[[sim:malformed after=3]]", ec::upstream_bad_response, ec::upstream_bad_response,
            true}}) {
    auto& whole = ask_whole(row.prompt);
    ASSERT_TRUE(whole.failed) << row.prompt;
    EXPECT_EQ(whole.failed->why.code, row.whole) << row.prompt;
    auto& streamed = ask_stream(row.prompt);
    EXPECT_EQ(streamed.end.has_value(), row.after_content) << row.prompt;
    EXPECT_EQ(streamed.failed.has_value(), !row.after_content) << row.prompt;
    EXPECT_EQ(streamed.end ? streamed.end->why.code : streamed.failed->why.code, row.in_stream)
        << row.prompt;
    EXPECT_EQ(streamed.count > 0, row.after_content) << row.prompt;
  }
}

TEST_F(simulated_upstream_test, error_replies_bring_their_status_body_and_wait) {
  auto& x = ask_whole("[[sim:429 retry_after_ms=50 should_retry=false]]");
  ASSERT_TRUE(x.failed);
  EXPECT_EQ(x.failed->why.upstream_status, 429);
  EXPECT_EQ(x.failed->why.retry_after, milliseconds{50});
  EXPECT_TRUE(x.failed->why.should_retry_said);
  EXPECT_FALSE(x.failed->why.should_retry);
  EXPECT_TRUE(json::parse(x.failed->why.upstream_body).contains("error"));
}

TEST_F(simulated_upstream_test, silence_ends_at_the_deadline_or_the_time_limits) {
  for (const char* prompt : {"[[sim:hang]]", "[[sim:stall after=1]]"}) {
    auto asked = call_of(stream(prompt), reply_mode::stream);
    asked.until.at = std::chrono::steady_clock::now() + milliseconds{20};
    auto& x = ask(std::move(asked));
    ASSERT_TRUE(x.failed) << prompt;
    EXPECT_EQ(x.failed->why.code, ec::upstream_timeout);
  }
  upstream_settings.timeouts.first_byte = milliseconds{10};
  upstream_settings.timeouts.idle = milliseconds{10};
  use({});
  EXPECT_EQ(ask_whole("[[sim:hang]]").failed->why.code, ec::upstream_timeout);
  auto& x = ask_stream("[[sim:stall after=3]]");
  ASSERT_TRUE(x.end);
  EXPECT_EQ(x.end->why.code, ec::upstream_timeout);
}

TEST_F(simulated_upstream_test, a_call_whose_time_is_over_is_not_made) {
  auto asked = call_of(chat("Hi"), reply_mode::whole);
  asked.until.at = std::chrono::steady_clock::now();
  auto& x = ask(std::move(asked));
  ASSERT_TRUE(x.failed);
  EXPECT_EQ(x.failed->why.code, ec::upstream_timeout);
  EXPECT_FALSE(x.failed->why.sent);
}

TEST_F(simulated_upstream_test, a_whole_reply_without_end_meets_its_limit) {
  upstream_settings.reply_bytes_max = 100'000;
  use({});
  auto& x = ask_whole("[[sim:endless]]");
  ASSERT_TRUE(x.failed);
  EXPECT_EQ(x.failed->why.code, ec::upstream_bad_response);
}

TEST_F(simulated_upstream_test, without_credit_a_stream_stops_at_its_window) {
  auto asked = call_of(stream("[[sim:endless]]"), reply_mode::stream);
  auto id = asked.call;
  auto& x = start_call(std::move(asked));
  run_until([&] { return x.unread >= upstream_settings.stream_window; });
  settle();
  auto held = x.unread;
  EXPECT_LT(held, 2 * upstream_settings.stream_window);
  caf::anon_send(upstream, stream_credit{id, std::exchange(x.unread, 0)});
  run_until([&] { return x.unread > 0; });
  caf::anon_send(upstream, cancel_call{id});
  settle();
  auto size = x.events.size();
  caf::anon_send(upstream, stream_credit{id, std::exchange(x.unread, 0)});
  settle();
  EXPECT_EQ(x.events.size(), size);
  EXPECT_FALSE(x.over()) << "nobody waits for the answer any more";
}

TEST_F(simulated_upstream_test, calls_wait_for_a_slot_in_turn) {
  simulation_settings one;
  one.slots = 1;
  one.queue_max = 1;
  use(one);
  auto asked = call_of(chat("[[sim:hang]]"), reply_mode::whole);
  auto id = asked.call;
  start_call(std::move(asked));
  auto& second = start_call(call_of(chat("Hi"), reply_mode::whole));
  auto& third = ask(call_of(chat("Hi"), reply_mode::whole));
  ASSERT_TRUE(third.failed);
  EXPECT_EQ(third.failed->why.code, ec::upstream_rate_limited);
  EXPECT_FALSE(second.over());
  caf::anon_send(upstream, cancel_call{id});
  run_until([&] { return second.over(); });
  EXPECT_TRUE(second.reply);
}

TEST_F(simulated_upstream_test, drain_lets_calls_finish_and_then_stops) {
  simulation_settings slow;
  slow.call_base = milliseconds{5};
  use(slow);
  auto& x = start_call(call_of(chat("Hi"), reply_mode::whole));
  auto weak = caf::actor_cast<caf::actor_addr>(upstream);
  caf::anon_send(upstream, drain{{std::chrono::steady_clock::now() + seconds{60}}});
  auto& late = start_call(call_of(chat("Hi"), reply_mode::whole));
  run_until([&] { return x.over() && late.over(); });
  EXPECT_TRUE(x.reply);
  ASSERT_TRUE(late.failed);
  EXPECT_EQ(late.failed->why.code, ec::shutting_down);
  run_until([&] {
    auto* self = caf::actor_cast<caf::abstract_actor*>(upstream);
    return static_cast<caf::monitorable_actor*>(self)->getf(
        caf::abstract_actor::is_terminated_flag);
  });
}

TEST_F(simulated_upstream_test, drain_ends_calls_at_its_deadline) {
  auto& x = start_call(call_of(chat("[[sim:hang]]"), reply_mode::whole));
  caf::anon_send(upstream, drain{{std::chrono::steady_clock::now() + milliseconds{10}}});
  run_until([&] { return x.over(); });
  ASSERT_TRUE(x.failed);
  EXPECT_EQ(x.failed->why.code, ec::shutting_down);
}

} // namespace
} // namespace sluice
