#include "api/http/connection.hpp"

#include "api/http/listener.hpp"
#include "tests/api/http_server_fixture.hpp"

namespace sluice {
namespace {

using namespace test;
using namespace std::chrono_literals;

const std::string get = "GET /a HTTP/1.1\r\nHost: x\r\n\r\n";

std::string post(const std::string& body, const std::string& more = {}) {
  return "POST /p HTTP/1.1\r\nHost: x\r\n" + more +
         "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

std::string chunked(const std::vector<std::string>& chunks) {
  std::string result = "POST /p HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n";
  for (auto& x : chunks) {
    std::ostringstream size;
    size << std::hex << x.size();
    result += size.str() + "\r\n" + x + "\r\n";
  }
  return result + "0\r\n\r\n";
}

class http_connection_test : public http_server_fixture {};

TEST_F(http_connection_test, answers_request_after_request_on_one_connection) {
  listen();
  answer_at_once = true;
  loop_client client{port};
  for (int i = 0; i < 3; ++i) {
    client.send(post("body " + std::to_string(i)));
    auto reply = receive(client);
    EXPECT_EQ(reply.status, 200);
    EXPECT_EQ(reply.body, "/p body " + std::to_string(i));
    EXPECT_TRUE(reply.has("Date: "));
    EXPECT_FALSE(reply.has("Connection:"));
  }
  EXPECT_EQ(listener->size(), 1U);
  EXPECT_EQ(requests.front().peer, "127.0.0.1");
}

TEST_F(http_connection_test, answers_what_was_pipelined_in_order) {
  listen();
  loop_client client{port};
  client.send(post("1") + get + post("2"));
  for (size_t i = 1; i <= 5; ++i) {
    wait([&] { return requests.size() == i; });
    turn(loop);
    ASSERT_EQ(requests.size(), i) << "one at a time";
    // More comes while one is in work.
    if (i == 2)
      client.send(chunked({"3", "33"}));
    if (i == 3)
      client.send(post("4"));
    answer(requests[i - 1]);
  }
  for (auto* body : {"/p 1", "/a ", "/p 2", "/p 333", "/p 4"})
    EXPECT_EQ(receive(client).body, body);
}

TEST_F(http_connection_test, tells_pipelined_requests_apart_however_they_come) {
  listen();
  auto seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random{seed};
  auto below = [&](size_t end) { return random() % end; };
  for (int round = 0; round < 30; ++round) {
    requests.clear();
    loop_client client{port};
    std::string out;
    std::vector<std::string> expected;
    for (int i = 0; i < 20; ++i) {
      auto body = std::string(below(4) == 0 ? below(9'000) : below(50), 'x') + std::to_string(i);
      out += below(2) == 0 ? post(body) : chunked({body.substr(0, 1), body.substr(0, 1)});
      expected.push_back(out.ends_with("0\r\n\r\n") ? std::string(2, body[0]) : body);
    }
    size_t sent = 0;
    size_t answered = 0;
    wait([&] {
      if (sent < out.size() && below(2) == 0)
        sent += client.send(std::string_view{out}.substr(sent, 1 + below(below(2) ? 40 : 8'000)));
      if (answered < requests.size() && below(3) == 0)
        answer(requests[answered++]);
      return answered == expected.size();
    });
    ASSERT_EQ(requests.size(), expected.size());
    for (auto& body : expected)
      ASSERT_EQ(receive(client).body, "/p " + body);
  }
}

TEST_F(http_connection_test, stops_reading_ahead_at_the_bound) {
  limits.read_ahead_bytes_max = 16 * 1024;
  listen();
  loop_client client{port};
  const std::string more(32 * 1024 * 1024, 'x'); // more than the kernel's buffers hold
  client.send(get);
  wait([&] { return requests.size() == 1; });
  size_t sent = 0;
  for (int i = 0; i < 2'000; ++i) {
    sent += client.send(std::string_view{more}.substr(sent));
    turn(loop);
  }
  EXPECT_LT(sent, more.size());
}

TEST_F(http_connection_test, asks_for_the_body_where_the_client_waits_for_that) {
  listen();
  answer_at_once = true;
  loop_client client{port};
  auto request = post("body", "Expect: 100-continue\r\n");
  client.send(request.substr(0, request.size() - 4));
  wait([&] { return client.receive(), client.in.ends_with("\r\n\r\n"); });
  EXPECT_EQ(client.in, "HTTP/1.1 100 Continue\r\n\r\n");
  client.in.clear();
  client.send("body");
  EXPECT_EQ(receive(client).body, "/p body");
  client.send(request);
  EXPECT_EQ(receive(client).status, 200) << "the body was there already: nothing to ask for";
}

TEST_F(http_connection_test, refuses_instead_of_asking_for_a_body_that_it_would_not_take) {
  limits.body_bytes_max = 3;
  listen();
  loop_client client{port};
  client.send("POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n");
  EXPECT_EQ(receive(client).status, 413);
  wait_closed(client);
}

TEST_F(http_connection_test, takes_a_request_that_comes_byte_by_byte) {
  listen();
  answer_at_once = true;
  loop_client client{port};
  for (auto& request : {get, post("abc"), chunked({"ab", "c"})}) {
    for (char c : request) {
      client.send({&c, 1});
      turn(loop);
    }
    EXPECT_EQ(receive(client).status, 200);
  }
  ASSERT_EQ(requests.size(), 3U);
  EXPECT_EQ(requests[1].body, "abc");
  EXPECT_EQ(requests[2].body, "abc");
}

TEST_F(http_connection_test, reads_over_empty_lines_between_requests) {
  limits.header_timeout = 1ms;
  listen();
  answer_at_once = true;
  loop_client client{port};
  client.send(post("a") + "\r\n\r\n");
  EXPECT_EQ(receive(client).status, 200);
  auto ticks = std::chrono::steady_clock::now() + 3 * io_loop::tick_interval;
  wait([&] { return std::chrono::steady_clock::now() > ticks; });
  client.send("\r\n" + get);
  EXPECT_EQ(receive(client).status, 200) << "an empty line is no request that is late";
}

TEST_F(http_connection_test, takes_a_head_up_to_the_limit) {
  limits.header_bytes_max = 100;
  listen();
  answer_at_once = true;
  auto of_size = [](size_t size) {
    auto head = std::string{"GET / HTTP/1.1\r\nHost: x\r\nA: "};
    return head + std::string(size - head.size() - 4, 'a') + "\r\n\r\n";
  };
  loop_client client{port};
  client.send(of_size(100));
  EXPECT_EQ(receive(client).status, 200);
  client.send(of_size(101));
  EXPECT_EQ(receive(client).status, 431);
  wait_closed(client);
  loop_client endless{port};
  endless.send(of_size(10'000).substr(0, 9'000));
  EXPECT_EQ(receive(endless).status, 431);
}

TEST_F(http_connection_test, counts_fields) {
  limits.header_count_max = 2;
  listen();
  loop_client client{port};
  client.send("GET / HTTP/1.1\r\nHost: x\r\nA: 1\r\nB: 2\r\n\r\n");
  EXPECT_EQ(receive(client).status, 431);
}

TEST_F(http_connection_test, takes_a_body_up_to_the_limit) {
  limits.body_bytes_max = 1'000;
  listen();
  answer_at_once = true;
  for (auto& [request, status] : std::vector<std::pair<std::string, int>>{
           {post(std::string(1'000, 'x')), 200},
           {post(std::string(1'001, 'x')), 413},
           {chunked({std::string(999, 'x'), "y"}), 200},
           {chunked({std::string(999, 'x'), "y", "z"}), 413}}) {
    loop_client client{port};
    client.send(request);
    EXPECT_EQ(receive(client).status, status);
  }
}

TEST_F(http_connection_test, lets_the_client_read_a_refusal_while_it_still_sends) {
  limits.body_bytes_max = 1'000;
  listen();
  loop_client client{port};
  auto request = post(std::string(4 * 1024 * 1024, 'x'));
  send(client, request);
  EXPECT_EQ(receive(client).status, 413);
  client.close();
  wait([&] { return listener->empty(); });
}

TEST_F(http_connection_test, holds_only_so_many_bytes_of_bodies) {
  limits.bodies_bytes_max = 300 * 1024;
  listen();
  loop_client first{port};
  send(first, post(std::string(200 * 1024, 'x')));
  loop_client second{port};
  std::string request = post(std::string(200 * 1024, 'x'));
  size_t sent = 0;
  wait([&] {
    sent += second.send(std::string_view{request}.substr(sent));
    return second.receive(), !second.in.empty();
  });
  EXPECT_EQ(receive(second).status, 429);
  wait([&] { return requests.size() == 1; });
  answer(requests[0]);
  EXPECT_EQ(receive(first).status, 200);
  loop_client third{port};
  answer_at_once = true;
  send(third, request);
  EXPECT_EQ(receive(third).status, 200) << "what was held has been given back";
}

TEST_F(http_connection_test, refuses_a_request_that_is_late) {
  limits.header_timeout = 1ms;
  limits.body_timeout = 1ms;
  listen();
  for (auto* begun : {"G", "GET / HTTP/1.1\r\nHost: x\r\n",
                      "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nbody",
                      "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nbo"}) {
    loop_client client{port};
    client.send(begun);
    EXPECT_EQ(receive(client).status, 408) << begun;
    wait_closed(client);
  }
  EXPECT_TRUE(requests.empty());
}

TEST_F(http_connection_test, ends_an_idle_connection_without_a_word) {
  limits.idle_timeout = 1ms;
  listen();
  answer_at_once = true;
  loop_client client{port};
  wait_closed(client);
  EXPECT_EQ(client.in, "");
  loop_client other{port};
  other.send(get);
  EXPECT_EQ(receive(other).status, 200);
  wait_closed(other);
}

TEST_F(http_connection_test, waits_as_long_as_the_answer_takes) {
  limits.header_timeout = limits.body_timeout = limits.idle_timeout = limits.write_timeout = 1ms;
  listen();
  loop_client client{port};
  client.send(post("x"));
  wait([&] { return requests.size() == 1; });
  auto ticks = std::chrono::steady_clock::now() + 3 * io_loop::tick_interval;
  wait([&] { return std::chrono::steady_clock::now() > ticks; });
  answer(requests[0]);
  EXPECT_EQ(receive(client).status, 200);
}

TEST_F(http_connection_test, refuses_and_closes_after_what_is_malformed) {
  listen();
  loop_client client{port};
  client.send(get + "GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n" +
              get);
  wait([&] { return requests.size() == 1; });
  answer(requests[0]);
  EXPECT_EQ(receive(client).status, 200) << "what came before is answered first";
  auto refusal = receive(client);
  EXPECT_EQ(refusal.status, 400);
  EXPECT_TRUE(refusal.has("Connection: close"));
  wait_closed(client);
  EXPECT_EQ(client.in, "");
  EXPECT_EQ(requests.size(), 1U) << "what follows it is not trusted";
}

TEST_F(http_connection_test, closes_where_the_client_asks_for_that) {
  listen();
  answer_at_once = true;
  loop_client client{port};
  client.send("GET /a HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n" + get);
  EXPECT_TRUE(receive(client).has("Connection: close"));
  wait_closed(client);
  EXPECT_EQ(requests.size(), 1U);
}

TEST_F(http_connection_test, speaks_http_1_0) {
  listen();
  answer_at_once = true;
  loop_client client{port};
  client.send("GET /a HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  auto reply = receive(client);
  EXPECT_TRUE(reply.head.starts_with("HTTP/1.0 200"));
  EXPECT_TRUE(reply.has("Connection: keep-alive"));
  answer_at_once = false;
  client.send("GET /a HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  wait([&] { return requests.size() == 2; });
  requests[1].sink->begin({});
  requests[1].sink->write("one ");
  requests[1].sink->write("two");
  requests[1].sink->finish();
  wait_closed(client);
  EXPECT_TRUE(client.in.ends_with("\r\n\r\none two")) << "unframed: its end is the connection's";
  EXPECT_EQ(client.in.find("Transfer-Encoding"), std::string::npos);
}

TEST_F(http_connection_test, answers_head_without_a_body) {
  listen();
  answer_at_once = true;
  loop_client client{port};
  client.send("HEAD /a HTTP/1.1\r\nHost: x\r\n\r\n" + get);
  wait([&] { return client.receive(), client.in.find("\r\n\r\n") != std::string::npos; });
  auto reply = take_reply(client.in, false);
  ASSERT_TRUE(reply);
  EXPECT_TRUE(reply->has("Content-Length: 3"));
  EXPECT_EQ(receive(client).body, "/a ");
}

TEST_F(http_connection_test, a_handler_may_end_the_connection_with_its_reply) {
  listen();
  loop_client client{port};
  client.send(get);
  wait([&] { return requests.size() == 1; });
  http_response response;
  response.close = true;
  response.status = 503;
  requests[0].sink->send(std::move(response));
  auto reply = receive(client);
  EXPECT_EQ(reply.status, 503);
  EXPECT_TRUE(reply.has("Content-Length: 0"));
  wait_closed(client);
}

} // namespace
} // namespace sluice
