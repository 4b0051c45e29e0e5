#include "actors/cache/encoder/row_math.hpp"

#include "actors/cache/encoder/vector_clones.hpp"

#include <cmath>
#include <cstddef>

namespace sluice {

namespace {

/// `layer_norm_eps` of the model's config.json.
constexpr float epsilon = 1e-12f;

/// Running sums kept side by side: a compiler may not reorder the additions of a single one, so it
/// could not vectorise it. Sixteen floats fill the widest registers there are.
constexpr size_t lane_count = 16;

/// The sum of f(x) over all x.
template <class Function>
[[gnu::always_inline]] inline float sum_of(std::span<const float> x, Function f) {
  float lanes[lane_count] = {};
  size_t i = 0;
  for (; i + lane_count <= x.size(); i += lane_count)
    for (size_t j = 0; j < lane_count; ++j)
      lanes[j] += f(x[i + j]);
  auto result = 0.0f;
  for (; i < x.size(); ++i)
    result += f(x[i]);
  for (auto lane : lanes)
    result += lane;
  return result;
}

} // namespace

SLUICE_VECTOR_CLONES float row_sum(std::span<const float> x) {
  return sum_of(x, [](float y) { return y; });
}

SLUICE_VECTOR_CLONES void normalise_layer(std::span<float> x, std::span<const float> weight,
                                          std::span<const float> bias) {
  auto size = static_cast<float>(x.size());
  auto mean = row_sum(x) / size;
  auto variance = sum_of(x, [&](float y) { return (y - mean) * (y - mean); }) / size;
  auto factor = 1.0f / std::sqrt(variance + epsilon);
  const auto* __restrict scale = weight.data();
  const auto* __restrict shift = bias.data();
  auto* __restrict y = x.data();
  for (size_t i = 0; i < x.size(); ++i)
    y[i] = (y[i] - mean) * factor * scale[i] + shift[i];
}

SLUICE_VECTOR_CLONES void add_row(std::span<const float> x, std::span<float> sum) {
  for (size_t i = 0; i < x.size(); ++i)
    sum[i] += x[i];
}

SLUICE_VECTOR_CLONES bool normalise_length(std::span<float> x) {
  auto length = std::sqrt(sum_of(x, [](float y) { return y * y; }));
  if (!(length > 0.0f) || !std::isfinite(length))
    return false;
  for (auto& y : x)
    y /= length;
  return true;
}

} // namespace sluice
