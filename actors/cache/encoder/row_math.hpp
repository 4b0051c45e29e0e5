#pragma once

#include <span>

namespace sluice {

/// The sum of `x`.
float row_sum(std::span<const float> x);

/// Layer normalisation in place (Ba, Kiros and Hinton 2016, arXiv:1607.06450): mean 0 and variance
/// 1, then times `weight` plus `bias`.
void normalise_layer(std::span<float> x, std::span<const float> weight,
                     std::span<const float> bias);

/// Adds `x` to `sum`.
void add_row(std::span<const float> x, std::span<float> sum);

/// Brings `x` to Euclidean length 1; false, and `x` as it was, where its length is zero or not
/// finite.
bool normalise_length(std::span<float> x);

} // namespace sluice
