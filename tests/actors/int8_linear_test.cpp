#include "actors/cache/encoder/int8_linear.hpp"

#include <gtest/gtest.h>

#include <cmath>

namespace sluice {
namespace {

/// The greatest error of a product of three rows, one with inputs far above the others.
float greatest_error(const outlier_inputs* outliers) {
  constexpr size_t inputs = 64;
  constexpr size_t outputs = 32;
  constexpr size_t rows = 3;
  dnnl::engine engine{dnnl::engine::kind::cpu, 0};
  int8_linear_kernels kernels(engine, {inputs, outputs, epilogue::store});
  std::vector<float> x(4 * inputs), weight(inputs * outputs), bias(outputs), y(4 * outputs);
  for (size_t i = 0; i < x.size(); ++i)
    x[i] = std::sin(static_cast<float>(i));
  for (size_t i = 0; i < weight.size(); ++i)
    weight[i] = std::cos(static_cast<float>(i));
  for (size_t i = 0; i < outputs; ++i)
    bias[i] = static_cast<float>(i);
  x[inputs + 5] = 100.0f;
  x[inputs + 60] = -70.0f;
  auto layer = kernels.layer(weight, bias, outliers);
  onednn_run run(engine);
  layer->apply(x.data(), rows, y.data(), run);
  auto result = 0.0f;
  for (size_t i = 0; i < rows; ++i)
    for (size_t j = 0; j < outputs; ++j) {
      auto expected = double{bias[j]};
      for (size_t k = 0; k < inputs; ++k)
        expected += double{x[i * inputs + k]} * weight[j * inputs + k];
      result = std::max(result, static_cast<float>(std::abs(expected - y[i * outputs + j])));
    }
  return result;
}

class int8_linear_test : public testing::Test {
protected:
  void SetUp() override {
    dnnl::engine engine{dnnl::engine::kind::cpu, 0};
    int8_linear_kernels sample(engine, {64, 32, epilogue::store});
    if (!sample.exact())
      GTEST_SKIP() << "this processor does not add bytes exactly";
  }
};

TEST_F(int8_linear_test, outliers_cost_the_others_nothing) {
  outlier_inputs outliers{5, 60, 2, 7, 11, 13, 17, 19};
  EXPECT_GT(greatest_error(nullptr), 0.5f);
  EXPECT_LT(greatest_error(&outliers), 0.1f);
}

} // namespace
} // namespace sluice
