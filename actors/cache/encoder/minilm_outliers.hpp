#pragma once

#include "actors/cache/encoder/linear.hpp"
#include "actors/cache/encoder/minilm_weights.hpp"

#include <array>

namespace sluice {

/// The outliers of a layer's products. What `project` gets has none, and `narrow` is never in eight
/// bits.
struct layer_outliers {
  outlier_inputs qkv;
  outlier_inputs widen;
};

/// Where this model's outliers stand: the inputs of greatest magnitude over the 70 texts of
/// scripts/make_encoder_outliers.py, which prints these rows. Input 99 is up to 30 where most are
/// below 2, whatever the text. With other weights of the same shape int8 would be less exact.
inline constexpr std::array<layer_outliers, minilm::layers> minilm_outliers{{
    {{62, 99, 63, 249, 157, 338, 102, 176}, {99, 63, 267, 62, 303, 157, 249, 347}},
    {{99, 157, 62, 63, 249, 338, 267, 238}, {99, 63, 157, 223, 62, 267, 249, 338}},
    {{99, 62, 157, 63, 223, 249, 245, 338}, {99, 223, 62, 157, 63, 249, 338, 267}},
    {{99, 157, 62, 63, 223, 249, 338, 297}, {99, 223, 62, 63, 157, 249, 338, 112}},
    {{99, 157, 63, 223, 62, 363, 338, 112}, {99, 223, 127, 62, 63, 157, 249, 363}},
    {{99, 157, 223, 363, 338, 112, 137, 189}, {99, 223, 62, 319, 127, 249, 157, 63}},
}};

} // namespace sluice
