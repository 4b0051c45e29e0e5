#include "actors/cache/judge/judge.hpp"

#include "runtime/ec.hpp"
#include "tests/support/encoder_model.hpp"

#include <gmock/gmock.h>

namespace sluice {
namespace {

using testing::HasSubstr;

/// Facts without an encoder: words are cut at blanks and marks, every vector is the same.
question_facts plain_facts(std::string_view text) {
  encoded_text encoded{std::vector<float>(sentence_encoder::width, 1), {}};
  std::string word;
  auto flush = [&] {
    if (!word.empty())
      encoded.words.push_back({word, 1, std::vector<float>(sentence_encoder::width, 1)});
    word.clear();
  };
  for (auto c : text)
    if (c == ' ') {
      flush();
    } else if (std::isalnum(static_cast<unsigned char>(c)) || static_cast<unsigned char>(c) > 127) {
      word += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    } else {
      flush();
      word = c;
      flush();
    }
  flush();
  return facts_of(text, encoded);
}

veto veto_of(std::string_view x, std::string_view y) {
  auto a = plain_facts(x);
  auto b = plain_facts(y);
  auto there = guard(a, b, match_words(a, b)).certain;
  auto back = guard(b, a, match_words(b, a)).certain;
  EXPECT_EQ(there, back) << x << " | " << y;
  return there;
}

TEST(judge_guard_test, negation_turns_the_answer) {
  EXPECT_EQ(veto_of("What is included?", "What is not included?"), veto::negation);
  EXPECT_EQ(veto_of("Does it run without a key?", "Does it run with a key?"), veto::negation);
  EXPECT_EQ(veto_of("Why won't it start?", "Why doesn't it start?"), veto::none);
}

TEST(judge_guard_test, opposites_and_prefixes_turn_the_answer) {
  EXPECT_EQ(veto_of("How do I enable backups?", "How do I disable backups?"), veto::opposite);
  EXPECT_EQ(veto_of("How do I mount a disk?", "How do I unmount a disk?"), veto::opposite);
  EXPECT_EQ(veto_of("Who opened it?", "Who closed it?"), veto::opposite);
}

TEST(judge_guard_test, numbers_differ_by_value_and_unit) {
  EXPECT_EQ(veto_of("Who won in 2014?", "Who won in 2018?"), veto::number);
  EXPECT_EQ(veto_of("Price of a £300,000 home", "Price of a £550,000 home"), veto::number);
  EXPECT_EQ(veto_of("the 9:15 train", "the 9:45 train"), veto::number);
  EXPECT_EQ(veto_of("loan of 500k", "loan of 500,000"), veto::none);
  EXPECT_EQ(veto_of("two eggs", "2 eggs"), veto::none);
  EXPECT_EQ(veto_of("remind me at 7am", "remind me at 7pm"), veto::opposite);
  EXPECT_EQ(veto_of("books under 30 €", "books under 30 $"), veto::kind);
}

TEST(judge_guard_test, names_differ) {
  EXPECT_EQ(veto_of("Does it export to Salesforce?", "Does it export to HubSpot?"), veto::name);
  EXPECT_EQ(veto_of("Where is the nearest ER?", "Where is the nearest emergency room?"),
            veto::none);
}

TEST(judge_guard_test, things_of_one_class_exclude_each_other) {
  EXPECT_EQ(veto_of("Open on Monday?", "Open on Friday?"), veto::kind);
  EXPECT_EQ(veto_of("a red light", "a blue light"), veto::kind);
}

TEST(judge_guard_test, direction_counts_but_order_alone_does_not) {
  EXPECT_EQ(veto_of("convert Markdown to HTML", "convert HTML to Markdown"), veto::direction);
  EXPECT_EQ(veto_of("trains from Rome to Pisa", "trains to Pisa from Rome"), veto::none);
}

TEST(judge_guard_test, slips_of_the_keys_are_the_same_word) {
  EXPECT_TRUE(is_typo("statment", "statement"));
  EXPECT_TRUE(is_typo("adress", "address"));
  EXPECT_FALSE(is_typo("mute", "unmute"));
  EXPECT_FALSE(is_typo("rome", "roma"));
}

TEST(question_facts_test, texts_are_the_same_but_for_marks_case_and_contractions) {
  EXPECT_EQ(plain_facts("What's new?").same_text, plain_facts("what is  new").same_text);
  EXPECT_EQ(plain_facts("It can't.").same_text, plain_facts("it cannot").same_text);
  EXPECT_NE(plain_facts("What was new?").same_text, plain_facts("What is new?").same_text);
  EXPECT_NE(plain_facts("C++ style").same_text, plain_facts("C style").same_text);
}

TEST(question_facts_test, survive_a_round_trip) {
  for (const auto* text : {"", "Who won the World Cup in 2014?", "£3.50 for 2kg → why not 12?"}) {
    auto facts = plain_facts(text);
    auto back = facts_from_bytes(to_bytes(facts));
    ASSERT_TRUE(back) << text;
    EXPECT_EQ(*back, facts) << text;
  }
}

TEST(question_facts_test, long_texts_are_bounded_and_say_so) {
  std::string text;
  for (int i = 0; i < 200; ++i)
    text += "incomprehensibilities" + std::to_string(i) + "x ";
  auto facts = plain_facts(text);
  EXPECT_TRUE(facts.cut);
  EXPECT_EQ(facts.words.size(), question_facts::words_max);
  EXPECT_LE(to_bytes(facts).size(), question_facts::bytes_max);
}

TEST(question_facts_test, refuses_bytes_cut_short_and_foreign_ones) {
  auto bytes = to_bytes(plain_facts("Who won the World Cup in 2014?"));
  for (size_t i = 0; i < bytes.size(); ++i)
    EXPECT_FALSE(facts_from_bytes(std::string_view{bytes}.substr(0, i))) << i;
  EXPECT_FALSE(facts_from_bytes(bytes + "x"));
  auto other = bytes;
  other[0] = 99;
  EXPECT_FALSE(facts_from_bytes(other));
  // Any single changed byte is either refused or gives facts within the bounds.
  for (size_t i = 0; i < bytes.size(); ++i) {
    auto changed = bytes;
    changed[i] = static_cast<char>(changed[i] ^ 0xff);
    if (auto facts = facts_from_bytes(changed)) {
      for (const auto& word : facts->words)
        EXPECT_TRUE(word.state == fact_word::no_state || word.state < facts->states.size());
    }
  }
}

TEST(judge_weights_test, shipped_ones_are_complete) {
  EXPECT_TRUE(parse_weights(shipped_weights()));
}

TEST(judge_weights_test, says_which_line_is_bad) {
  auto result = parse_weights("pair bias 1\npair nonsense 2\n");
  ASSERT_FALSE(result);
  EXPECT_THAT(message_of(result.error()), HasSubstr("line 2"));
  EXPECT_FALSE(parse_weights("pair bias 1\npair bias 1\n"));
  EXPECT_FALSE(parse_weights("pair bias one\n"));
  EXPECT_FALSE(parse_weights(""));
}

class judge_test : public testing::Test {
protected:
  void SetUp() override {
    test::skip_without_model("model.safetensors");
    if (IsSkipped())
      return;
    auto loaded = sentence_encoder::load(test::encoder_folder());
    ASSERT_TRUE(loaded) << message_of(loaded.error());
    encoder_ = std::move(*loaded);
  }

  question_facts facts(std::string_view text) {
    auto encoded = encoder_->encode_words(std::span{&text, 1}, space_);
    EXPECT_TRUE(encoded) << message_of(encoded.error());
    return encoded ? facts_of(text, encoded->front()) : question_facts{};
  }

  judgement judged(std::string_view asked, std::string_view kept) {
    auto weights = parse_weights(shipped_weights());
    EXPECT_TRUE(weights);
    return judge{*weights}(facts(asked), facts(kept));
  }

  std::unique_ptr<sentence_encoder> encoder_;
  sentence_encoder::workspace space_;
};

TEST_F(judge_test, serves_the_same_text_whatever_its_marks) {
  auto result = judged("What's the baggage allowance?", "what is the baggage allowance");
  EXPECT_TRUE(result.same_text);
  EXPECT_GT(result.probability, 0.99);
}

TEST_F(judge_test, serves_courtesies_and_looks_through_slips_of_the_keys) {
  EXPECT_GT(
      judged("Hi, how do I bleed a radiator please?", "How do I bleed a radiator?").probability,
      judge::threshold_default);
  EXPECT_GT(judged("How do I see my bank statment?", "How do I see my bank statement?").probability,
            judged("How do I see my bank account?", "How do I see my bank statement?").probability);
}

TEST_F(judge_test, never_serves_what_a_guard_forbids_and_says_why) {
  auto result = judged("How do I turn the alarm on?", "How do I turn the alarm off?");
  EXPECT_LE(result.probability, 0.5);
  EXPECT_EQ(name_of(result.why), "opposite");
}

TEST_F(judge_test, rewordings_are_more_probable_than_other_questions) {
  auto reworded = judged("What are your shipping fees?", "How much does delivery cost?");
  auto other = judged("What are your shipping fees?", "How do I reset my password?");
  EXPECT_GT(reworded.probability, other.probability);
}

TEST_F(judge_test, neighbours_overrule_no_guard) {
  auto asked = facts("How do I enable my card?");
  auto kept = facts("How do I disable my card?");
  auto others = {facts("disable card"), facts("please disable my card"), facts("card off")};
  std::vector<const question_facts*> around;
  for (const auto& x : others)
    around.push_back(&x);
  auto weights = parse_weights(shipped_weights());
  ASSERT_TRUE(weights);
  auto result = judge{*weights}(asked, kept, {around});
  EXPECT_EQ(result.why, veto::opposite);
  EXPECT_LT(result.probability, judge::threshold_default);
}

TEST_F(judge_test, words_of_a_text_bring_the_vector_that_encode_gives) {
  std::string_view text = "Who wrote it, and when?";
  auto words = encoder_->encode_words(std::span{&text, 1}, space_);
  auto vectors = encoder_->encode(std::span{&text, 1}, space_);
  ASSERT_TRUE(words && vectors);
  EXPECT_EQ(words->front().words.size(), 7U);
  EXPECT_EQ(words->front().words[2].text, "it");
  EXPECT_TRUE(std::ranges::equal(words->front().vector, vectors->row(0)));
}

} // namespace
} // namespace sluice
