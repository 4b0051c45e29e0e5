#include "runtime/openai_usage.hpp"

#include <gtest/gtest.h>
#include <simdjson.h>

namespace sluice {
namespace {

std::optional<token_usage> read(const char* text) {
  simdjson::dom::parser parser;
  return read_openai_usage(parser.parse(simdjson::padded_string{std::string{text}}).value());
}

TEST(openai_usage_test, makes_disjoint_buckets) {
  EXPECT_EQ(read(R"({"prompt_tokens":100,"completion_tokens":50,"total_tokens":150,
                     "prompt_tokens_details":{"cached_tokens":30,"audio_tokens":1},
                     "completion_tokens_details":{"reasoning_tokens":20}})"),
            (token_usage{70, 30, 0, 30, 20}));
}

TEST(openai_usage_test, takes_what_is_absent_or_null_as_zero) {
  EXPECT_EQ(read(R"({"prompt_tokens":7,"total_tokens":7})"), (token_usage{7, 0, 0, 0, 0}));
  EXPECT_EQ(read(R"({"prompt_tokens":7,"completion_tokens":null,"prompt_tokens_details":null,
                     "completion_tokens_details":{"reasoning_tokens":null}})"),
            (token_usage{7, 0, 0, 0, 0}));
  EXPECT_EQ(read(R"({"prompt_tokens":0,"completion_tokens":0})"), token_usage{});
}

TEST(openai_usage_test, all_may_be_cached_or_reasoning) {
  EXPECT_EQ(read(R"({"prompt_tokens":5,"completion_tokens":6,
                     "prompt_tokens_details":{"cached_tokens":5},
                     "completion_tokens_details":{"reasoning_tokens":6}})"),
            (token_usage{0, 5, 0, 0, 6}));
}

TEST(openai_usage_test, believes_no_contradiction) {
  for (auto* text : {
           R"({"prompt_tokens":-1})",
           R"({"prompt_tokens":1,"completion_tokens":-1})",
           R"({"prompt_tokens":5,"prompt_tokens_details":{"cached_tokens":6}})",
           R"({"prompt_tokens":5,"prompt_tokens_details":{"cached_tokens":-1}})",
           R"({"prompt_tokens":5,"completion_tokens":5,
               "completion_tokens_details":{"reasoning_tokens":6}})",
           R"({"prompt_tokens":5,"completion_tokens":5,
               "completion_tokens_details":{"reasoning_tokens":-1}})",
       })
    EXPECT_EQ(read(text), std::nullopt) << text;
}

TEST(openai_usage_test, is_empty_where_it_is_no_usage) {
  for (auto* text : {"null", "5", "[]", "{}", R"({"completion_tokens":5})",
                     R"({"prompt_tokens":"5"})", R"({"prompt_tokens":1.5})"})
    EXPECT_EQ(read(text), std::nullopt) << text;
}

} // namespace
} // namespace sluice
