#include "actors/cache/encoder/wordpiece.hpp"

#include "actors/cache/encoder/word_splitter.hpp"
#include "runtime/ec.hpp"
#include "tests/support/encoder_model.hpp"
#include "tests/support/random_test.hpp"
#include "tests/support/temporary_folder.hpp"

#include <gmock/gmock.h>

namespace sluice {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

std::vector<std::string> words_of(std::string_view text) {
  std::vector<std::string> result;
  for (word_splitter words(text); words.next();)
    result.emplace_back(words.word());
  return result;
}

TEST(word_splitter_test, lowers_and_takes_accents_off) {
  EXPECT_THAT(words_of("Çà ÉTÉ Zürich"), ElementsAre("ca", "ete", "zurich"));
}

TEST(word_splitter_test, punctuation_and_ideographs_stand_alone) {
  EXPECT_THAT(words_of("a.b,中c"), ElementsAre("a", ".", "b", ",", "中", "c"));
  EXPECT_THAT(words_of("$1"), ElementsAre("$", "1"));
}

TEST(word_splitter_test, nothing_comes_of_nothing) {
  EXPECT_THAT(words_of(""), IsEmpty());
  EXPECT_THAT(words_of(" \t\n\u00a0"), IsEmpty());
  EXPECT_THAT(words_of(std::string_view{"\0\x01\x7f", 3}), IsEmpty());
}

TEST(word_splitter_test, bytes_that_are_not_utf8_are_dropped) {
  EXPECT_THAT(words_of("a\xff"
                       "b \xc3"),
              ElementsAre("ab"));
  EXPECT_THAT(words_of("\xed\xa0\x80 \xf8\x88\x80\x80\x80 x\xe4\xb8"), ElementsAre("x"));
}

TEST(word_splitter_test, a_word_is_too_long_beyond_100_characters_not_bytes) {
  std::string word;
  for (int i = 0; i < 100; ++i)
    word += "я";
  word_splitter fits(word);
  ASSERT_TRUE(fits.next());
  EXPECT_FALSE(fits.too_long());
  auto longer = word + "я";
  word_splitter beyond(longer);
  ASSERT_TRUE(beyond.next());
  EXPECT_TRUE(beyond.too_long());
  EXPECT_EQ(beyond.word(), word);
}

/// A vocabulary of the five special tokens and `pieces`, numbered from 5.
caf::expected<wordpiece> vocabulary_of(const std::vector<std::string>& pieces,
                                       const std::string& first = "[PAD]") {
  test::temporary_folder folder;
  std::ofstream out(folder.path() / "vocab.txt");
  for (const auto& x : {first, std::string{"[UNK]"}, std::string{"[CLS]"}, std::string{"[SEP]"},
                        std::string{"[MASK]"}})
    out << x << '\n';
  for (const auto& x : pieces)
    out << x << '\n';
  out.close();
  return wordpiece::load(folder.path() / "vocab.txt");
}

TEST(wordpiece_test, takes_the_longest_piece_first) {
  auto pieces = vocabulary_of({"un", "una", "##able", "##ff", "##a"});
  ASSERT_TRUE(pieces);
  EXPECT_THAT(pieces->encode("unaffable", 256), ElementsAre(2, 6, 8, 7, 3));
}

TEST(wordpiece_test, a_word_with_an_unknown_part_is_unknown_as_a_whole) {
  auto pieces = vocabulary_of({"un", "##able"});
  ASSERT_TRUE(pieces);
  EXPECT_THAT(pieces->encode("un unx unable", 256), ElementsAre(2, 5, 1, 5, 6, 3));
}

TEST(wordpiece_test, cuts_at_the_maximum_and_closes) {
  auto pieces = vocabulary_of({"un", "##able"});
  ASSERT_TRUE(pieces);
  EXPECT_THAT(pieces->encode("unable unable", 4), ElementsAre(2, 5, 6, 3));
  EXPECT_THAT(pieces->encode("unable unable", 5), ElementsAre(2, 5, 6, 5, 3));
  EXPECT_THAT(pieces->encode("unable", 2), ElementsAre(2, 3));
}

TEST(wordpiece_test, refuses_what_is_no_vocabulary) {
  auto context = [](const caf::expected<wordpiece>& x) {
    return x ? std::string{} : message_of(x.error());
  };
  EXPECT_THAT(context(vocabulary_of({}, "x")), HasSubstr("lacks [PAD]"));
  EXPECT_THAT(context(vocabulary_of({"a", "a"})), HasSubstr("line 7 is there a second time"));
  EXPECT_THAT(context(vocabulary_of({std::string(257, 'a')})), HasSubstr("257 bytes"));
  auto missing = wordpiece::load("/nowhere/vocab.txt");
  ASSERT_FALSE(missing);
  EXPECT_EQ(code_of(missing.error()), ec::io_failed);
  EXPECT_THAT(context(missing), HasSubstr("/nowhere/vocab.txt"));
}

class wordpiece_model_test : public test::random_test {
protected:
  void SetUp() override { test::skip_without_model("vocab.txt"); }
};

TEST_F(wordpiece_model_test, gives_the_numbers_of_the_reference) {
  auto pieces = wordpiece::load(test::encoder_folder() / "vocab.txt");
  ASSERT_TRUE(pieces) << message_of(pieces.error());
  EXPECT_EQ(pieces->size(), 30'522u);
  auto lines = test::encoder_fixture("tokens.jsonl");
  ASSERT_GE(lines.size(), 60u);
  for (const auto& line : lines)
    EXPECT_EQ(pieces->encode(line["text"].get<std::string>(), 256),
              line["ids"].get<std::vector<int32_t>>())
        << line["text"];
}

TEST_F(wordpiece_model_test, bears_any_bytes) {
  auto pieces = wordpiece::load(test::encoder_folder() / "vocab.txt");
  ASSERT_TRUE(pieces) << message_of(pieces.error());
  for (int i = 0; i < 2000; ++i) {
    std::string text(below(200), '\0');
    for (auto& c : text)
      c = static_cast<char>(below(256));
    auto ids = pieces->encode(text, 64);
    ASSERT_LE(ids.size(), 64u);
    ASSERT_EQ(ids.back(), 102);
  }
}

} // namespace
} // namespace sluice
