#include "api/sim/sim_text.hpp"
#include "api/sim/sim_tokens.hpp"

#include <gtest/gtest.h>

namespace sluice {
namespace {

TEST(sim_tokens_test, counts_by_the_documented_rule) {
  EXPECT_EQ(sim_count_tokens(""), 0);
  EXPECT_EQ(sim_count_tokens("word"), 1);
  EXPECT_EQ(sim_count_tokens("two words"), 2);
  EXPECT_EQ(sim_count_tokens("eightlet"), 1);
  EXPECT_EQ(sim_count_tokens("nineletter"), 2);
  EXPECT_EQ(sim_count_tokens("abcdefghijklm"), 3); // 8 + 4 + 1
  EXPECT_EQ(sim_count_tokens("1234567"), 3);       // 123 456 7
  EXPECT_EQ(sim_count_tokens("{\"a\":"), 3);       // {" a ":
  EXPECT_EQ(sim_count_tokens("one\n\ntwo"), 3);
  EXPECT_EQ(sim_count_tokens("one   two"), 3); // the last space belongs to "two"
  EXPECT_EQ(sim_count_tokens("äöü"), 2);
  EXPECT_EQ(sim_count_tokens("[simulated] yes"), 2);
}

TEST(sim_tokens_test, ends_lie_between_characters) {
  std::string text = "Grüße, 世界! naïve 😀😀😀 x";
  for (size_t i = 0; i < text.size();) {
    auto end = sim_token_end(text, i);
    ASSERT_GT(end, i);
    auto next = static_cast<unsigned char>(end < text.size() ? text[end] : 'x');
    EXPECT_NE(next & 0xc0U, 0x80U) << end;
    i = end;
  }
}

TEST(sim_tokens_test, stays_inside_text_that_is_not_utf8) {
  std::string text = "\xff\x80\x80\xc3";
  size_t i = 0;
  while (i < text.size())
    i = sim_token_end(text, i);
  EXPECT_EQ(i, text.size());
}

TEST(sim_text_test, has_exactly_as_many_tokens_as_asked) {
  for (int64_t n : {1, 2, 12, 13, 14, 500})
    for (uint64_t seed : {1U, 2U, 77U})
      EXPECT_EQ(sim_count_tokens(sim_text(seed, n)), n) << sim_text(seed, n);
}

TEST(sim_text_test, begins_with_the_mark_and_follows_from_the_seed) {
  EXPECT_TRUE(sim_text(1, 5).starts_with("[simulated]"));
  EXPECT_EQ(sim_text(1, 50), sim_text(1, 50));
  EXPECT_NE(sim_text(1, 50), sim_text(2, 50));
}

TEST(sim_text_test, echo_cuts_between_characters) {
  std::string prompt;
  for (int i = 0; i < 100; ++i)
    prompt += "ä";
  auto echo = sim_echo("x" + prompt);
  EXPECT_TRUE(echo.ends_with("ä...")) << echo;
  EXPECT_EQ(sim_echo("one\ntwo"), "[simulated] You said: one two.");
}

} // namespace
} // namespace sluice
