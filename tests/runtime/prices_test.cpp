#include "runtime/prices.hpp"

#include <gtest/gtest.h>

#include <set>

using namespace sluice;

TEST(prices_test, knows_each_model_once) {
  std::set<std::pair<std::string_view, std::string_view>> names;
  for (auto& x : builtin_prices())
    EXPECT_TRUE(names.emplace(x.provider, x.model).second) << x.model;
  EXPECT_GE(names.size(), 40u);
}

TEST(prices_test, has_plausible_rows) {
  // Between a tenth of a cent and a thousand dollars per million tokens: what lies outside has
  // most likely the wrong unit.
  constexpr int64_t least = 1'000'000;
  constexpr int64_t most = 1'000'000'000'000;
  for (auto& x : builtin_prices()) {
    SCOPED_TRACE(x.model);
    bool writes = x.kind != endpoint::embeddings;
    EXPECT_GE(x.price.input, least);
    EXPECT_LE(x.price.cache_read, x.price.input);
    EXPECT_GE(x.price.cache_read, least);
    EXPECT_GE(x.price.cache_write, x.price.input);
    EXPECT_EQ(x.price.output > 0, writes);
    EXPECT_GE(x.price.reasoning, x.price.output);
    EXPECT_LE(std::max(x.price.reasoning, x.price.cache_write), most);
    EXPECT_GT(x.context_tokens_max, 0);
    EXPECT_EQ(x.output_tokens_max > 0, writes);
    EXPECT_LT(x.long_from, x.context_tokens_max);
  }
}

TEST(prices_test, finds_a_model_at_its_provider) {
  auto x = find_builtin_price("openai", "gpt-4o");
  ASSERT_TRUE(x);
  EXPECT_EQ(x->price, (token_price{2'500'000'000, 1'250'000'000, 2'500'000'000, 10'000'000'000,
                                   10'000'000'000}));
  EXPECT_EQ(find_builtin_price("anthropic", "gpt-4o"), nullptr);
  EXPECT_EQ(find_builtin_price("openai", "gpt-4"), nullptr);
}

TEST(prices_test, says_where_and_when_a_price_was_read) {
  auto x = price_entry_of(*find_builtin_price("openai", "gpt-4o"));
  EXPECT_TRUE(x.version.starts_with("builtin-20")) << x.version;
  EXPECT_NE(x.source.find("litellm"), std::string::npos);
}
