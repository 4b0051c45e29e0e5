#include "api/upstream/response_parser.hpp"

#include <boost/beast/http/error.hpp>
#include <gtest/gtest.h>

namespace sluice {
namespace {

namespace http = boost::beast::http;
using std::chrono::milliseconds;
using namespace std::chrono_literals;

/// Feeds as a session does: what was not consumed comes again, with more behind it.
boost::beast::error_code feed(response_parser& to, const std::string& text, size_t piece) {
  std::string in;
  boost::beast::error_code error;
  for (size_t at = 0; at < text.size() && !to.is_done(); at += piece) {
    in.append(text, at, piece);
    in.erase(0, to.put(boost::asio::buffer(in), error));
    if (error && error != http::error::need_more)
      return error;
  }
  return {};
}

response_head head_of(const std::string& fields) {
  response_parser x{1'000};
  EXPECT_FALSE(feed(x, "HTTP/1.1 200 OK\r\n" + fields + "Content-Length: 0\r\n\r\n", 1'000));
  return x.head;
}

TEST(response_parser_test, is_the_same_wherever_the_bytes_are_cut) {
  for (auto& reply : {std::string{"HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\nhello there"},
                      std::string{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                                  "5;x=y\r\nhello\r\n6\r\n there\r\n0\r\nT: x\r\n\r\n"}})
    for (size_t piece = 1; piece <= reply.size(); ++piece) {
      response_parser x{1'000};
      EXPECT_FALSE(feed(x, reply, piece)) << piece;
      EXPECT_TRUE(x.is_done()) << piece;
      EXPECT_EQ(x.body, "hello there") << piece;
      EXPECT_TRUE(x.keep_alive());
    }
}

TEST(response_parser_test, takes_a_body_up_to_the_limit) {
  response_parser within{5};
  EXPECT_FALSE(feed(within, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", 100));
  response_parser announced{5};
  EXPECT_EQ(feed(announced, "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n", 100),
            http::error::body_limit);
  response_parser chunked{5};
  EXPECT_EQ(feed(chunked,
                 "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n3\r\ndef\r\n",
                 7),
            http::error::body_limit);
  response_parser until_the_end{5};
  EXPECT_EQ(feed(until_the_end, "HTTP/1.1 200 OK\r\n\r\nhello!", 1), http::error::body_limit);
}

TEST(response_parser_test, refuses_what_is_no_reply) {
  for (auto* text :
       {"GET / HTTP/1.1\r\n\r\n", "HTTP/2 200\r\n\r\n", "HTTP/1.1 20 OK\r\n\r\n",
        "HTTP/1.1 200 OK\r\nno colon\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n\r\n"}) {
    response_parser x{1'000};
    EXPECT_TRUE(feed(x, text, 1'000)) << text;
  }
}

TEST(response_parser_test, bounds_a_head_without_end) {
  response_parser x{1'000};
  EXPECT_EQ(feed(x, "HTTP/1.1 200 OK\r\nA: " + std::string(70'000, 'a'), 4'096),
            http::error::header_limit);
}

TEST(response_parser_test, tells_an_event_stream) {
  EXPECT_TRUE(head_of("Content-Type: text/event-stream\r\n").event_stream);
  EXPECT_TRUE(head_of("content-type: Text/Event-Stream; charset=utf-8\r\n").event_stream);
  EXPECT_FALSE(head_of("Content-Type: application/json\r\n").event_stream);
}

TEST(response_parser_test, passes_on_what_callers_know_and_nothing_else) {
  auto x = head_of("x-ratelimit-remaining-requests: 5\r\nX-RateLimit-Reset-Tokens: 6s\r\n"
                   "x-request-id: up_1\r\nopenai-processing-ms: 12\r\nopenai-version: v\r\n"
                   "Set-Cookie: a\r\nopenai-organization: secret\r\nServer: x\r\n");
  EXPECT_EQ(x.passed_on, (header_list{{"x-ratelimit-remaining-requests", "5"},
                                      {"X-RateLimit-Reset-Tokens", "6s"},
                                      {"x-upstream-request-id", "up_1"},
                                      {"openai-processing-ms", "12"},
                                      {"openai-version", "v"}}));
}

TEST(response_parser_test, reads_when_to_retry) {
  EXPECT_EQ(head_of("").retry_after, -1ms);
  EXPECT_EQ(head_of("Retry-After: 2\r\n").retry_after, 2s);
  EXPECT_EQ(head_of("Retry-After: 2\r\nretry-after-ms: 30\r\n").retry_after, 30ms);
  EXPECT_EQ(head_of("retry-after-ms: 30\r\nRetry-After: 2\r\n").retry_after, 30ms);
  EXPECT_EQ(head_of("retry-after-ms: -5\r\n").retry_after, -1ms);
  EXPECT_EQ(head_of("retry-after-ms: soon\r\n").retry_after, -1ms);
  EXPECT_EQ(head_of("retry-after-ms: 9223372036854775807\r\n").retry_after, -1ms)
      << "nobody waits that long, and sums with it overflow";
}

TEST(response_parser_test, reads_whether_to_retry) {
  EXPECT_FALSE(head_of("").should_retry_said);
  EXPECT_FALSE(head_of("x-should-retry: maybe\r\n").should_retry_said);
  auto no = head_of("x-should-retry: false\r\n");
  EXPECT_TRUE(no.should_retry_said);
  EXPECT_FALSE(no.should_retry);
  EXPECT_TRUE(head_of("X-Should-Retry: true\r\n").should_retry);
}

TEST(parse_retry_after_test, reads_seconds_and_dates) {
  using namespace std::chrono;
  const system_clock::time_point now = sys_days{2026y / 11 / 22} + 21h;
  auto parse = [&](std::string_view text) { return parse_retry_after(text, now); };
  EXPECT_EQ(parse("0"), 0ms);
  EXPECT_EQ(parse("17"), 17s);
  EXPECT_EQ(parse("0.5"), 500ms);
  EXPECT_EQ(parse("0.0001"), 1ms) << "rounded up";
  EXPECT_EQ(parse("1000000"), 1'000'000s);
  EXPECT_EQ(parse("Sun, 22 Nov 2026 21:00:30 GMT"), 30s);
  EXPECT_EQ(parse("Sun, 22 Nov 2026 20:00:00 GMT"), 0ms) << "passed: at once";
  for (auto* text : {"", "soon", "-1", "1000001", "1e99", "inf", "nan", "12 s",
                     "Sun, 22 Nov 1816 21:00:30 GMT", "Sun, 22 Nov 9999 21:00:30 GMT"})
    EXPECT_LT(parse(text), 0ms) << text;
}

} // namespace
} // namespace sluice
