#include "cluster/cache_warm.hpp"

#include "runtime/ec.hpp"

#include <gtest/gtest.h>

#include <sstream>

namespace sluice {
namespace {

TEST(cache_warm_test, reads_bodies_and_lines_of_batches) {
  auto chat = read_warm_line(R"({"model":"m","messages":[]})");
  ASSERT_TRUE(chat);
  EXPECT_EQ(chat->target, "/v1/chat/completions");
  EXPECT_EQ(chat->body, R"({"model":"m","messages":[]})");
  EXPECT_EQ(read_warm_line(R"({"model":"m","prompt":"a"})")->target, "/v1/completions");
  EXPECT_EQ(read_warm_line(R"({"model":"m","input":"a"})")->target, "/v1/embeddings");
  auto line = read_warm_line(
      R"({"custom_id":"1","method":"POST","url":"/v1/embeddings","body":{"model":"m","input":"a"}})");
  ASSERT_TRUE(line);
  EXPECT_EQ(line->target, "/v1/embeddings");
  EXPECT_EQ(line->body, R"({"input":"a","model":"m"})");
}

TEST(cache_warm_test, says_what_is_wrong_with_a_line) {
  for (auto* bad : {"", "x", "[]", "{}", R"({"body":{}})", R"({"body":3,"url":"/v1/embeddings"})",
                    R"({"body":{},"url":"/v1/files"})"}) {
    auto x = read_warm_line(bad);
    ASSERT_FALSE(x) << bad;
    EXPECT_EQ(code_of(x.error()), ec::bad_argument) << bad;
  }
}

TEST(cache_warm_test, fails_where_no_node_answers) {
  std::istringstream lines{R"({"messages":[]})"};
  warm_settings settings;
  settings.url = "http://127.0.0.1:1";
  auto x = warm_cache(lines, settings);
  ASSERT_FALSE(x);
  EXPECT_EQ(code_of(x.error()), ec::io_failed);
  std::istringstream more{R"({"messages":[]})"};
  settings.url = "https://somewhere";
  EXPECT_EQ(code_of(warm_cache(more, settings).error()), ec::bad_argument);
}

TEST(cache_warm_test, a_file_of_mistakes_is_told_line_by_line) {
  std::istringstream lines{"{}\n\nx\n"};
  auto x = warm_cache(lines, {});
  ASSERT_TRUE(x);
  EXPECT_EQ(x->refused, 2U);
  ASSERT_EQ(x->problems.size(), 2U);
  EXPECT_NE(to_text(*x).find("line 1: has neither"), std::string::npos);
  EXPECT_NE(to_text(*x).find("line 3: is no JSON object"), std::string::npos);
}

TEST(node_reply_test, finds_fields_and_problems) {
  node_reply x;
  x.head = "HTTP/1.1 404 Not Found\r\nX-Sluice-Cache:  hit\r\nA: b";
  EXPECT_EQ(x.field("x-sluice-cache"), "hit");
  EXPECT_EQ(x.field("a"), "b");
  EXPECT_EQ(x.field("http"), "");
  EXPECT_EQ(x.problem(), "HTTP/1.1 404 Not Found");
  x.body = R"({"error":{"message":"The model 'x' does not exist."}})";
  EXPECT_EQ(x.problem(), "The model 'x' does not exist.");
}

} // namespace
} // namespace sluice
