#pragma once

#include "actors/cache/encoder/linear.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace sluice {

/// All lengths here are multiples of this, so that compilers see how many numbers to take at once.
inline constexpr size_t quantised_lanes = 16;

/// What turns the sums of one output back into numbers: with x = least + step · code, w = scale ·
/// weight code and b, Σ x w + b = step · scale · Σ code · weight code + least · total + b, where
/// total is Σ w.
struct output_scales {
  std::vector<float> scale;
  std::vector<float> total;
  std::vector<float> bias;
};

/// Rounds `weight`, (outputs, inputs) row by row, to -127 … 127 in `codes`, each row by its own
/// greatest magnitude. The number of outputs is that of `bias`.
output_scales quantise_weights(std::span<const float> weight, std::span<const float> bias,
                               std::span<int8_t> codes);

/// Rounds `x` to 0 … 255 in `codes`, from its least to its greatest number. What is not finite
/// becomes some code: the caller looks at the result's length.
code_range quantise_row(std::span<const float> x, uint8_t* codes);

/// The numbers behind a row of `sums`.
void restore_row(const int32_t* sums, code_range from, const output_scales& by,
                 std::span<float> out);

/// The same, added to `out`.
void add_restored_row(const int32_t* sums, code_range from, const output_scales& by,
                      std::span<float> out);

/// Adds to `out` what the outliers `x` contribute: `weights` has a row of `out.size()` for each.
void add_outliers(const std::array<float, outlier_count>& x, std::span<const float> weights,
                  std::span<float> out);

} // namespace sluice
