#include "actors/cache/judge/minilm_judge.hpp"
#include "tests/support/encoder_model.hpp"

#include <gtest/gtest.h>

#include <array>

namespace sluice {

namespace {

question_form read_one(text_reader& by, std::string_view text) {
  const std::array<std::string_view, 1> texts{text};
  auto forms = by.read(texts);
  EXPECT_TRUE(forms);
  return forms ? std::move(forms->front()) : question_form{};
}

template <class Judge>
double probability(Judge& by, std::string_view asked, std::string_view kept) {
  const std::array<text_judge::kept_question, 1> one{{{read_one(by, kept).facts, 1}}};
  return by.judge(read_one(by, asked), one).front().probability;
}

TEST(ngram_judge_test, finds_what_differs_in_case_blanks_and_marks) {
  ngram_judge x;
  EXPECT_GT(probability(x, "what is a  lock", "What is a lock?"), 0.99);
  EXPECT_EQ(probability(x, "what is a dock", "What is a lock?"), 0);
  EXPECT_EQ(probability(x, "What is 1.5 + 1?", "What is 15 + 1?"), 0);
  EXPECT_EQ(probability(x, "Is C++ older?", "Is C older?"), 0);
  EXPECT_EQ(probability(x, "Is -5 even?", "Is 5 even?"), 0);
  auto one = read_one(x, "What is a lock?");
  auto two = read_one(x, "what is a LOCK");
  ASSERT_EQ(one.vector.size(), x.width());
  float same = 0;
  float length = 0;
  for (size_t i = 0; i < x.width(); ++i) {
    same += one.vector[i] * two.vector[i];
    length += one.vector[i] * one.vector[i];
  }
  EXPECT_NEAR(same, 1, 1e-5) << "near enough to be found";
  EXPECT_NEAR(length, 1, 1e-5);
  float nothing = 0;
  for (auto number : read_one(x, "").vector)
    nothing += number * number;
  EXPECT_NEAR(nothing, 1, 1e-5);
  EXPECT_TRUE(x.agree(one, two));
}

TEST(ngram_judge_test, facts_that_cannot_be_read_are_not_believed) {
  ngram_judge x;
  const std::array<text_judge::kept_question, 2> kept{{{"", 1}, {"junk", 1}}};
  for (auto& word : x.judge(read_one(x, "What is a lock?"), kept))
    EXPECT_EQ(word.probability, 0);
}

TEST(minilm_judge_test, says_what_is_missing) {
  auto none = minilm_judge::load("/nowhere", encoder_precision::fp32);
  EXPECT_FALSE(none);
}

TEST(minilm_judge_test, priors_open_only_what_is_nearly_a_rule) {
  error_bound_settings settings;
  settings.regions = judge_priors();
  error_bound x{settings};
  for (auto& region : x.regions())
    EXPECT_EQ(region.open, region.probability_min > 0.99) << region.probability_min;
}

class minilm_judge_with_model_test : public testing::Test {
protected:
  void SetUp() override {
    test::skip_without_model("model.safetensors");
    if (IsSkipped())
      return;
    auto made = minilm_judge::load(test::encoder_folder(), encoder_precision::fp32);
    ASSERT_TRUE(made);
    judge_ = std::move(*made);
  }

  std::shared_ptr<minilm_judge> judge_;
};

TEST_F(minilm_judge_with_model_test, is_sure_of_the_same_text_and_not_of_its_opposite) {
  EXPECT_GT(probability(*judge_, "what's the capital of france", "What is the capital of France?"),
            0.999);
  EXPECT_LT(probability(*judge_, "Which drugs are not safe?", "Which drugs are safe?"), 0.6)
      << "below the lowest region";
}

TEST_F(minilm_judge_with_model_test, long_questions_are_the_same_only_as_a_whole) {
  for (auto sentences : {10, 60}) { // beyond the words that are kept; beyond the encoder's tokens
    std::string text;
    for (int i = 0; i < sentences; ++i)
      text += "The valve of the upper lock was opened in the morning. ";
    EXPECT_GT(probability(*judge_, text + "Was it safe?", text + "was it  safe"), 0.999);
    EXPECT_EQ(probability(*judge_, text + "Was it safe?", text + "Was it expensive?"), 0);
    EXPECT_EQ(probability(*judge_, text + "Was it safe?", text), 0);
  }
}

TEST_F(minilm_judge_with_model_test, takes_the_right_one_of_near_neighbours) {
  std::vector<text_judge::kept_question> kept;
  for (auto* text : {"How many days has May?", "How many days has June?", "How many days has July?",
                     "How many days has a year?"})
    kept.push_back({read_one(*judge_, text).facts, 0.9F});
  auto words = judge_->judge(read_one(*judge_, "how many days has june"), kept);
  ASSERT_EQ(words.size(), 4u);
  EXPECT_GT(words[1].probability, 0.999);
  for (auto i : {0, 2, 3})
    EXPECT_LT(words[static_cast<size_t>(i)].probability, 0.9);
}

TEST_F(minilm_judge_with_model_test, answers_agree_where_they_say_the_same) {
  auto answer = [&](std::string_view text) { return read_one(*judge_, text); };
  EXPECT_TRUE(judge_->agree(answer("Paris."), answer("paris")));
  EXPECT_FALSE(judge_->agree(answer("It is 12."), answer("It is 15.")));
  auto* one = "Photosynthesis is how plants turn sunlight, water and carbon dioxide into sugar and "
              "oxygen; it happens in the chloroplasts of their leaves.";
  auto* reworded = "Photosynthesis is how plants make sugar and oxygen from sunlight, water and "
                   "carbon dioxide; it takes place in the chloroplasts of their leaves.";
  auto* other =
      "A mortgage is a loan for a house that is secured by the house itself; who does not "
      "pay it back may lose the house to the bank.";
  EXPECT_TRUE(judge_->agree(answer(one), answer(reworded)));
  EXPECT_FALSE(judge_->agree(answer(one), answer(other)));
}

} // namespace

} // namespace sluice
