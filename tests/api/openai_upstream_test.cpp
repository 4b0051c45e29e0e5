#include "tests/api/upstream_fixture.hpp"

namespace sluice {
namespace {

using namespace test;
using namespace std::chrono_literals;

/// What a call becomes: its request, its answer, and every way to fail.
class openai_upstream_test : public upstream_fixture {};

TEST_F(openai_upstream_test, sends_the_request_and_hands_the_answer_out) {
  settings.api_key = secret{"sk-test"};
  settings.headers = {{"x-extra", "yes"}};
  use();
  auto& x = start();
  auto& peer = request();
  auto host = "127.0.0.1:" + std::to_string(provider_port());
  EXPECT_TRUE(peer.in.starts_with("POST /v1/chat/completions HTTP/1.1\r\nHost: " + host + "\r\n"));
  for (auto* line : {"\r\nAuthorization: Bearer sk-test\r\n", "\r\nx-extra: yes\r\n",
                     "\r\nContent-Type: application/json\r\n", "\r\nx-sluice-attempt: req-1\r\n",
                     "\r\nAccept: application/json\r\n", "\r\nContent-Length: 13\r\n"})
    EXPECT_NE(peer.in.find(line), std::string::npos) << line;
  EXPECT_TRUE(peer.in.ends_with("\r\n\r\n{\"model\":\"m\"}"));
  auto body = R"({"id":"a","usage":{"prompt_tokens":3,"completion_tokens":2}})";
  peer.write(whole(body, "200 OK", "x-request-id: up\r\n"));
  wait_over(x);
  ASSERT_TRUE(x.reply);
  EXPECT_EQ(x.reply->body, body);
  EXPECT_EQ(x.reply->headers, (header_list{{"x-upstream-request-id", "up"}}));
  EXPECT_TRUE(x.reply->usage_known);
  EXPECT_EQ(x.reply->usage, (token_usage{3, 0, 0, 2, 0}));
  EXPECT_GT(x.reply->timing.first_byte, 0ns);
  EXPECT_GE(x.reply->timing.total, x.reply->timing.first_byte);
}

TEST_F(openai_upstream_test, reads_over_interim_replies) {
  use();
  auto& x = start();
  request().write("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" +
                  whole("{}"));
  wait_over(x);
  ASSERT_TRUE(x.reply);
  EXPECT_FALSE(x.reply->usage_known);
}

TEST_F(openai_upstream_test, uploads_a_form) {
  use();
  auto call = call_of();
  call.method = call_method::upload;
  call.path = "files";
  call.body = "--the form";
  auto& x = start(std::move(call));
  auto& peer = request();
  EXPECT_TRUE(peer.in.starts_with("POST /v1/files HTTP/1.1\r\n"));
  auto type =
      "\r\nContent-Type: multipart/form-data; boundary=" + std::string{form_boundary} + "\r\n";
  EXPECT_NE(peer.in.find(type), std::string::npos);
  EXPECT_EQ(peer.in.find("application/json\r\nUser"), std::string::npos);
  EXPECT_TRUE(peer.in.ends_with("\r\nContent-Length: 10\r\n\r\n--the form"));
  peer.write(whole(R"({"id":"file-1"})"));
  wait_over(x);
  ASSERT_TRUE(x.reply);
}

TEST_F(openai_upstream_test, asks_without_a_body) {
  use();
  for (auto [method, verb] :
       {std::pair{call_method::get, "GET"}, {call_method::remove, "DELETE"}}) {
    auto call = call_of();
    call.method = method;
    call.path = "files/file-1";
    call.body = shared_body{};
    auto& x = start(std::move(call));
    wait([&] { return !peers.empty() && peers[0]->in.ends_with("\r\n\r\n"); });
    auto& peer = *peers[0];
    EXPECT_TRUE(peer.in.starts_with(std::string{verb} + " /v1/files/file-1 HTTP/1.1\r\n"));
    EXPECT_EQ(peer.in.find("Content-Length"), std::string::npos);
    peer.in.clear();
    peer.write(whole("{}"));
    wait_over(x);
    ASSERT_TRUE(x.reply);
  }
}

TEST_F(openai_upstream_test, hands_a_file_out_in_pieces_and_waits_for_credit) {
  limits.stream_buffer_bytes_max = 100'000;
  use();
  auto call = call_of(reply_mode::stream);
  call.method = call_method::get;
  call.path = "files/file-1/content";
  call.body = shared_body{};
  auto& x = start(std::move(call));
  wait([&] { return !peers.empty() && peers[0]->in.ends_with("\r\n\r\n"); });
  auto& peer = *peers[0];
  EXPECT_NE(peer.in.find("\r\nAccept: */*\r\n"), std::string::npos);
  std::string file(5'000'000, 'x');
  file += "end";
  peer.write("HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\n"
             "Transfer-Encoding: chunked\r\n\r\n" +
             chunk(file) + last_chunk);
  wait([&] { return x.unread >= 100'000; });
  EXPECT_LT(x.unread, 200'000u) << "no more than the window and a reading";
  wait([&] {
    caf::anon_send(upstream, stream_credit{calls, std::exchange(x.unread, 0)});
    return x.over();
  });
  ASSERT_TRUE(x.end);
  EXPECT_EQ(x.end->why.code, ec::none);
  EXPECT_EQ(x.events, file);
}

TEST_F(openai_upstream_test, a_file_that_is_cut_or_not_there_has_failed) {
  use();
  auto ask = [&]() -> heard& {
    auto call = call_of(reply_mode::stream);
    call.method = call_method::get;
    call.path = "files/file-1/content";
    call.body = shared_body{};
    return start(std::move(call));
  };
  auto& first = ask();
  wait([&] { return !peers.empty() && peers[0]->in.ends_with("\r\n\r\n"); });
  peers[0]->in.clear();
  peers[0]->write(whole("{}", "404 Not Found"));
  wait_over(first);
  ASSERT_TRUE(first.failed);
  EXPECT_EQ(first.failed->why.upstream_status, 404);
  auto& second = ask();
  wait([&] { return peers[0]->in.ends_with("\r\n\r\n"); });
  peers[0]->write("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf");
  wait([&] { return second.events == "half"; });
  peers[0]->close();
  wait_over(second);
  ASSERT_TRUE(second.end);
  EXPECT_EQ(second.end->why.code, ec::upstream_stream_cut);
}

TEST_F(openai_upstream_test, hands_a_stream_out_as_it_comes) {
  use();
  auto& x = start(reply_mode::stream);
  auto& peer = request();
  EXPECT_NE(peer.in.find("\r\nAccept: text/event-stream\r\n"), std::string::npos);
  peer.write(stream_head("x-ratelimit-limit-requests: 9\r\n") + chunk(content("a").substr(0, 9)));
  turn(loop);
  EXPECT_EQ(x.count, 0U) << "half an event is nothing";
  peer.write(chunk(content("a").substr(9)));
  wait([&] { return x.count == 1; });
  EXPECT_EQ(x.events, content("a"));
  EXPECT_EQ(x.headers, (header_list{{"x-ratelimit-limit-requests", "9"}}));
  auto usage = event(R"({"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":2}})");
  peer.write(chunk(content("b") + usage + done) + last_chunk);
  wait_over(x);
  ASSERT_TRUE(x.end);
  EXPECT_EQ(x.end->why.code, ec::none);
  EXPECT_EQ(x.events, content("a") + content("b"));
  EXPECT_TRUE(x.end->usage_known);
  EXPECT_EQ(x.end->usage, (token_usage{3, 0, 0, 2, 0}));
}

TEST_F(openai_upstream_test, a_stream_without_content_ends_well) {
  use();
  auto& x = start(reply_mode::stream);
  request().write(stream_head() + chunk(done) + last_chunk);
  wait_over(x);
  ASSERT_TRUE(x.end);
  EXPECT_EQ(x.end->why.code, ec::none);
  EXPECT_EQ(x.count, 0U);
}

TEST_F(openai_upstream_test, a_stream_may_end_with_its_connection) {
  use();
  auto& x = start(reply_mode::stream);
  auto& peer = request();
  peer.write("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n" + content("a") + done);
  wait([&] { return x.count == 1 && peer.written == peer.to_write; });
  peer.close();
  wait_over(x);
  ASSERT_TRUE(x.end);
  EXPECT_EQ(x.end->why.code, ec::none);
}

TEST_F(openai_upstream_test, the_end_of_a_stream_waits_for_nobody) {
  use();
  auto& x = start(reply_mode::stream);
  request().write(stream_head() + chunk(content("a") + done)); // the body goes on, without a word
  wait_over(x);
  ASSERT_TRUE(x.end);
  EXPECT_EQ(x.end->why.code, ec::none);
  wait([&] { return peers[0]->gone; });
}

TEST_F(openai_upstream_test, fails_where_the_answer_is_broken) {
  struct row {
    const char* what;
    reply_mode mode;
    std::string answer;
    ec code;
  };
  const auto whole_reply = reply_mode::whole;
  const auto stream = reply_mode::stream;
  use();
  size_t i = 0;
  for (auto& row : std::vector<row>{
           {"no byte", whole_reply, "", ec::upstream_unreachable},
           {"half a head", whole_reply, "HTTP/1.1 200 OK\r\nCont", ec::upstream_stream_cut},
           {"half a body", whole_reply, whole("{\"a\":1}").substr(0, whole("{\"a\":1}").size() - 3),
            ec::upstream_stream_cut},
           {"half a chunk", stream, stream_head() + "5\r\nab", ec::upstream_stream_cut},
           {"stream cut before its content", stream, stream_head() + chunk(": ping\n\n"),
            ec::upstream_stream_cut},
           {"stream without its end", stream, stream_head() + last_chunk, ec::upstream_stream_cut},
           {"no HTTP", whole_reply, "SSH-2.0-x\r\n\r\n", ec::upstream_bad_response},
           {"no JSON", whole_reply, whole("{\"a\":"), ec::upstream_bad_response},
           {"no object", whole_reply, whole("[]"), ec::upstream_bad_response},
           {"empty", whole_reply, whole(""), ec::upstream_bad_response},
           {"redirect", whole_reply, whole("", "302 Found", "Location: /\r\n"),
            ec::upstream_bad_response},
           {"no stream", stream, whole("{}"), ec::upstream_bad_response},
           {"broken event", stream, stream_head() + chunk(event("{")) + last_chunk,
            ec::upstream_bad_response},
           {"error event", stream, stream_head() + chunk(event(R"({"error":{}})")),
            ec::upstream_failed},
           {"broken chunk", stream, stream_head() + "xyz\r\n", ec::upstream_bad_response}}) {
    SCOPED_TRACE(row.what);
    auto& x = start(row.mode);
    // Each connection is closed after its answer: the pool is empty again.
    auto& peer = request(i++);
    peer.write(row.answer);
    wait([&] { return peer.written == peer.to_write; });
    peer.close();
    EXPECT_EQ(failure_code(x), row.code);
    ASSERT_TRUE(x.failed);
    EXPECT_TRUE(x.failed->why.sent);
    EXPECT_EQ(x.count, 0U);
    turn(loop);
    caf::anon_send_exit(upstream, caf::exit_reason::user_shutdown); // its breaker would open
    use();
  }
}

TEST_F(openai_upstream_test, tells_in_the_stream_what_goes_wrong_after_its_content) {
  use();
  size_t i = 0;
  for (auto& [rest, code] : std::vector<std::pair<std::string, ec>>{
           {"", ec::upstream_stream_cut},
           {last_chunk, ec::upstream_stream_cut},
           {chunk(event("{")), ec::upstream_bad_response},
           {chunk(event(R"({"error":{"message":"broke"}})")), ec::upstream_failed},
           {"xyz\r\n", ec::upstream_bad_response}}) {
    SCOPED_TRACE(rest);
    auto& x = start(reply_mode::stream);
    auto& peer = request(i++);
    peer.write(stream_head() + chunk(content("a")));
    wait([&] { return x.count == 1; });
    peer.write(rest);
    wait([&] { return peer.written == peer.to_write; });
    peer.close();
    wait_over(x);
    ASSERT_TRUE(x.end);
    EXPECT_EQ(x.end->why.code, code);
    EXPECT_EQ(x.events, content("a"));
    turn(loop);
    caf::anon_send_exit(upstream, caf::exit_reason::user_shutdown);
    use();
  }
}

TEST_F(openai_upstream_test, takes_over_what_a_refusal_says) {
  use();
  auto& x = start();
  auto body = R"({"error":{"message":"slow down","code":"rate_limit_exceeded"}})";
  request().write(whole(body, "429 Too Many Requests", "retry-after-ms: 1500\r\n"));
  EXPECT_EQ(failure_code(x), ec::upstream_rate_limited);
  EXPECT_EQ(x.failed->why.retry_after, 1'500ms);
  EXPECT_EQ(x.failed->why.upstream_status, 429);
  EXPECT_EQ(x.failed->why.upstream_body, body);
  auto& streamed = start(reply_mode::stream);
  request(0, 2).write(whole(body, "400 Bad Request"));
  EXPECT_EQ(failure_code(streamed), ec::upstream_rejected);
  EXPECT_EQ(peers.size(), 1U) << "a whole refusal leaves the connection usable";
}

TEST_F(openai_upstream_test, hears_a_refusal_while_it_still_sends) {
  use();
  for (size_t i = 0; i < 2; ++i) {
    auto call = call_of();
    call.body = std::string(32 * 1024 * 1024, 'x'); // more than the kernel's buffers hold
    auto& x = start(std::move(call));
    wait([&] { return peers.size() > i && peers[i]->in.size() > 1'000; });
    auto& peer = *peers[i];
    peer.stop_reading();
    peer.write(whole("{}", "413 Content Too Large"));
    EXPECT_EQ(failure_code(x), ec::upstream_rejected);
    EXPECT_EQ(x.failed->why.upstream_status, 413);
  }
  EXPECT_EQ(peers.size(), 2U) << "half a request has spoilt the connection";
}

TEST_F(openai_upstream_test, bounds_a_reply) {
  limits.reply_bytes_max = 100;
  use();
  auto& announced = start();
  request().write("HTTP/1.1 200 OK\r\nContent-Length: 101\r\n\r\n");
  EXPECT_EQ(failure_code(announced), ec::upstream_bad_response);
  auto& growing = start();
  request(1).write("HTTP/1.1 200 OK\r\n\r\n" + std::string(101, 'x'));
  EXPECT_EQ(failure_code(growing), ec::upstream_bad_response);
}

TEST_F(openai_upstream_test, cannot_reach_a_port_that_is_closed) {
  acceptor.close();
  use();
  auto& x = start();
  EXPECT_EQ(failure_code(x), ec::upstream_unreachable);
  EXPECT_FALSE(x.failed->why.sent);
}

TEST_F(openai_upstream_test, never_connects_to_a_forbidden_address) {
  settings.base_url = "http://169.254.169.254/v1";
  auto refused = make_provider_target(settings, limits);
  if (!refused)
    return;
  use();
  EXPECT_EQ(failure_code(start()), ec::upstream_unreachable);
}

TEST_F(openai_upstream_test, waits_for_the_first_byte_only_so_long) {
  settings.timeouts.first_byte = 1ms;
  use();
  auto& silent = start();
  EXPECT_EQ(failure_code(silent), ec::upstream_timeout);
  wait([&] { return !peers.empty() && peers[0]->gone; });
  EXPECT_TRUE(silent.failed->why.sent);
}

TEST_F(openai_upstream_test, role_events_are_not_the_first_byte) {
  settings.timeouts.first_byte = 40ms;
  settings.timeouts.idle = 1min;
  use();
  auto& x = start(reply_mode::stream);
  request().write(stream_head() + chunk(": ping\n\n"));
  EXPECT_EQ(failure_code(x), ec::upstream_timeout);
}

TEST_F(openai_upstream_test, ends_a_stream_that_falls_silent) {
  settings.timeouts.idle = 1ms;
  use();
  auto& x = start(reply_mode::stream);
  request().write(stream_head() + chunk(content("a")));
  wait_over(x);
  ASSERT_TRUE(x.end);
  EXPECT_EQ(x.end->why.code, ec::upstream_timeout);
  EXPECT_EQ(x.events, content("a"));
}

TEST_F(openai_upstream_test, keeps_the_deadline_of_the_request) {
  use();
  auto late = call_of();
  late.until.at = std::chrono::steady_clock::now();
  EXPECT_EQ(failure_code(start(std::move(late))), ec::deadline_exceeded);
  EXPECT_TRUE(peers.empty());
  auto soon = call_of();
  soon.until.at = std::chrono::steady_clock::now() + 30ms;
  EXPECT_EQ(failure_code(start(std::move(soon))), ec::upstream_timeout);
}

TEST_F(openai_upstream_test, a_slow_client_stops_the_reading) {
  limits.stream_buffer_bytes_max = 64 * 1024;
  use();
  auto& x = start(reply_mode::stream);
  auto& peer = request();
  auto part = content(std::string(1'000, 'x'));
  constexpr uint32_t events = 20'000;
  peer.write(stream_head());
  for (uint32_t i = 0; i < events; ++i)
    peer.write(chunk(part));
  for (int i = 0; i < 200; ++i)
    turn(loop);
  EXPECT_LT(x.events.size(), 3 * limits.stream_buffer_bytes_max);
  EXPECT_LT(peer.written, peer.to_write);
  auto before = x.events.size();
  turn(loop);
  EXPECT_EQ(x.events.size(), before);
  peer.write(chunk(done) + last_chunk);
  wait([&] {
    if (x.unread > 0)
      caf::anon_send(upstream, stream_credit{1, std::exchange(x.unread, 0)});
    return x.over();
  });
  ASSERT_TRUE(x.end);
  EXPECT_EQ(x.end->why.code, ec::none);
  EXPECT_EQ(x.count, events);
  EXPECT_EQ(x.events.size(), events * part.size());
}

TEST_F(openai_upstream_test, a_slow_client_is_not_the_upstreams_silence) {
  limits.stream_buffer_bytes_max = 100;
  settings.timeouts.idle = 1ms;
  use();
  auto& x = start(reply_mode::stream);
  request().write(stream_head() + chunk(content(std::string(200, 'x'))));
  wait([&] { return x.count == 1; });
  auto ticks = std::chrono::steady_clock::now() + 3 * io_loop::tick_interval;
  wait([&] { return std::chrono::steady_clock::now() > ticks; });
  EXPECT_FALSE(x.over());
  caf::anon_send(upstream, stream_credit{1, 1'000});
  wait_over(x);
  ASSERT_TRUE(x.end);
  EXPECT_EQ(x.end->why.code, ec::upstream_timeout);
}

} // namespace
} // namespace sluice
