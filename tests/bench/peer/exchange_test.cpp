#include "tests/bench/peer/canned_answers.hpp"
#include "tests/bench/peer/incoming_request.hpp"
#include "tests/bench/peer/outgoing_request.hpp"
#include "tests/bench/peer/reply_reader.hpp"

#include <gtest/gtest.h>

#include <algorithm>

/// What the load asks is what the upstream understands, and what the upstream answers is what the
/// load takes for right, however it is cut into pieces.
namespace sluice::bench {

namespace {

using state = reply_reader::state;

std::string whole_stream(uint32_t events, bool usage) {
  canned_answers answers;
  std::string result{answers.stream_begin()};
  for (uint32_t i = 2; i < events; ++i)
    result += answers.content(i, 1);
  return result.append(answers.stream_end(usage));
}

/// Feeds `text` in pieces of `size`; the state after the last one.
state feed(reply_reader& reader, std::string_view text, size_t size) {
  auto result = state::more;
  for (; !text.empty() && result == state::more; text.remove_prefix(std::min(size, text.size())))
    result = reader.feed(text.substr(0, size));
  return result;
}

} // namespace

TEST(exchange_test, request_has_a_body_of_one_kilobyte) {
  auto request = chat_request({});
  EXPECT_EQ(request.size() - request.find("\r\n\r\n") - 4, 1'024u);
}

TEST(exchange_test, upstream_understands_the_request) {
  auto request = chat_request({});
  auto seen = read_request(request);
  EXPECT_EQ(seen.is, incoming_request::state::whole);
  EXPECT_EQ(seen.bytes, request.size());
  EXPECT_FALSE(seen.streamed);
}

TEST(exchange_test, upstream_understands_the_request_for_a_stream) {
  auto request = chat_request({"m", "k", 500});
  auto seen = read_request(request);
  EXPECT_EQ(seen.is, incoming_request::state::whole);
  EXPECT_TRUE(seen.streamed);
  EXPECT_TRUE(seen.usage_wanted);
  EXPECT_EQ(seen.events, 500u);
}

TEST(exchange_test, upstream_waits_for_the_rest_of_a_request) {
  auto request = chat_request({});
  for (size_t size : {size_t{0}, size_t{10}, request.find("\r\n\r\n") + 4, request.size() - 1})
    EXPECT_EQ(read_request(std::string_view{request}.substr(0, size)).is,
              incoming_request::state::more);
}

TEST(exchange_test, requests_differ_in_their_number_alone) {
  auto first = chat_request({});
  auto other = first;
  renumber(other, 123'456);
  EXPECT_NE(other, first);
  EXPECT_EQ(other.size(), first.size());
  EXPECT_NE(other.find("Ticket 000000123456. "), std::string::npos);
  renumber(other, 0);
  EXPECT_EQ(other, first);
}

TEST(exchange_test, upstream_refuses_what_is_no_chat_request) {
  EXPECT_EQ(read_request("GET / HTTP/1.1\r\nHost: a\r\n\r\n").is, incoming_request::state::broken);
  EXPECT_EQ(read_request("POST /v1/chat/completions HTTP/1.1\r\nHost: a\r\n\r\n").is,
            incoming_request::state::broken);
}

TEST(exchange_test, load_reads_a_whole_reply_in_any_pieces) {
  canned_answers answers;
  for (size_t size : {1, 7, 100, 100'000}) {
    reply_reader reader;
    for (int replies = 0; replies < 2; ++replies) {
      ASSERT_EQ(feed(reader, answers.reply(), size), state::complete);
      EXPECT_EQ(reader.status(), 200);
      EXPECT_EQ(reader.body_bytes(), answers.reply().size() - answers.reply().find("\r\n\r\n") - 4);
    }
  }
}

TEST(exchange_test, load_counts_the_events_of_a_stream_in_any_pieces) {
  auto stream = whole_stream(600, true);
  for (size_t size : {size_t{1}, size_t{7}, size_t{4'096}, stream.size()}) {
    reply_reader reader;
    for (int replies = 0; replies < 2; ++replies) {
      ASSERT_EQ(feed(reader, stream, size), state::complete);
      EXPECT_EQ(reader.events(), 602u) << "role, 598 of content, finish reason, usage, [DONE]";
      EXPECT_TRUE(reader.ended_with_done());
    }
  }
}

TEST(exchange_test, load_notices_a_stream_that_was_cut) {
  auto stream = whole_stream(20, false);
  reply_reader reader;
  EXPECT_EQ(feed(reader, stream.substr(0, stream.size() - 1), 100), state::more);
}

TEST(exchange_test, load_notices_a_stream_without_done) {
  reply_reader reader;
  auto text = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\ndata: {}\n\r\n0\r\n\r\n";
  EXPECT_EQ(feed(reader, text, 100), state::complete);
  EXPECT_FALSE(reader.ended_with_done());
}

TEST(exchange_test, load_refuses_what_is_no_reply) {
  for (auto text : {"HTTP/1.1 2x0 OK\r\nContent-Length: 0\r\n\r\n", "HTTP/1.1 200 OK\r\n\r\n",
                    "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nab",
                    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"}) {
    reply_reader reader;
    EXPECT_EQ(reader.feed(text), state::broken) << text;
  }
}

} // namespace sluice::bench
