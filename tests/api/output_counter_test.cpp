#include "api/upstream/output_counter.hpp"

#include <gtest/gtest.h>

#include <simdjson.h>

namespace sluice {
namespace {

constexpr auto o200k = token_encoding::o200k_base;

int64_t input(endpoint kind, std::string_view body) {
  return count_input(kind, body, o200k);
}

int64_t output(std::string_view reply) {
  simdjson::dom::parser parser;
  return count_output(parser.parse(simdjson::padded_string{reply}).get_object().value(), o200k);
}

TEST(output_counter_test, counts_a_text_in_pieces_as_a_whole) {
  output_counter counter{o200k};
  EXPECT_EQ(counter.count(), 0);
  for (auto* piece : {"Hel", "lo", " wor", "ld"})
    counter.add(piece);
  EXPECT_EQ(counter.count(), 2);
  EXPECT_FALSE(counter.beyond(2));
  EXPECT_TRUE(counter.beyond(1));
}

TEST(output_counter_test, counts_long_texts_in_parts) {
  output_counter counter{o200k};
  constexpr int64_t words = 20'000;
  for (int64_t i = 0; i < words; ++i)
    counter.add(" word");
  EXPECT_GE(counter.count(), words);
  EXPECT_LE(counter.count(), words + words * 5 / (16 * 1024) + 1) << "a token more at each seam";
}

// 3 tokens a message, its role and its text, and 3 before the answer (OpenAI's cookbook, "How to
// count tokens with tiktoken").
TEST(output_counter_test, counts_a_chat_as_openai_does) {
  EXPECT_EQ(input(endpoint::chat_completions,
                  R"({"messages":[{"role":"user","content":"Hello world"}]})"),
            3 + 3 + 1 + 2);
  EXPECT_EQ(input(endpoint::chat_completions,
                  R"({"messages":[{"role":"system","content":"Hello"},{"role":"user","content":[
                      {"type":"text","text":"Hello world"},
                      {"type":"image_url","image_url":{"url":"data:AAAA"}}]}]})"),
            3 + 2 * (3 + 1) + 1 + 2 + 765);
}

TEST(output_counter_test, counts_prompts_and_inputs_in_all_their_shapes) {
  EXPECT_EQ(input(endpoint::completions, R"({"prompt":"Hello world"})"), 2);
  EXPECT_EQ(input(endpoint::embeddings, R"({"input":["Hello world","Hello"]})"), 3);
  EXPECT_EQ(input(endpoint::embeddings, R"({"input":[1,2,3]})"), 3);
  EXPECT_EQ(input(endpoint::embeddings, R"({"input":[[1,2,3],[4]]})"), 4);
  EXPECT_EQ(input(endpoint::embeddings, "nothing"), 0);
}

TEST(output_counter_test, what_is_too_long_to_be_counted_is_estimated) {
  constexpr int64_t counted = 64 * 1024 / 4;
  std::string same(64 * 1024, 'x');
  for (size_t i = 0; i < same.size(); i += 4)
    same.replace(i, 4, " the");
  auto body = R"({"input":[")" + same + R"(",")" + std::string(4'000'000, 'x') + R"("]})";
  EXPECT_EQ(input(endpoint::embeddings, body), counted + 1'000'000);
}

TEST(output_counter_test, counts_all_that_an_answer_says) {
  EXPECT_EQ(output(R"({"choices":[{"message":{"role":"assistant","content":"Hello world"}},
                      {"message":{"role":"assistant","content":"Hello"}}]})"),
            3);
  EXPECT_EQ(output(R"({"choices":[{"text":"Hello world"}]})"), 2);
  EXPECT_EQ(output(R"({"choices":[{"message":{"role":"assistant","content":null,"tool_calls":[
                      {"id":"c","type":"function","function":{"name":"Hello","arguments":"Hello"}}]}}]})"),
            2);
  EXPECT_EQ(output(R"({"data":[]})"), 0);
}

} // namespace
} // namespace sluice
