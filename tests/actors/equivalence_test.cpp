#include "actors/batching/equivalence.hpp"

#include <gtest/gtest.h>

namespace sluice {
namespace {

double of(std::string_view a, std::string_view b) {
  normalised_text judge;
  EXPECT_EQ(judge.similarity(a, b), judge.similarity(b, a));
  return judge.similarity(a, b);
}

TEST(normalised_text_test, looks_past_case_blanks_and_closing_punctuation) {
  EXPECT_EQ(of("What is it?", "what  is it"), 1);
  EXPECT_EQ(of("  hello ", "Hello!"), 1);
  EXPECT_EQ(of("What is it?\n", "what is it?"), 1);
  EXPECT_EQ(of("ÜBER Größe", "über größe"), 1);
  EXPECT_EQ(of("ΑΒΓ, ПРИВЕТ Ё", "αβγ, привет ё"), 1);
  EXPECT_EQ(of("Łódź Šumava Żubr", "łódź šumava żubr"), 1);
}

TEST(normalised_text_test, numbers_negations_and_words_differ) {
  EXPECT_EQ(of("is 17 prime?", "is 71 prime?"), 0);
  EXPECT_EQ(of("is it 1.5?", "is it 15?"), 0);
  EXPECT_EQ(of("is it safe?", "is it not safe?"), 0);
  EXPECT_EQ(of("-5 + 3", "5 + 3"), 0);
  EXPECT_EQ(of("therapist", "the rapist"), 0);
  EXPECT_EQ(of("×", "÷"), 0);
  EXPECT_EQ(of("?", "!"), 0) << "where the punctuation is all there is";
  EXPECT_EQ(of("", " "), 0);
}

TEST(normalised_text_test, several_lines_are_compared_as_they_are) {
  EXPECT_EQ(of("def f():\n  x", "def f():\n    x"), 0);
  EXPECT_EQ(of("A\nb", "a\nb"), 0);
  EXPECT_EQ(of("a\nb", "a\nb\n"), 1);
}

TEST(normalised_text_test, what_is_no_utf8_stays_as_it_is) {
  EXPECT_EQ(of("\xff\xfe", "\xff\xfe"), 1);
  EXPECT_EQ(of("a\xc3", "a\xc4"), 0);
  EXPECT_EQ(normalised("A\xc3"), "a\xc3");
  EXPECT_EQ(normalised("\xc3\x9c\x80"), "\xc3\xbc\x80");
}

} // namespace
} // namespace sluice
