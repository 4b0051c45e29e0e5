#include "actors/cache/embedder/embedding_format.hpp"
#include "actors/cache/judge/embedding_judge.hpp"
#include "actors/cache/judge/minilm_judge.hpp"
#include "runtime/ec.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <array>

namespace sluice {
namespace {

embedding_judge_settings settings() {
  embedding_judge_settings result;
  result.model = "e";
  result.dimensions = 2;
  result.similarity_min = 0.8;
  result.answers_agree = 0.9;
  return result;
}

double rank(const std::string& asked, const std::string& kept, float similarity) {
  embedding_judge judge{settings()};
  const std::array<text_judge::kept_question, 1> one{
      {{form_of_embedding(kept, {1, 0}).facts, similarity}}};
  return judge.judge(form_of_embedding(asked, {1, 0}), one).front().probability;
}

TEST(embedding_judge_test, ranks_by_the_cosine_within_the_regions_that_the_bound_counts) {
  auto regions = judge_priors();
  auto low = rank("How can I reset my password?", "Where do I change the password?", 0.8F);
  auto high = rank("How can I reset my password?", "Where do I change the password?", 1.0F);
  EXPECT_GE(low, regions.front().probability_min);
  EXPECT_GT(high, low);
  EXPECT_LT(high, regions.back().probability_min) << "that one is for texts that are the same";
  EXPECT_GE(rank("What's a fork?", "what is a fork", 0.81F), regions.back().probability_min);
}

TEST(embedding_judge_test, guards_overrule_the_cosine) {
  auto lowest = judge_priors().front().probability_min;
  EXPECT_LT(rank("Is it safe to eat?", "Is it not safe to eat?", 0.99F), lowest);
  EXPECT_LT(rank("How old is a dog at 5 years?", "How old is a dog at 7 years?", 0.99F), lowest);
  EXPECT_LT(rank("Trains from Rome to Paris", "Trains from Paris to Rome", 0.99F), lowest);
}

TEST(embedding_judge_test, long_questions_are_the_same_only_as_a_whole) {
  std::string many;
  for (int i = 0; i < 3'000; ++i)
    many += "word ";
  ASSERT_GT(many.size(), embedded_bytes_max);
  EXPECT_EQ(rank(many + "yes", many + "no", 1), 0);
  EXPECT_GE(rank(many + "yes", many + "yes.", 1), judge_priors().back().probability_min);
}

TEST(embedding_judge_test, answers_agree_by_cosine_unless_a_guard_objects) {
  embedding_judge judge{settings()};
  auto agree = [&](const std::string& a, const std::string& b, std::vector<float> near) {
    return judge.agree(form_of_embedding(a, {1, 0}), form_of_embedding(b, std::move(near)));
  };
  EXPECT_TRUE(agree("Yes.", "yes", {0, 1})) << "the same text";
  EXPECT_TRUE(agree("You can do that.", "That can be done.", {0.95F, 0.312F}));
  EXPECT_FALSE(agree("You can do that.", "That can be done.", {0.85F, 0.527F}));
  EXPECT_FALSE(agree("It takes 5 days.", "It takes 7 days.", {1, 0}));
}

TEST(embedding_judge_test, another_model_has_another_version) {
  auto other = settings();
  other.model = "f";
  EXPECT_NE(embedding_judge{settings()}.form_version(), embedding_judge{other}.form_version());
  EXPECT_NE(embedding_judge{settings()}.version(), embedding_judge{other}.version());
  other = settings();
  other.answers_agree = 0.95; // what samples showed may have been shown by a lower one
  EXPECT_EQ(embedding_judge{settings()}.form_version(), embedding_judge{other}.form_version());
  EXPECT_NE(embedding_judge{settings()}.version(), embedding_judge{other}.version());
}

TEST(embedding_format_test, asks_for_what_providers_take) {
  auto body = nlohmann::json::parse(embedding_request({"a", "", std::string(9'000, 'x')}, "e-1"));
  EXPECT_EQ(body["model"], "e-1");
  EXPECT_EQ(body["input"][0], "a");
  EXPECT_EQ(body["input"][1], " ") << "an empty text is refused";
  EXPECT_EQ(body["input"][2].get<std::string>().size(), embedded_bytes_max);
  std::string letters;
  while (letters.size() < 9'000)
    letters += "\xC3\xA9";
  auto cut = nlohmann::json::parse(embedding_request({"x" + letters}, "e"))["input"][0];
  EXPECT_EQ(cut.get<std::string>().size(), embedded_bytes_max - 1) << "between two characters";
}

TEST(embedding_format_test, reads_vectors_in_the_order_of_the_texts) {
  auto found = embeddings_of(R"({"data":[{"index":1,"embedding":[0,2]},)"
                             R"({"index":0,"embedding":[3,4]}]})",
                             2, 2);
  ASSERT_TRUE(found);
  EXPECT_FLOAT_EQ((*found)[0][0], 0.6F);
  EXPECT_FLOAT_EQ((*found)[1][1], 1.0F);
}

TEST(embedding_format_test, says_what_is_wrong_with_a_reply) {
  auto wrong = [](const std::string& body) {
    auto found = embeddings_of(body, 1, 2);
    EXPECT_FALSE(found);
    EXPECT_EQ(code_of(found.error()), ec::upstream_bad_response);
    return message_of(found.error());
  };
  using testing::HasSubstr;
  EXPECT_THAT(wrong("no"), HasSubstr("no list"));
  EXPECT_THAT(wrong(R"({"data":[]})"), HasSubstr("0 vectors came for 1"));
  EXPECT_THAT(wrong(R"({"data":[{"index":0,"embedding":[1,2,3]}]})"), HasSubstr("has 3 numbers"));
  EXPECT_THAT(wrong(R"({"data":[{"index":0,"embedding":[1,"x"]}]})"), HasSubstr("no number"));
  EXPECT_THAT(wrong(R"({"data":[{"index":0,"embedding":[0,0]}]})"), HasSubstr("no direction"));
  EXPECT_THAT(wrong(R"({"data":[{"index":0,"embedding":"AAAA"}]})"), HasSubstr("no list"));
  EXPECT_THAT(wrong(R"({"data":[{"index":1,"embedding":[1,2]}]})"), HasSubstr("numbered"));
}

} // namespace
} // namespace sluice
