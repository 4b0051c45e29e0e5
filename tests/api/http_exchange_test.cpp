#include "tests/api/http_server_fixture.hpp"

namespace sluice {
namespace {

using namespace test;
using namespace std::chrono_literals;

const std::string get = "GET /a HTTP/1.1\r\nHost: x\r\n\r\n";

/// The life of one request between its handler and its client: streams, clients that go away,
/// limits on connections, and the end of the listener.
class http_exchange_test : public http_server_fixture {
protected:
  /// Sends a request and waits until the handler has it.
  arrived& ask(loop_client& client) {
    client.send(get);
    auto expected = requests.size() + 1;
    wait([&] { return requests.size() == expected; });
    return requests.back();
  }
};

TEST_F(http_exchange_test, streams_block_by_block) {
  listen();
  loop_client client{port};
  auto request = ask(client);
  http_response head;
  head.content_type = "text/event-stream";
  head.lines = "\r\nx-line: 1";
  head.headers = {{"x-header", "2"}};
  request.sink->begin(std::move(head));
  request.sink->write("");
  request.sink->write("first ");
  wait([&] { return client.receive(), client.in.find("first") != std::string::npos; });
  wait([&] { return request.exchange->written == 6; });
  request.sink->write(std::string(1'000, 'x'));
  request.sink->finish();
  request.sink->write("too late");
  request.sink->finish();
  auto reply = receive(client);
  EXPECT_EQ(reply.body, "first " + std::string(1'000, 'x'));
  EXPECT_TRUE(reply.has("Content-Type: text/event-stream\r\n"));
  EXPECT_TRUE(reply.has("x-line: 1\r\n") && reply.has("x-header: 2\r\n"));
  answer(ask(client));
  EXPECT_EQ(receive(client).body, "/a ") << "the connection goes on";
  EXPECT_EQ(request.exchange->gone, 0);
}

TEST_F(http_exchange_test, tells_what_the_client_took) {
  listen();
  loop_client client{port, {"127.0.0.1", 4'096}};
  auto request = ask(client);
  // As an exchange does: a window, refilled by what was written.
  constexpr size_t window = 256 * 1024;
  constexpr size_t total = 16 * 1024 * 1024;
  size_t given = 0;
  auto give = [&] {
    while (given < total && given - request.exchange->written < window) {
      request.sink->write(std::string(1'000, static_cast<char>('a' + given / 1'000 % 26)));
      given += 1'000;
    }
    if (given >= total)
      request.sink->finish();
  };
  request.exchange->hear_written = [&](size_t) { give(); };
  request.sink->begin({});
  give();
  for (int i = 0; i < 100; ++i)
    turn(loop);
  EXPECT_LT(given, total) << "a client that takes nothing holds the stream back";
  std::string body;
  wait([&] {
    client.receive(64 * 1024);
    return client.in.ends_with("0\r\n\r\n");
  });
  auto reply = receive(client);
  ASSERT_EQ(reply.body.size(), given);
  for (size_t i = 0; i < given; i += 1'000)
    ASSERT_EQ(reply.body[i], 'a' + static_cast<char>(i / 1'000 % 26));
  request.exchange->hear_written = nullptr;
}

TEST_F(http_exchange_test, gives_up_a_client_that_takes_nothing) {
  limits.write_timeout = 1ms;
  listen();
  loop_client client{port, {"127.0.0.1", 4'096}};
  auto request = ask(client);
  request.sink->begin({});
  for (int i = 0; i < 16; ++i)
    request.sink->write(std::string(1024 * 1024, 'x'));
  wait([&] { return listener->empty(); });
  EXPECT_EQ(request.exchange->gone, 1);
  request.sink->write("more");
  request.sink->finish();
  EXPECT_EQ(request.exchange->gone, 1);
}

TEST_F(http_exchange_test, cuts_a_reply_short) {
  listen();
  loop_client client{port};
  auto request = ask(client);
  request.sink->begin({});
  request.sink->write("half");
  wait([&] { return client.receive(), client.in.find("half") != std::string::npos; });
  request.sink->cut();
  wait_closed(client);
  EXPECT_FALSE(client.in.ends_with("0\r\n\r\n"));
  EXPECT_EQ(request.exchange->gone, 0) << "it was the exchange's own decision";
  EXPECT_TRUE(listener->empty());
}

TEST_F(http_exchange_test, tells_once_that_the_client_has_gone) {
  using stage = std::function<void(arrived&)>;
  const std::vector<std::pair<const char*, stage>> stages{
      {"in work", [](arrived&) {}},
      {"head given", [](arrived& x) { x.sink->begin({}); }},
      {"stream begun",
       [](arrived& x) {
         x.sink->begin({});
         x.sink->write("block");
       }},
      {"much under way",
       [](arrived& x) {
         x.sink->begin({});
         x.sink->write(std::string(32 * 1024 * 1024, 'x'));
       }},
  };
  const std::vector<std::pair<const char*, std::function<void(loop_client&)>>> ways{
      {"farewell", [](auto& x) { x.close(); }},
      {"reset", [](auto& x) { x.reset(); }},
      {"half", [](auto& x) { x.finish_sending(); }},
  };
  listen();
  for (auto& [what, reach] : stages)
    for (auto& [how, leave] : ways) {
      SCOPED_TRACE(std::string{what} + ", " + how);
      loop_client client{port};
      auto request = ask(client);
      reach(request);
      turn(loop);
      leave(client);
      wait([&] { return listener->empty(); });
      EXPECT_EQ(request.exchange->gone, 1);
      EXPECT_EQ(request.exchange.use_count(), 2) << "requests and request: the connection let go";
      // Nothing of it does harm.
      request.sink->begin({});
      request.sink->write("x");
      request.sink->finish();
      answer(request);
      request.sink->cut();
      turn(loop);
      EXPECT_EQ(request.exchange->gone, 1);
    }
  EXPECT_EQ(admission->connections(), 0U);
}

TEST_F(http_exchange_test, says_nothing_of_clients_that_leave_before_or_after) {
  listen();
  for (auto* begun :
       {"", "GET / HT", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nbo"}) {
    loop_client client{port};
    client.send(begun);
    wait([&] { return listener->size() == 1; });
    turn(loop);
    client.close();
    wait([&] { return listener->empty(); });
  }
  EXPECT_TRUE(requests.empty());
  loop_client client{port};
  auto request = ask(client);
  answer(request);
  client.reset();
  wait([&] { return listener->empty(); });
  EXPECT_EQ(request.exchange->gone, 0);
}

TEST_F(http_exchange_test, finishes_a_whole_reply_for_a_client_that_said_all) {
  listen();
  loop_client client{port};
  auto request = ask(client);
  http_response response;
  response.body = std::string(8 * 1024 * 1024, 'x');
  request.sink->send(std::move(response));
  client.finish_sending();
  EXPECT_EQ(receive(client).body.size(), 8U * 1024 * 1024);
  wait_closed(client);
}

TEST_F(http_exchange_test, draining_ends_idle_connections_and_finishes_the_others) {
  listen();
  loop_client idle{port};
  loop_client begun{port};
  loop_client whole{port};
  loop_client streaming{port};
  begun.send("GET /b HTTP/1.1\r\n");
  auto first = ask(whole);
  auto second = ask(streaming);
  second.sink->begin({});
  second.sink->write("one");
  wait([&] { return listener->size() == 4; });
  turn(loop);
  listener->drain();
  wait_closed(idle);
  EXPECT_EQ(listener->size(), 3U);
  answer(first);
  auto reply = receive(whole);
  EXPECT_EQ(reply.status, 200);
  EXPECT_TRUE(reply.has("Connection: close"));
  wait_closed(whole);
  second.sink->write("two");
  second.sink->finish();
  EXPECT_EQ(receive(streaming).body, "onetwo");
  wait_closed(streaming);
  begun.send("Host: x\r\n\r\n");
  wait([&] { return requests.size() == 3; });
  answer(requests.back());
  EXPECT_TRUE(receive(begun).has("Connection: close"));
  for (auto* client : {&whole, &streaming, &begun})
    client->close();
  wait([&] { return listener->empty(); });
  EXPECT_EQ(first.exchange->gone + second.exchange->gone, 0);
}

TEST_F(http_exchange_test, accepts_nothing_while_draining) {
  listen();
  listener->drain();
  auto other = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in where{};
  where.sin_family = AF_INET;
  where.sin_port = htons(port);
  where.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  EXPECT_NE(::connect(other, reinterpret_cast<sockaddr*>(&where), sizeof where), 0);
  ::close(other);
}

TEST_F(http_exchange_test, closing_ends_everything) {
  listen();
  loop_client client{port};
  auto request = ask(client);
  listener->close();
  EXPECT_TRUE(listener->empty());
  EXPECT_EQ(request.exchange->gone, 1);
  wait_closed(client);
}

TEST_F(http_exchange_test, limits_connections) {
  limits.connections_max = 2;
  listen();
  answer_at_once = true;
  loop_client first{port};
  loop_client second{port};
  wait([&] { return listener->size() == 2; });
  loop_client third{port};
  auto reply = receive(third);
  EXPECT_EQ(reply.status, 429);
  EXPECT_TRUE(reply.has("Retry-After: 1"));
  wait_closed(third);
  EXPECT_EQ(listener->take_accepted(), 2U);
  EXPECT_EQ(listener->take_refused(), 1U);
  first.close();
  wait([&] { return listener->size() == 1; });
  loop_client fourth{port};
  fourth.send(get);
  EXPECT_EQ(receive(fourth).status, 200);
}

TEST_F(http_exchange_test, limits_connections_of_an_address) {
  limits.connections_per_address_max = 1;
  listen();
  answer_at_once = true;
  loop_client first{port};
  wait([&] { return listener->size() == 1; });
  loop_client second{port};
  EXPECT_EQ(receive(second).status, 429);
  loop_client elsewhere{port, {"127.0.0.2", 0}};
  elsewhere.send(get);
  EXPECT_EQ(receive(elsewhere).status, 200);
  EXPECT_EQ(requests.back().peer, "127.0.0.2");
  first.close();
  wait([&] { return listener->size() == 1; });
  loop_client third{port};
  third.send(get);
  EXPECT_EQ(receive(third).status, 200);
}

TEST(http_admission_test, counts_requests_up_to_the_limit) {
  limit_settings limits;
  limits.in_flight_max = 2;
  http_admission x{limits};
  EXPECT_TRUE(x.begin_request());
  EXPECT_TRUE(x.begin_request());
  EXPECT_FALSE(x.begin_request());
  EXPECT_EQ(x.in_flight(), 2U);
  x.end_request();
  EXPECT_TRUE(x.begin_request());
}

TEST(http_admission_test, counts_bytes_of_bodies_up_to_the_limit) {
  limit_settings limits;
  limits.bodies_bytes_max = 10;
  http_admission x{limits};
  EXPECT_TRUE(x.hold_body(6));
  EXPECT_FALSE(x.hold_body(5));
  EXPECT_TRUE(x.hold_body(4)) << "what was refused was not counted";
  x.release_body(10);
  EXPECT_TRUE(x.hold_body(10));
}

TEST(open_port_test, says_what_is_wrong_with_the_address) {
  io_loop loop{0};
  auto first = open_port(loop, {"127.0.0.1", 0});
  ASSERT_TRUE(first);
  auto port = first->local_endpoint().port();
  auto again = open_port(loop, {"127.0.0.1", port});
  ASSERT_FALSE(again);
  EXPECT_EQ(code_of(again.error()), ec::address_in_use);
  EXPECT_NE(message_of(again.error()).find("127.0.0.1:" + std::to_string(port)), std::string::npos);
  auto nonsense = open_port(loop, {"nonsense", 0});
  ASSERT_FALSE(nonsense);
  EXPECT_EQ(code_of(nonsense.error()), ec::io_failed);
}

} // namespace
} // namespace sluice
