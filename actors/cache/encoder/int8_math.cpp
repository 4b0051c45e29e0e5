#include "actors/cache/encoder/int8_math.hpp"

#include "actors/cache/encoder/vector_clones.hpp"

#include <algorithm>
#include <bit>
#include <cmath>

namespace sluice {

namespace {

constexpr float weight_code_max = 127.0f;
constexpr float input_code_max = 255.0f;

/// From 2^23 on floats are whole numbers, and their last bits are the number's: adding it rounds,
/// and the lowest byte is the code. A conversion would be undefined for what is no number.
constexpr float integers_from = 8388608.0f;

/// Least and greatest, side by side as in `row_math`.
struct extremes {
  float least[quantised_lanes];
  float greatest[quantised_lanes];
};

[[gnu::always_inline]] inline extremes extremes_of(std::span<const float> x) {
  extremes result;
  std::copy_n(x.data(), quantised_lanes, result.least);
  std::copy_n(x.data(), quantised_lanes, result.greatest);
  for (size_t i = quantised_lanes; i < x.size(); i += quantised_lanes)
    for (size_t j = 0; j < quantised_lanes; ++j) {
      auto y = x[i + j];
      result.least[j] = y < result.least[j] ? y : result.least[j];
      result.greatest[j] = y > result.greatest[j] ? y : result.greatest[j];
    }
  return result;
}

} // namespace

output_scales quantise_weights(std::span<const float> weight, std::span<const float> bias,
                               std::span<int8_t> codes) {
  output_scales result;
  result.bias.assign(bias.begin(), bias.end());
  auto inputs = weight.size() / bias.size();
  for (size_t i = 0; i < bias.size(); ++i) {
    auto row = weight.subspan(i * inputs, inputs);
    auto greatest = 0.0f;
    for (auto w : row)
      greatest = std::max(greatest, std::abs(w));
    // A row of zeros, or of what is no number, has the code 0 throughout.
    auto usable = greatest > 0.0f && std::isfinite(greatest);
    auto scale = usable ? greatest / weight_code_max : 0.0f;
    int32_t total = 0;
    for (size_t j = 0; j < inputs; ++j) {
      auto code = usable ? std::clamp(row[j] / scale, -weight_code_max, weight_code_max) : 0.0f;
      auto rounded = std::isnan(code) ? int8_t{0} : static_cast<int8_t>(std::lrint(code));
      codes[i * inputs + j] = rounded;
      total += rounded;
    }
    result.scale.push_back(scale);
    result.total.push_back(scale * static_cast<float>(total));
  }
  return result;
}

SLUICE_VECTOR_CLONES code_range quantise_row(std::span<const float> x, uint8_t* codes) {
  auto found = extremes_of(x);
  auto least = *std::ranges::min_element(found.least);
  auto step = (*std::ranges::max_element(found.greatest) - least) / input_code_max;
  if (!(step > 0.0f) || !std::isfinite(step)) {
    // All are the same, and that is `least`.
    std::fill_n(codes, x.size(), uint8_t{0});
    return {least, 0.0f};
  }
  auto factor = 1.0f / step;
  const auto* __restrict from = x.data();
  auto* __restrict to = codes;
  for (size_t i = 0; i < x.size(); ++i)
    to[i] =
        static_cast<uint8_t>(std::bit_cast<uint32_t>((from[i] - least) * factor + integers_from));
  return {least, step};
}

namespace {

/// Through bare pointers that do not overlap, which is what a compiler needs to know.
template <bool Added>
[[gnu::always_inline]] inline void restore(const int32_t* __restrict sums, code_range from,
                                           const output_scales& by, std::span<float> out) {
  const auto* __restrict scale = by.scale.data();
  const auto* __restrict total = by.total.data();
  const auto* __restrict bias = by.bias.data();
  auto* __restrict y = out.data();
  for (size_t i = 0; i < out.size(); ++i) {
    auto x = static_cast<float>(sums[i]) * scale[i] * from.step + total[i] * from.least + bias[i];
    y[i] = Added ? y[i] + x : x;
  }
}

} // namespace

SLUICE_VECTOR_CLONES void restore_row(const int32_t* sums, code_range from, const output_scales& by,
                                      std::span<float> out) {
  restore<false>(sums, from, by, out);
}

SLUICE_VECTOR_CLONES void add_restored_row(const int32_t* sums, code_range from,
                                           const output_scales& by, std::span<float> out) {
  restore<true>(sums, from, by, out);
}

SLUICE_VECTOR_CLONES void add_outliers(const std::array<float, outlier_count>& x,
                                       std::span<const float> weights, std::span<float> out) {
  const auto* __restrict w = weights.data();
  auto* __restrict y = out.data();
  const auto size = out.size();
  for (size_t i = 0; i < size; ++i) {
    static_assert(outlier_count == 8);
    y[i] +=
        ((x[0] * w[i] + x[1] * w[size + i]) + (x[2] * w[2 * size + i] + x[3] * w[3 * size + i])) +
        ((x[4] * w[4 * size + i] + x[5] * w[5 * size + i]) +
         (x[6] * w[6 * size + i] + x[7] * w[7 * size + i]));
  }
}

} // namespace sluice
