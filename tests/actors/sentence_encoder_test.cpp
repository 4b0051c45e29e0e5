#include "actors/cache/encoder/sentence_encoder.hpp"

#include "actors/cache/encoder/row_buckets.hpp"
#include "runtime/ec.hpp"
#include "tests/support/encoder_model.hpp"
#include "tests/support/temporary_folder.hpp"

#include <gmock/gmock.h>

#include <cmath>
#include <thread>

namespace sluice {
namespace {

using testing::HasSubstr;

TEST(row_buckets_test, every_number_of_rows_has_the_next_in_the_list) {
  auto list = row_buckets::list();
  EXPECT_EQ(list.back(), row_buckets::rows_max);
  for (size_t rows = 1; rows <= row_buckets::rows_max; ++rows) {
    auto next = std::ranges::lower_bound(list, rows);
    EXPECT_EQ(row_buckets::round_up(rows), *next);
    EXPECT_EQ(row_buckets::index(rows), static_cast<size_t>(next - list.begin()));
  }
}

/// Cosine and greatest difference of two vectors of length 1.
struct agreement {
  double cosine = 0;
  double difference = 0;
};

agreement compare(std::span<const float> a, std::span<const float> b) {
  agreement result;
  for (size_t i = 0; i < a.size(); ++i) {
    result.cosine += double{a[i]} * b[i];
    result.difference = std::max(result.difference, std::abs(double{a[i]} - b[i]));
  }
  return result;
}

struct reference {
  std::vector<std::string> texts;
  std::vector<std::vector<float>> vectors;

  std::vector<std::string_view> views() const& { return {texts.begin(), texts.end()}; }
};

reference read_reference() {
  reference result;
  for (const auto& line : test::encoder_fixture("vectors.jsonl")) {
    result.texts.push_back(line["text"]);
    result.vectors.push_back(line["vector"]);
  }
  return result;
}

class sentence_encoder_test : public testing::Test {
protected:
  void SetUp() override {
    test::skip_without_model("model.safetensors");
    if (IsSkipped())
      return;
    auto loaded = sentence_encoder::load(test::encoder_folder());
    ASSERT_TRUE(loaded) << message_of(loaded.error());
    encoder_ = std::move(*loaded);
  }

  void load_int8() {
    auto loaded = sentence_encoder::load(test::encoder_folder(), encoder_precision::int8);
    ASSERT_TRUE(loaded) << message_of(loaded.error());
    encoder_ = std::move(*loaded);
  }

  embedding_matrix encode(std::span<const std::string_view> texts) {
    auto result = encoder_->encode(texts, space_);
    EXPECT_TRUE(result) << message_of(result.error());
    return result ? *result : embedding_matrix{};
  }

  std::unique_ptr<sentence_encoder> encoder_;
  sentence_encoder::workspace space_;
};

TEST_F(sentence_encoder_test, gives_the_vectors_of_the_reference) {
  auto expected = read_reference();
  ASSERT_GE(expected.texts.size(), 20u);
  agreement worst{1, 0};
  for (size_t i = 0; i < expected.texts.size(); ++i) {
    std::string_view text = expected.texts[i];
    auto found = compare(encode({&text, 1}).row(0), expected.vectors[i]);
    EXPECT_GE(found.cosine, 0.9999) << text;
    EXPECT_LE(found.difference, 1e-5) << text;
    worst = {std::min(worst.cosine, found.cosine), std::max(worst.difference, found.difference)};
  }
  std::cout << "worst cosine " << worst.cosine << ", greatest difference " << worst.difference
            << "\n";
}

TEST_F(sentence_encoder_test, neighbours_change_nothing) {
  auto expected = read_reference();
  auto texts = expected.views();
  auto together = encode(texts);
  ASSERT_EQ(together.rows(), texts.size());
  for (size_t i = 0; i < texts.size(); ++i) {
    auto alone = encode({&texts[i], 1});
    EXPECT_LE(compare(alone.row(0), together.row(i)).difference, 1e-5) << texts[i];
  }
}

TEST_F(sentence_encoder_test, eight_bits_stay_close_to_the_reference) {
  load_int8();
  auto expected = read_reference();
  agreement worst{1, 0};
  for (size_t i = 0; i < expected.texts.size(); ++i) {
    std::string_view text = expected.texts[i];
    auto found = compare(encode({&text, 1}).row(0), expected.vectors[i]);
    EXPECT_GE(found.cosine, 0.998) << text;
    worst = {std::min(worst.cosine, found.cosine), std::max(worst.difference, found.difference)};
  }
  std::cout << (encoder_->precision() == encoder_precision::int8 ? "int8" : "fp32 for int8")
            << ": worst cosine " << worst.cosine << ", greatest difference " << worst.difference
            << "\n";
}

TEST_F(sentence_encoder_test, eight_bits_stay_close_for_few_and_equal_tokens) {
  // Errors of many different tokens cancel out; those of few, or of the same ones, do not.
  std::vector<std::string> texts{
      "Thank you.", "Thanks. Unrelated question.", "go ahead", "???", "---", ":", "(", "ok"};
  for (size_t count : {1, 7, 100, 300}) {
    std::string words, marks;
    for (size_t i = 0; i < count; ++i) {
      words += "card ";
      marks += "!";
    }
    texts.insert(texts.end(), {words, marks});
  }
  std::vector<std::string_view> views(texts.begin(), texts.end());
  auto expected = encode(views);
  load_int8();
  auto found = encode(views);
  ASSERT_EQ(found.rows(), texts.size());
  for (size_t i = 0; i < texts.size(); ++i)
    EXPECT_GE(compare(found.row(i), expected.row(i)).cosine, 0.998) << texts[i];
}

TEST_F(sentence_encoder_test, in_eight_bits_neighbours_change_nothing_either) {
  load_int8();
  auto expected = read_reference();
  auto texts = expected.views();
  auto together = encode(texts);
  ASSERT_EQ(together.rows(), texts.size());
  for (size_t i = 0; i < texts.size(); ++i) {
    // A rounding that falls the other way moves a code by one: more than in single precision.
    auto alone = encode({&texts[i], 1});
    EXPECT_GE(compare(alone.row(0), together.row(i)).cosine, 0.9999) << texts[i];
  }
}

TEST_F(sentence_encoder_test, the_similarities_are_the_published_ones) {
  std::string_view texts[] = {"The weather is lovely today.", "It's so sunny outside!",
                              "He drove to the stadium."};
  auto x = encode(texts);
  EXPECT_NEAR(compare(x.row(0), x.row(1)).cosine, 0.6660, 1e-4);
  EXPECT_NEAR(compare(x.row(0), x.row(2)).cosine, 0.1046, 1e-4);
  EXPECT_NEAR(compare(x.row(1), x.row(2)).cosine, 0.1411, 1e-4);
}

TEST_F(sentence_encoder_test, every_length_up_to_the_longest_gives_a_unit_vector) {
  std::string text;
  for (size_t tokens = 2; tokens <= sentence_encoder::tokens_max + 2; tokens += 3) {
    std::string_view view = text;
    EXPECT_EQ(encoder_->token_count(view), std::min(tokens, sentence_encoder::tokens_max));
    auto row = encode({&view, 1});
    EXPECT_NEAR(compare(row.row(0), row.row(0)).cosine, 1.0, 1e-5);
    text += " one two three";
  }
}

TEST_F(sentence_encoder_test, memory_used_again_gives_the_same) {
  std::string_view text = "How do I reset my password?";
  auto first = encode({&text, 1});
  std::string longest;
  for (int i = 0; i < 300; ++i)
    longest += "word ";
  for (int i = 0; i < 20; ++i) {
    std::string_view view = longest;
    encode({&view, 1});
    EXPECT_EQ(encode({&text, 1}).values, first.values);
  }
}

TEST_F(sentence_encoder_test, no_text_no_vector) {
  EXPECT_EQ(encode({}).rows(), 0u);
}

TEST_F(sentence_encoder_test, threads_share_one) {
  auto known = read_reference();
  auto texts = known.views();
  auto expected = encode(texts);
  std::vector<std::thread> threads;
  std::vector<std::vector<float>> found(3);
  for (auto& out : found)
    threads.emplace_back([&] {
      sentence_encoder::workspace space;
      if (auto x = encoder_->encode(texts, space))
        out = std::move(x->values);
    });
  for (auto& x : threads)
    x.join();
  for (const auto& x : found)
    EXPECT_EQ(x, expected.values);
}

TEST_F(sentence_encoder_test, says_which_file_is_not_the_models) {
  test::temporary_folder folder;
  auto why = [&] {
    auto x = sentence_encoder::load(folder.path());
    return x ? std::string{} : message_of(x.error());
  };
  EXPECT_THAT(why(), HasSubstr("vocab.txt"));
  std::filesystem::copy(test::encoder_folder() / "vocab.txt", folder.path());
  EXPECT_THAT(why(), HasSubstr("model.safetensors: No such file"));
  std::ofstream(folder.path() / "model.safetensors") << "not a model, but long enough";
  EXPECT_THAT(why(), HasSubstr("model.safetensors: has"));
  std::ofstream(folder.path() / "model.safetensors", std::ios::binary)
      << std::string("\2\0\0\0\0\0\0\0{}", 10);
  EXPECT_THAT(why(), HasSubstr("has no tensor embeddings.word_embeddings.weight"));
}

} // namespace
} // namespace sluice
