#include "actors/cache/encoder/int8_math.hpp"

#include <gmock/gmock.h>

#include <array>
#include <cmath>
#include <limits>

namespace sluice {
namespace {

using testing::Each;
using testing::ElementsAre;

/// A row of 16 numbers: `x`, then the first again and again.
std::vector<float> row_of(std::vector<float> x) {
  x.resize(quantised_lanes, x.front());
  return x;
}

TEST(int8_math_test, codes_reach_from_the_least_to_the_greatest) {
  auto x = row_of({-1.0f, 4.1f, 0.0f, 1.55f});
  std::vector<uint8_t> codes(x.size());
  auto range = quantise_row(x, codes.data());
  EXPECT_FLOAT_EQ(range.least, -1.0f);
  EXPECT_FLOAT_EQ(range.step, 0.02f);
  codes.resize(4);
  EXPECT_EQ(codes[0], 0);
  EXPECT_EQ(codes[1], 255);
  EXPECT_EQ(codes[2], 50);
  EXPECT_NEAR(codes[3], 127.5, 0.6);
}

TEST(int8_math_test, a_row_of_one_number_is_that_number) {
  std::vector<float> x(quantised_lanes, 3.5f);
  std::vector<uint8_t> codes(x.size(), 9);
  auto range = quantise_row(x, codes.data());
  EXPECT_EQ(range.least, 3.5f);
  EXPECT_EQ(range.step, 0.0f);
  EXPECT_THAT(codes, Each(0));
}

TEST(int8_math_test, bears_what_is_no_number) {
  for (auto odd : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity(),
                   -std::numeric_limits<float>::infinity(), std::numeric_limits<float>::max()})
    for (size_t place : {size_t{0}, quantised_lanes - 1}) {
      auto x = row_of({-std::numeric_limits<float>::max(), 1.0f});
      x[place] = odd;
      std::vector<uint8_t> codes(x.size());
      quantise_row(x, codes.data());
      std::vector<int8_t> weights(x.size());
      quantise_weights(x, std::vector<float>(1), weights);
    }
}

TEST(int8_math_test, sums_come_back_as_products) {
  auto x = row_of({-0.7f, 1.3f, 0.4f, 0.1f, 2.2f});
  // Sixteen outputs, each of sixteen weights, so that lengths are whole.
  std::vector<float> weight(quantised_lanes * quantised_lanes);
  std::vector<float> bias(quantised_lanes);
  for (size_t i = 0; i < weight.size(); ++i)
    weight[i] = std::sin(static_cast<float>(i));
  for (size_t i = 0; i < bias.size(); ++i)
    bias[i] = static_cast<float>(i);
  std::vector<int8_t> weight_codes(weight.size());
  auto scales = quantise_weights(weight, bias, weight_codes);
  std::vector<uint8_t> codes(x.size());
  auto range = quantise_row(x, codes.data());
  std::vector<int32_t> sums(bias.size());
  std::vector<float> expected = bias;
  for (size_t i = 0; i < bias.size(); ++i)
    for (size_t j = 0; j < x.size(); ++j) {
      sums[i] += codes[j] * weight_codes[i * x.size() + j];
      expected[i] += x[j] * weight[i * x.size() + j];
    }
  std::vector<float> out(bias.size(), 100.0f);
  restore_row(sums.data(), range, scales, out);
  for (size_t i = 0; i < out.size(); ++i)
    EXPECT_NEAR(out[i], expected[i], 0.08) << i; // sixteen roundings of half a step each
  add_restored_row(sums.data(), range, scales, out);
  for (size_t i = 0; i < out.size(); ++i)
    EXPECT_NEAR(out[i], 2 * expected[i], 0.16) << i;
}

TEST(int8_math_test, outliers_are_added_as_they_are) {
  std::array<float, outlier_count> x{1.0f, -2.0f, 30.0f, 0.5f, 0.0f, 4.0f, -8.0f, 0.25f};
  constexpr size_t outputs = quantised_lanes;
  std::vector<float> weights(outlier_count * outputs);
  for (size_t i = 0; i < weights.size(); ++i)
    weights[i] = std::cos(static_cast<float>(i));
  std::vector<float> out(outputs, 3.0f);
  add_outliers(x, weights, out);
  for (size_t i = 0; i < outputs; ++i) {
    auto expected = 3.0;
    for (size_t j = 0; j < outlier_count; ++j)
      expected += double{x[j]} * weights[j * outputs + i];
    EXPECT_NEAR(out[i], expected, 1e-4) << i;
  }
}

TEST(int8_math_test, weights_of_zero_stay_zero) {
  std::vector<int8_t> codes(quantised_lanes, 7);
  auto scales =
      quantise_weights(std::vector<float>(quantised_lanes), std::vector<float>{2.0f}, codes);
  EXPECT_THAT(codes, Each(0));
  EXPECT_THAT(scales.scale, ElementsAre(0.0f));
  EXPECT_THAT(scales.total, ElementsAre(0.0f));
  EXPECT_THAT(scales.bias, ElementsAre(2.0f));
}

} // namespace
} // namespace sluice
