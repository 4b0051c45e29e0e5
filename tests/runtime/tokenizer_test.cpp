#include "runtime/tokens/tokenizer.hpp"

#include "runtime/tokens/byte_pairs.hpp"
#include "runtime/tokens/token_ranks.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <fstream>
#include <random>

namespace sluice {
namespace {

const char* name_of(token_encoding x) {
  return x == token_encoding::cl100k_base ? "cl100k_base" : "o200k_base";
}

constexpr std::array both{token_encoding::cl100k_base, token_encoding::o200k_base};

TEST(tokenizer_test, gives_the_references_tokens) {
  std::ifstream in{SLUICE_SOURCE_DIR "/tests/runtime/fixtures/tokens.jsonl"};
  std::string line;
  size_t rows = 0;
  for (; std::getline(in, line); ++rows) {
    auto row = nlohmann::json::parse(line);
    auto text = row["text"].get<std::string>();
    for (auto encoding : both) {
      auto& x = tokenizer::of(encoding);
      EXPECT_EQ(x.encode(text), row[name_of(encoding)].get<std::vector<uint32_t>>())
          << name_of(encoding) << ": " << row["text"];
      EXPECT_EQ(x.count(text), row[name_of(encoding)].size());
    }
  }
  EXPECT_GT(rows, 150u);
}

TEST(tokenizer_test, counts_what_is_no_utf8_by_its_bytes) {
  for (auto encoding : both) {
    auto& x = tokenizer::of(encoding);
    EXPECT_EQ(x.count("ok"), 1u);
    EXPECT_EQ(x.encode("ok\xff\xfe").size(), 3u);
    EXPECT_EQ(x.encode("\xe2\x82").size(), 2u) << "cut off";
    EXPECT_EQ(x.encode(std::string_view{"\0", 1}).size(), 1u);
  }
}

TEST(tokenizer_test, no_text_has_more_tokens_than_bytes) {
  std::mt19937 random{1};
  for (int i = 0; i < 2'000; ++i) {
    std::string text(random() % 60, ' ');
    for (auto& c : text)
      c = static_cast<char>(random());
    for (auto encoding : both)
      EXPECT_LE(tokenizer::of(encoding).count(text), text.size());
  }
}

TEST(tokenizer_test, joins_long_pieces_as_it_does_short_ones) {
  token_ranks ranks{token_encoding::cl100k_base};
  EXPECT_EQ(ranks.size(), 100'256u);
  // A piece of 64 bytes is joined without a queue and one of 65 with it: of a text that falls apart
  // in the middle, both ways give the halves' tokens.
  std::mt19937 random{2};
  for (int i = 0; i < 500; ++i) {
    std::string half(40, ' ');
    for (auto& c : half)
      c = static_cast<char>('a' + random() % 26);
    std::vector<uint32_t> apart;
    join_byte_pairs(ranks, half, apart);
    // No token has these two bytes in it.
    auto mark = std::string{"\xff\xfe"};
    join_byte_pairs(ranks, mark, apart);
    join_byte_pairs(ranks, half, apart);
    std::vector<uint32_t> together;
    join_byte_pairs(ranks, half + mark + half, together);
    EXPECT_EQ(together, apart) << half;
  }
}

TEST(tokenizer_test, a_long_piece_takes_no_square_of_its_length) {
  // A square would be 10^11 steps and outlive the test's patience by far.
  auto text = std::string(1 << 18, 'a');
  EXPECT_EQ(tokenizer::of(token_encoding::o200k_base).count(text), (1u << 18) / 8);
}

TEST(tokenizer_test, knows_what_a_model_uses) {
  for (auto older : {"gpt-4", "gpt-4-turbo-2024-04-09", "gpt-3.5-turbo", "gpt-35-turbo",
                     "text-embedding-3-small", "text-embedding-ada-002"})
    EXPECT_EQ(token_encoding_of(older), token_encoding::cl100k_base) << older;
  for (auto newer : {"gpt-4o", "gpt-4o-mini", "gpt-4.1-nano", "gpt-5", "o3-mini", "claude-x", ""})
    EXPECT_EQ(token_encoding_of(newer), token_encoding::o200k_base) << newer;
}

} // namespace
} // namespace sluice
