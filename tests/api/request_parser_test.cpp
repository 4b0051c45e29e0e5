#include "api/http/request_parser.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace sluice {
namespace {

struct parsed {
  http_request request;
  request_head head;
  std::optional<http_refusal> refusal;
};

std::unique_ptr<parsed> parse(std::string text, const limit_settings& limits = {}) {
  auto result = std::make_unique<parsed>();
  result->request.head = std::move(text);
  result->refusal = parse_head(result->request, result->head, limits);
  return result;
}

ec refusal_of(std::string text, const limit_settings& limits = {}) {
  auto result = parse(std::move(text), limits);
  return result->refusal ? result->refusal->code : ec::none;
}

/// A request whose fields are `fields`, each with its line end.
std::string post(const std::string& fields) {
  return "POST /v1/x HTTP/1.1\r\nHost: a\r\n" + fields + "\r\n";
}

TEST(head_size_test, ends_behind_the_empty_line_wherever_the_bytes_are_cut) {
  const std::string head = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
  auto bytes = head + "GET";
  for (size_t cut = 0; cut <= bytes.size(); ++cut) {
    size_t scanned = 0;
    auto early = head_size(std::string_view{bytes}.substr(0, cut), scanned);
    EXPECT_EQ(early, cut < head.size() ? 0 : head.size()) << cut;
    if (early == 0) {
      EXPECT_EQ(head_size(bytes, scanned), head.size()) << cut;
    }
  }
}

TEST(head_size_test, shows_bare_line_feeds_to_the_parser_instead_of_waiting_for_more) {
  size_t scanned = 0;
  EXPECT_EQ(head_size("GET / HTTP/1.1\nHost: a\n\n", scanned), 24U);
}

TEST(request_parser_test, reads_a_head) {
  auto x = parse("POST /v1/chat?a=b HTTP/1.1\r\nhOsT: example\r\nContent-Length: 17\r\nEmpty:\r\n"
                 "Padded: \t in the middle \t\r\n\r\n");
  ASSERT_FALSE(x->refusal);
  EXPECT_EQ(x->request.method, "POST");
  EXPECT_EQ(x->request.target, "/v1/chat?a=b");
  EXPECT_EQ(x->request.path(), "/v1/chat");
  EXPECT_EQ(x->request.field("Host"), "example");
  EXPECT_EQ(x->request.field("PADDED"), "in the middle");
  EXPECT_EQ(x->request.field("empty"), "");
  EXPECT_EQ(x->request.field("absent"), "");
  EXPECT_EQ(x->head.framing, body_framing::length);
  EXPECT_EQ(x->head.content_length, 17U);
  EXPECT_TRUE(x->head.keep_alive);
  EXPECT_FALSE(x->head.http_1_0);
  EXPECT_FALSE(x->head.expects_continue);
}

TEST(request_parser_test, finds_the_path_in_every_form_of_target) {
  http_request x;
  auto path = [&](std::string_view target) {
    x.target = target;
    return x.path();
  };
  EXPECT_EQ(path("/v1/models?limit=1"), "/v1/models");
  EXPECT_EQ(path("http://gateway:8080/v1/models?limit=1"), "/v1/models");
  EXPECT_EQ(path("https://gateway"), "/");
  EXPECT_EQ(path("/v1/models/a://b"), "/v1/models/a://b");
  EXPECT_EQ(path("*"), "*");
}

TEST(request_parser_test, reads_how_the_body_is_framed) {
  EXPECT_EQ(parse(post(""))->head.framing, body_framing::none);
  EXPECT_EQ(parse(post("Content-Length: 0\r\n"))->head.framing, body_framing::none);
  EXPECT_EQ(parse(post("Content-Length: 007\r\n"))->head.content_length, 7U);
  EXPECT_EQ(parse(post("Transfer-Encoding: Chunked\r\n"))->head.framing, body_framing::chunked);
}

TEST(request_parser_test, keeps_alive_as_the_version_and_the_connection_field_say) {
  struct row {
    const char* head;
    bool keep_alive;
  };
  for (auto& x : std::vector<row>{
           {"GET / HTTP/1.1\r\nHost: a\r\n\r\n", true},
           {"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", false},
           {"GET / HTTP/1.1\r\nHost: a\r\nConnection: te, CLOSE\r\n\r\n", false},
           {"GET / HTTP/1.1\r\nHost: a\r\nConnection: keep-alive\r\nConnection: close\r\n\r\n",
            false},
           {"GET / HTTP/1.0\r\n\r\n", false},
           {"GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", true},
           {"GET / HTTP/1.0\r\nConnection: keep-alive, close\r\n\r\n", false}}) {
    auto result = parse(x.head);
    EXPECT_FALSE(result->refusal) << x.head;
    EXPECT_EQ(result->head.keep_alive, x.keep_alive) << x.head;
  }
}

TEST(request_parser_test, meets_the_one_expectation) {
  EXPECT_TRUE(parse(post("Expect: 100-Continue\r\n"))->head.expects_continue);
  EXPECT_EQ(refusal_of(post("Expect: tea\r\n")), ec::expectation_failed);
  auto old = parse("POST / HTTP/1.0\r\nExpect: 100-continue\r\n\r\n");
  EXPECT_FALSE(old->refusal);
  EXPECT_FALSE(old->head.expects_continue) << "HTTP/1.0 knows no interim replies";
}

TEST(request_parser_test, refuses_what_two_servers_could_read_differently) {
  const std::vector<std::pair<const char*, std::string>> table{
      {"CL with TE", post("Content-Length: 1\r\nTransfer-Encoding: chunked\r\n")},
      {"TE with CL", post("Transfer-Encoding: chunked\r\nContent-Length: 1\r\n")},
      {"differing CLs", post("Content-Length: 1\r\nContent-Length: 2\r\n")},
      {"equal CLs", post("Content-Length: 5\r\ncontent-length: 5\r\n")},
      {"CL as a list", post("Content-Length: 5, 5\r\n")},
      {"CL with a sign", post("Content-Length: +5\r\n")},
      {"negative CL", post("Content-Length: -1\r\n")},
      {"hexadecimal CL", post("Content-Length: 0x5\r\n")},
      {"CL with a fraction", post("Content-Length: 5.0\r\n")},
      {"empty CL", post("Content-Length:\r\n")},
      {"CL in two words", post("Content-Length: 1 2\r\n")},
      {"CL beyond 64 bits", post("Content-Length: 18446744073709551616\r\n")},
      {"TE gzip", post("Transfer-Encoding: gzip\r\n")},
      {"TE gzip and chunked", post("Transfer-Encoding: gzip, chunked\r\n")},
      {"TE chunked and identity", post("Transfer-Encoding: chunked, identity\r\n")},
      {"TE with a parameter", post("Transfer-Encoding: chunked;q=1\r\n")},
      {"TE twice", post("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n")},
      {"TE twice in one", post("Transfer-Encoding: chunked, chunked\r\n")},
      {"TE nearly chunked", post("Transfer-Encoding: xchunked\r\n")},
      {"TE empty", post("Transfer-Encoding:\r\n")},
      {"TE in HTTP/1.0", "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n"},
      {"space before the colon", post("Content-Length : 5\r\n")},
      {"tab before the colon", post("Transfer-Encoding\t: chunked\r\n")},
      {"folded line", post("A: b\r\n c\r\n")},
      {"folded by a tab", post("A: b\r\n\tc\r\n")},
      {"indented first field", "GET / HTTP/1.1\r\n Host: a\r\n\r\n"},
      {"bare LF", "GET / HTTP/1.1\r\nHost: a\nContent-Length: 5\r\n\r\n"},
      {"bare LF in the request line", "GET / HTTP/1.1\nHost: a\r\n\r\n"},
      {"only bare LF", "GET / HTTP/1.1\nHost: a\n\n"},
      {"bare LF before the end", "GET / HTTP/1.1\r\nHost: a\n\r\n"},
      {"bare CR in a value", post("A: b\rContent-Length: 5\r\n")},
      {"CR CR LF", "GET / HTTP/1.1\r\nHost: a\r\r\n\r\n"},
      {"NUL in a value", post(std::string{"A: b\0c\r\n", 8})},
      {"NUL in a name", post(std::string{"A\0: b\r\n", 7})},
      {"control in a name", post("A\x01: b\r\n")},
      {"no name", post(": b\r\n")},
      {"no colon", post("A b\r\n")},
      {"no Host", "GET / HTTP/1.1\r\n\r\n"},
      {"two Hosts", "GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n"},
      {"HTTP/2.0", "GET / HTTP/2.0\r\nHost: a\r\n\r\n"},
      {"HTTP/1.2", "GET / HTTP/1.2\r\nHost: a\r\n\r\n"},
      {"HTTP/0.9", "GET / HTTP/0.9\r\nHost: a\r\n\r\n"},
      {"lower-case version", "GET / http/1.1\r\nHost: a\r\n\r\n"},
      {"no version", "GET /\r\nHost: a\r\n\r\n"},
      {"space in the target", "GET /a b HTTP/1.1\r\nHost: a\r\n\r\n"},
      {"two spaces", "GET  / HTTP/1.1\r\nHost: a\r\n\r\n"},
      {"no method", " / HTTP/1.1\r\nHost: a\r\n\r\n"},
      {"HTTP/2 preface", "PRI * HTTP/2.0\r\n\r\n"},
      {"TLS hello", std::string{"\x16\x03\x01\x02\x00\x01\r\n\r\n", 10}},
  };
  for (auto& [what, head] : table)
    EXPECT_EQ(refusal_of(head), ec::malformed_http) << what;
}

TEST(request_parser_test, counts_fields_up_to_the_limit) {
  limit_settings limits;
  limits.header_count_max = 3;
  EXPECT_EQ(refusal_of(post("A: 1\r\nB: 2\r\n"), limits), ec::none);
  EXPECT_EQ(refusal_of(post("A: 1\r\nB: 2\r\nC: 3\r\n"), limits), ec::header_too_large);
}

TEST(request_parser_test, takes_a_body_up_to_the_limit) {
  limit_settings limits;
  limits.body_bytes_max = 10;
  EXPECT_EQ(refusal_of(post("Content-Length: 10\r\n"), limits), ec::none);
  EXPECT_EQ(refusal_of(post("Content-Length: 11\r\n"), limits), ec::body_too_large);
  EXPECT_EQ(refusal_of(post("Content-Length: 18446744073709551615\r\n"), limits),
            ec::body_too_large);
}

} // namespace
} // namespace sluice
