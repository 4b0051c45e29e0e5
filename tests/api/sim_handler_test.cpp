#include "api/sim/sim_handler.hpp"
#include "tests/api/sim_test_support.hpp"

#include <boost/asio/io_context.hpp>

namespace sluice {
namespace {

using namespace sim_test;
using nlohmann::json;

/// A connection without a socket. Tells the exchange about its bytes when the test says so.
class fake_sink final : public reply_sink {
public:
  void send(http_response&& response) override {
    head = std::move(response);
    ended = "sent";
  }
  void begin(http_response&& response) override {
    head = std::move(response);
    begun = true;
  }
  void write(std::string&& block) override {
    ++writes;
    pending += block.size();
    largest_pending = std::max(largest_pending, pending);
    body += block;
  }
  void finish() override { ended = "finished"; }
  void cut() override { ended = "cut"; }

  http_response head;
  std::string body;
  std::string ended;
  bool begun = false;
  size_t writes = 0;
  size_t pending = 0;
  size_t largest_pending = 0;
};

class sim_handler_test : public testing::Test {
protected:
  std::shared_ptr<fake_sink> ask(const std::string& body, const std::string& method = "POST",
                                 const std::string& target = "/v1/chat/completions") {
    auto request = std::make_unique<http_request>();
    request->head = method + " " + target;
    request->method = std::string_view{request->head}.substr(0, method.size());
    request->target = std::string_view{request->head}.substr(method.size() + 1);
    request->body = body;
    auto sink = std::make_shared<fake_sink>();
    exchange = handler->handle(std::move(request), sink);
    return sink;
  }

  /// The client takes what is written until the reply ends, at most `rounds` times.
  void drive(fake_sink& sink, int rounds = 10'000) {
    for (int i = 0; i < rounds && sink.ended.empty(); ++i) {
      context.restart();
      context.run_one_for(std::chrono::milliseconds{100});
      if (exchange && sink.pending > 0)
        exchange->on_written(std::exchange(sink.pending, 0));
    }
  }

  void use(simulation_settings settings) {
    handler = std::make_unique<sim_handler>(context, engine(std::move(settings)));
  }

  boost::asio::io_context context;
  std::unique_ptr<sim_handler> handler = std::make_unique<sim_handler>(context, sim_test::engine());
  std::shared_ptr<http_exchange> exchange;
};

TEST_F(sim_handler_test, instant_replies_are_sent_at_once) {
  auto sink = ask(chat("Hi"));
  EXPECT_EQ(sink->ended, "sent");
  EXPECT_EQ(exchange, nullptr);
  EXPECT_EQ(sink->head.status, 200);
  EXPECT_EQ(sink->head.headers[0].first, "x-sluice-simulated");
  EXPECT_EQ(json::parse(sink->head.body)["simulated"], true);
}

TEST_F(sim_handler_test, an_instant_stream_is_few_writes) {
  auto sink = ask(stream("[[sim:tokens n=1000]]"));
  drive(*sink);
  EXPECT_EQ(sink->ended, "finished");
  EXPECT_EQ(sink->head.content_type, "text/event-stream");
  EXPECT_TRUE(sink->body.ends_with("data: [DONE]\n\n"));
  EXPECT_LT(sink->writes, 30U);
}

TEST_F(sim_handler_test, a_slow_reader_bounds_what_waits_for_it) {
  auto sink = ask(stream("[[sim:endless]]"));
  for (int i = 0; i < 100; ++i) {
    context.restart();
    context.poll();
  }
  auto held = sink->pending;
  EXPECT_GT(held, 0U);
  EXPECT_LT(held, 100'000U) << "nobody reads, nothing more is made";
  exchange->on_written(std::exchange(sink->pending, 0));
  context.restart();
  context.poll();
  EXPECT_GT(sink->body.size(), held);
  EXPECT_LT(sink->largest_pending, 100'000U);
  exchange->on_client_gone();
  auto size = sink->body.size();
  context.restart();
  context.poll();
  EXPECT_EQ(sink->body.size(), size);
}

TEST_F(sim_handler_test, timed_streams_come_to_their_end) {
  simulation_settings settings;
  settings.call_base = std::chrono::milliseconds{1};
  settings.per_output_token = std::chrono::microseconds{100};
  use(settings);
  auto sink = ask(stream("[[sim:tokens n=20]]"));
  EXPECT_TRUE(sink->body.empty());
  ASSERT_NE(exchange, nullptr);
  drive(*sink);
  EXPECT_EQ(sink->ended, "finished");
}

TEST_F(sim_handler_test, what_came_before_a_cut_is_written_first) {
  auto sink = ask(stream("[[sim:cut after=3]]"));
  EXPECT_EQ(sink->ended, "");
  EXPECT_GT(sink->pending, 0U);
  drive(*sink);
  EXPECT_EQ(sink->ended, "cut");
  EXPECT_EQ(std::count(sink->body.begin(), sink->body.end(), '\n'), 6);
}

TEST_F(sim_handler_test, reset_and_hang_send_nothing) {
  auto sink = ask(chat("[[sim:reset]]"));
  EXPECT_EQ(sink->ended, "cut");
  EXPECT_FALSE(sink->begun);
  sink = ask(chat("[[sim:hang]]"));
  context.poll();
  EXPECT_EQ(sink->ended, "");
  EXPECT_FALSE(sink->begun);
  exchange->on_client_gone();
}

TEST_F(sim_handler_test, a_stall_from_the_start_has_sent_its_head) {
  auto sink = ask(stream("[[sim:stall after=0]]"));
  EXPECT_TRUE(sink->begun);
  EXPECT_EQ(sink->body, "");
  exchange->on_client_gone();
}

TEST_F(sim_handler_test, calls_wait_for_a_slot_and_are_refused_beyond_the_queue) {
  simulation_settings settings;
  settings.slots = 1;
  settings.queue_max = 1;
  use(settings);
  auto first = ask(chat("[[sim:hang]]"));
  auto holder = exchange;
  auto second = ask(chat("Hi"));
  auto waiting = exchange;
  EXPECT_EQ(second->ended, "");
  auto third = ask(chat("Hi"));
  EXPECT_EQ(third->head.status, 429);
  holder->on_client_gone();
  context.poll();
  EXPECT_EQ(second->ended, "sent");
  EXPECT_EQ(second->head.status, 200);
}

TEST_F(sim_handler_test, who_leaves_while_it_waits_is_not_served) {
  simulation_settings settings;
  settings.slots = 1;
  use(settings);
  auto first = ask(chat("[[sim:hang]]"));
  auto holder = exchange;
  auto second = ask(chat("Hi"));
  exchange.reset();
  holder->on_client_gone();
  context.poll();
  EXPECT_EQ(second->ended, "");
  auto third = ask(chat("Hi"));
  EXPECT_EQ(third->ended, "sent") << "its slot is free";
}

TEST_F(sim_handler_test, knows_its_routes) {
  EXPECT_EQ(ask("", "GET", "/v1/models")->head.status, 200);
  EXPECT_EQ(json::parse(ask("", "GET", "/v1/models/sim-simple?x=1")->head.body)["id"],
            "sim-simple");
  EXPECT_EQ(ask("", "GET", "/v1/models/")->head.status, 404);
  EXPECT_EQ(ask("", "GET", "/v1/nothing")->head.status, 404);
  EXPECT_EQ(ask("", "GET", "/v1/chat/completions")->head.status, 405);
  EXPECT_EQ(ask("", "POST", "/v1/models")->head.status, 405);
  EXPECT_EQ(ask(R"({"model":"m","prompt":"Hi"})", "POST", "/v1/completions")->head.status, 200);
  EXPECT_EQ(ask(R"({"model":"m","input":"Hi"})", "POST", "/v1/embeddings")->head.status, 200);
  auto refused = handler->refuse(ec::header_too_large, "too long");
  EXPECT_EQ(refused.status, 431);
  EXPECT_TRUE(refused.close);
}

} // namespace
} // namespace sluice
