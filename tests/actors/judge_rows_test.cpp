#include "actors/cache/judge/judge.hpp"
#include "runtime/ec.hpp"
#include "tests/support/encoder_model.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <vector>

namespace sluice {
namespace {

struct row {
  std::string a;
  std::string b;
  bool duplicate = false;
  std::string category;
  double probability = 0;
  double cosine = 0;
};

/// Rows whose sources and licences stand beside them. They were trained on: what is held here is
/// that the shipped weights, the encoder and the features still fit each other. Figures of rows
/// that were not trained on stand in docs/judge.md.
std::vector<nlohmann::json> training_rows(const std::string& name) {
  std::ifstream in(std::filesystem::path{SLUICE_SOURCE_DIR} / "actors/cache/judge/training_rows" /
                   name);
  std::vector<nlohmann::json> result;
  for (std::string line; std::getline(in, line);)
    result.push_back(nlohmann::json::parse(line));
  return result;
}

std::vector<row> pairs_of(const std::string& name) {
  std::vector<row> result;
  for (const auto& x : training_rows(name))
    result.push_back({x.at("a"), x.at("b"), x.at("duplicate") == 1, x.value("category", "")});
  return result;
}

/// Every tenth statement with its rewording, and with the rewording of the tenth after it.
std::vector<row> statements() {
  auto rows = training_rows("gptcache_mock.jsonl");
  std::vector<row> result;
  for (size_t i = 0; i + 10 < rows.size(); i += 10) {
    result.push_back({rows[i].at("origin"), rows[i].at("similar"), true, {}});
    result.push_back({rows[i].at("origin"), rows[i + 10].at("similar"), false, {}});
  }
  return result;
}

/// How often a right row has the higher score of two, ties by half (Mann and Whitney 1947).
double area_under_curve(const std::vector<row>& rows, double row::*score) {
  double above = 0;
  double all = 0;
  for (const auto& right : rows)
    for (const auto& wrong : rows)
      if (right.duplicate && !wrong.duplicate) {
        all += 1;
        above += right.*score > wrong.*score ? 1 : right.*score == wrong.*score ? 0.5 : 0;
      }
  return above / all;
}

class judge_rows_test : public testing::Test {
protected:
  void SetUp() override {
    test::skip_without_model("model.safetensors");
    if (IsSkipped())
      return;
    auto loaded = sentence_encoder::load(test::encoder_folder());
    ASSERT_TRUE(loaded) << message_of(loaded.error());
    encoder_ = std::move(*loaded);
    auto weights = parse_weights(shipped_weights());
    ASSERT_TRUE(weights);
    weights_ = *weights;
  }

  std::vector<row> judged(std::vector<row> rows) {
    judge decide{weights_};
    for (auto& x : rows) {
      std::array<std::string_view, 2> texts{x.a, x.b};
      auto encoded = encoder_->encode_words(texts, space_);
      EXPECT_TRUE(encoded);
      if (!encoded)
        return {};
      auto kept = facts_of(x.a, encoded->front());
      auto asked = facts_of(x.b, encoded->back());
      x.probability = decide(asked, kept).probability;
      x.cosine = cosine(asked.vector, kept.vector);
    }
    return rows;
  }

  std::unique_ptr<sentence_encoder> encoder_;
  sentence_encoder::workspace space_;
  judge_weights weights_;
};

TEST_F(judge_rows_test, tells_traps_from_rewordings_and_serves_few) {
  auto rows = judged(pairs_of("fow_pairs.jsonl"));
  ASSERT_EQ(rows.size(), 322u);
  EXPECT_GT(area_under_curve(rows, &row::probability), 0.88);
  size_t served = 0;
  std::map<std::string, std::pair<size_t, size_t>> wrong; // of a category, of how many
  for (const auto& x : rows) {
    auto hit = x.probability >= judge::threshold_default;
    served += hit && x.duplicate ? 1 : 0;
    if (!x.duplicate) {
      wrong[x.category].first += hit ? 1 : 0;
      ++wrong[x.category].second;
    }
  }
  EXPECT_GT(served, rows.size() / 7);
  EXPECT_EQ(wrong.size(), 4u);
  for (const auto& [category, count] : wrong)
    EXPECT_LE(static_cast<double>(count.first), 0.05 * static_cast<double>(count.second))
        << category;
}

TEST_F(judge_rows_test, tells_searches_for_the_same_from_searches_alike) {
  auto rows = judged(pairs_of("langcache_pairs.jsonl"));
  ASSERT_EQ(rows.size(), 376u);
  EXPECT_GT(area_under_curve(rows, &row::probability), 0.945);
  auto wrong = std::ranges::count_if(rows, [](const auto& x) {
    return !x.duplicate && x.probability >= judge::threshold_default;
  });
  EXPECT_LE(wrong, 3);
}

TEST_F(judge_rows_test, keeps_the_order_of_the_cosine_in_free_rewordings) {
  auto rows = judged(statements());
  ASSERT_GT(rows.size(), 150u);
  EXPECT_GT(area_under_curve(rows, &row::probability), area_under_curve(rows, &row::cosine) - 0.02);
}

} // namespace
} // namespace sluice
