#include "actors/batching/share_out.hpp"

#include "tests/support/random_test.hpp"

#include <gmock/gmock.h>

#include <limits>
#include <numeric>

namespace sluice {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

std::vector<int64_t> shared(int64_t total, std::vector<int64_t> weights) {
  return share_out(total, weights);
}

TEST(share_out_test, divides_in_proportion) {
  EXPECT_THAT(shared(100, {1, 2, 7}), ElementsAre(10, 20, 70));
  EXPECT_THAT(shared(0, {1, 2}), ElementsAre(0, 0));
  EXPECT_THAT(shared(5, {}), IsEmpty());
}

TEST(share_out_test, gives_what_is_left_to_the_largest_remainders) {
  // Exact shares are 1.7, 4.25 and 11.05.
  EXPECT_THAT(shared(17, {2, 5, 13}), ElementsAre(2, 4, 11));
}

TEST(share_out_test, gives_the_earlier_what_nobody_deserves_more) {
  EXPECT_THAT(shared(5, {1, 1, 1}), ElementsAre(2, 2, 1));
  EXPECT_THAT(shared(1, {3, 3, 3}), ElementsAre(1, 0, 0));
}

TEST(share_out_test, shares_equally_where_nobody_has_a_weight) {
  EXPECT_THAT(shared(7, {0, 0}), ElementsAre(4, 3));
  EXPECT_THAT(shared(7, {0, -5, 1}), ElementsAre(0, 0, 7)) << "a negative weight is none";
}

TEST(share_out_test, divides_the_largest_numbers) {
  constexpr auto most = std::numeric_limits<int64_t>::max();
  EXPECT_THAT(shared(most, {most, most}), ElementsAre(most / 2 + 1, most / 2));
  EXPECT_THAT(shared(-7, {1, 1}), ElementsAre(-3, -4)) << "wrong totals are divided all the same";
}

TEST(share_out_test, divides_each_bucket_by_its_own_weights) {
  std::vector<token_usage> weights{{1, 0, 0, 9, 0}, {3, 0, 0, 1, 0}};
  std::vector<int64_t> otherwise{1, 1};
  auto parts = share_usage({8, 6, 0, 10, 0}, weights, otherwise);
  EXPECT_THAT(parts, ElementsAre(token_usage{2, 3, 0, 9, 0}, token_usage{6, 3, 0, 1, 0}));
}

TEST(share_out_test, nobody_pays_for_anothers_fraction) {
  // At 0.4 nano-dollars a token the parts cost 0.4, 0.8 and 1.2, the whole 2.4, rounded up 3.
  std::vector<token_usage> parts{{1, 0, 0, 0, 0}, {2, 0, 0, 0, 0}, {3, 0, 0, 0, 0}};
  auto costs = share_cost(parts, {400'000, 0, 0, 0, 0});
  ASSERT_TRUE(costs);
  EXPECT_THAT(*costs, ElementsAre(nanousd{1}, nanousd{1}, nanousd{1}));
  costs = share_cost(std::vector<token_usage>(2), {400'000, 0, 0, 0, 0});
  ASSERT_TRUE(costs);
  EXPECT_THAT(*costs, ElementsAre(nanousd{0}, nanousd{0}));
}

TEST(share_out_test, has_no_cost_where_the_costing_function_has_none) {
  constexpr auto most = std::numeric_limits<int64_t>::max();
  std::vector<token_usage> parts{{most, 0, 0, 0, 0}, {most, 0, 0, 0, 0}};
  EXPECT_FALSE(share_cost(parts, {1, 0, 0, 0, 0})) << "the sum is out of range";
  parts = {{most, 0, 0, 0, 0}};
  EXPECT_FALSE(share_cost(parts, {most, 0, 0, 0, 0}));
  parts = {{-1, 0, 0, 0, 0}};
  EXPECT_FALSE(share_cost(parts, {1, 0, 0, 0, 0}));
}

class share_out_property : public test::random_test {
protected:
  /// Of any magnitude, zero included.
  int64_t some() { return static_cast<int64_t>(random() >> (1 + below(63))); }
  token_usage usage(int bits) {
    auto number = [&] {
      return static_cast<int64_t>(below(2) << below(static_cast<uint64_t>(bits)));
    };
    return {number(), number(), number(), number(), number()};
  }
};

__extension__ typedef __int128 int128;

TEST_F(share_out_property, parts_sum_to_the_whole_and_are_within_one_of_exact) {
  for (int round = 0; round < 2'000; ++round) {
    auto total = some();
    std::vector<int64_t> weights(1 + below(40));
    for (auto& x : weights)
      x = some();
    auto parts = share_out(total, weights);
    ASSERT_EQ(parts.size(), weights.size());
    int128 parts_sum = 0, weights_sum = 0;
    for (size_t i = 0; i < parts.size(); ++i) {
      parts_sum += parts[i];
      weights_sum += weights[i];
    }
    ASSERT_TRUE(parts_sum == total);
    if (weights_sum == 0)
      continue;
    for (size_t i = 0; i < parts.size(); ++i) {
      auto floor = int128{total} * weights[i] / weights_sum;
      ASSERT_TRUE(parts[i] >= floor && parts[i] <= floor + 1) << "part " << i;
      ASSERT_TRUE(weights[i] != 0 || parts[i] == 0);
    }
  }
}

TEST_F(share_out_property, costs_sum_to_the_call_and_nobody_pays_more_than_alone) {
  for (int round = 0; round < 2'000; ++round) {
    std::vector<token_usage> parts(1 + below(40));
    token_usage whole;
    for (auto& x : parts) {
      x = usage(20);
      whole = {whole.input + x.input, whole.cache_read + x.cache_read,
               whole.cache_write + x.cache_write, whole.output + x.output,
               whole.reasoning + x.reasoning};
    }
    auto price_of = [&] { return static_cast<int64_t>(below(1U << below(32))); };
    token_price price{price_of(), price_of(), price_of(), price_of(), price_of()};
    auto costs = share_cost(parts, price);
    ASSERT_TRUE(costs);
    nanousd sum;
    for (size_t i = 0; i < parts.size(); ++i) {
      auto alone = *cost(parts[i], price);
      sum += (*costs)[i];
      ASSERT_LE((*costs)[i], alone);
      ASSERT_GE((*costs)[i].value, alone.value - 1);
      ASSERT_TRUE(!(parts[i] == token_usage{}) || (*costs)[i] == nanousd{0});
    }
    ASSERT_EQ(sum, *cost(whole, price));
  }
}

TEST_F(share_out_property, usage_that_is_the_sum_of_the_weights_comes_back_as_them) {
  for (int round = 0; round < 500; ++round) {
    std::vector<token_usage> own(1 + below(20));
    std::vector<int64_t> otherwise(own.size(), 1);
    token_usage whole;
    for (auto& x : own) {
      x = usage(30);
      whole = {whole.input + x.input, whole.cache_read + x.cache_read,
               whole.cache_write + x.cache_write, whole.output + x.output,
               whole.reasoning + x.reasoning};
    }
    ASSERT_EQ(share_usage(whole, own, otherwise), own);
  }
}

} // namespace
} // namespace sluice
