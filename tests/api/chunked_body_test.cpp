#include "api/http/chunked_body.hpp"

#include <gtest/gtest.h>

#include <string>

namespace sluice {
namespace {

struct unchunked {
  std::string body;
  size_t consumed = 0;
  bool done = false;
  ec refusal = ec::none;
};

/// Feeds as a connection does: what was not consumed comes again, with more behind it.
unchunked unchunk(const std::string& bytes, size_t piece, const limit_settings& limits = {}) {
  unchunked result;
  chunked_body body{limits, result.body};
  std::string in;
  for (size_t at = 0; at < bytes.size() && !result.done && result.refusal == ec::none;
       at += piece) {
    in.append(bytes, at, piece);
    auto progress = body.put(in);
    in.erase(0, progress.consumed);
    result.consumed += progress.consumed;
    result.done = progress.done;
    if (progress.refusal)
      result.refusal = progress.refusal->code;
  }
  return result;
}

TEST(chunked_body_test, is_the_same_wherever_it_is_cut) {
  const std::string bytes = "4\r\nWiki\r\n6;name=value\r\npedia \r\n00E\r\nin \r\n\r\nchunks."
                            "\r\n0\r\nTrailer: x\r\n\r\n";
  const std::string next = "GET / HTTP/1.1\r\n";
  for (size_t piece = 1; piece <= bytes.size() + next.size(); ++piece) {
    auto x = unchunk(bytes + next, piece);
    EXPECT_EQ(x.body, "Wikipedia in \r\n\r\nchunks.") << piece;
    EXPECT_TRUE(x.done) << piece;
    EXPECT_EQ(x.consumed, bytes.size()) << "of the next request nothing is taken; piece " << piece;
  }
}

TEST(chunked_body_test, ends_an_extension_with_its_line) {
  // Boost.Beast reads a quote that is not closed on into the chunk, if that has arrived.
  for (size_t piece : {1U, 5U, 100U}) {
    auto x = unchunk("2;a=\"\r\n{}\r\n0;\"\r\n\r\n", piece);
    EXPECT_TRUE(x.done) << piece;
    EXPECT_EQ(x.body, "{}") << piece;
  }
}

TEST(chunked_body_test, may_be_empty) {
  for (size_t piece : {1U, 100U}) {
    auto x = unchunk("0\r\n\r\n", piece);
    EXPECT_TRUE(x.done);
    EXPECT_EQ(x.body, "");
  }
}

TEST(chunked_body_test, refuses_what_is_no_chunk) {
  for (auto* bytes :
       {"zz\r\n\r\n", "-1\r\na\r\n", "+1\r\na\r\n", "0x1\r\na\r\n\r\n", "3\r\nabcX\r\n0\r\n\r\n",
        "10000000000000000\r\n", "1 \r\nab\r\n", ";a\r\n\r\n", "\r\n\r\n\r\n",
        "1\r\na\r\n0\r\nbroken trailer\r\n\r\n", "1\r\na\r\n0\r\n folded: x\r\n\r\n"})
    for (size_t piece : {1U, 100U}) {
      auto x = unchunk(bytes, piece);
      EXPECT_FALSE(x.done) << bytes;
      EXPECT_EQ(x.refusal, ec::malformed_http) << bytes << " in pieces of " << piece;
    }
}

TEST(chunked_body_test, bare_line_feeds_never_make_a_body) {
  for (size_t piece : {1U, 100U})
    EXPECT_FALSE(unchunk("3\nabc\n0\n\n", piece).done);
}

TEST(chunked_body_test, holds_the_limit_over_all_chunks) {
  limit_settings limits;
  limits.body_bytes_max = 8;
  EXPECT_TRUE(unchunk("5\r\nabcde\r\n3\r\nfgh\r\n0\r\n\r\n", 1, limits).done);
  for (size_t piece : {1U, 100U}) {
    auto x = unchunk("5\r\nabcde\r\n4\r\nfghi\r\n0\r\n\r\n", piece, limits);
    EXPECT_EQ(x.refusal, ec::body_too_large);
    EXPECT_LE(x.body.size(), 8U);
  }
  EXPECT_EQ(unchunk("ffffffffffffffff\r\n", 100, limits).refusal, ec::body_too_large);
}

TEST(chunked_body_test, reads_over_short_extensions_only) {
  auto with_extension = [](size_t size) {
    return "1;" + std::string(size - 1, 'e') + "\r\na\r\n0\r\n\r\n";
  };
  EXPECT_TRUE(unchunk(with_extension(256), 7).done);
  EXPECT_EQ(unchunk(with_extension(257), 7).refusal, ec::malformed_http);
}

TEST(chunked_body_test, bounds_what_never_ends) {
  limit_settings limits;
  limits.header_bytes_max = 1'000;
  EXPECT_EQ(unchunk("1;" + std::string(2'000, 'e'), 100, limits).refusal, ec::malformed_http);
  EXPECT_EQ(unchunk(std::string(2'000, '0'), 100, limits).refusal, ec::malformed_http);
  auto trailers = "0\r\nT: " + std::string(2'000, 't');
  EXPECT_EQ(unchunk(trailers, 100, limits).refusal, ec::malformed_http);
}

} // namespace
} // namespace sluice
