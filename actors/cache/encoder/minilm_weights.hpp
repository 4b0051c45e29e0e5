#pragma once

#include "actors/cache/encoder/attention.hpp"
#include "actors/cache/encoder/linear.hpp"
#include "actors/cache/encoder/safetensors.hpp"

#include <array>
#include <memory>
#include <span>
#include <vector>

namespace sluice {

/// The sizes of all-MiniLM-L6-v2, from its config.json.
namespace minilm {
inline constexpr size_t layers = 6;
inline constexpr size_t heads = 12;
inline constexpr size_t width = 384;
inline constexpr size_t head_width = width / heads;
inline constexpr size_t wide = 1536;
inline constexpr size_t positions = 512;
inline constexpr size_t types = 2;
} // namespace minilm

/// Weight and bias of a layer normalisation; they live in the file.
struct norm_weights {
  std::span<const float> weight;
  std::span<const float> bias;
};

/// Compiled for the four products that every layer has.
struct minilm_kernels {
  /// Throws `dnnl::error`.
  minilm_kernels(const dnnl::engine& engine, encoder_precision precision);

  std::unique_ptr<linear_kernels> qkv;
  attention mind;
  std::unique_ptr<linear_kernels> project;
  std::unique_ptr<linear_kernels> widen;
  std::unique_ptr<linear_kernels> narrow;
};

struct minilm_layer {
  std::unique_ptr<linear>
      qkv; ///< queries, keys and values in one product; queries divided by √head_width
  std::unique_ptr<linear> project;
  norm_weights project_norm;
  std::unique_ptr<linear> widen;
  std::unique_ptr<linear> narrow;
  norm_weights narrow_norm;
};

/// The weights of the model, ready to be multiplied with.
class minilm_weights {
public:
  /// `pieces` is the size of the vocabulary. `kernels` must outlive the result. Error:
  /// `bad_configuration` where a tensor is missing or has another shape. Throws `dnnl::error`.
  static caf::expected<minilm_weights> load(const safetensors& file, size_t pieces,
                                            const minilm_kernels& kernels);

  /// What token `number` brings with it at `position`, into `out` of `minilm::width`.
  void embed(size_t number, size_t position, std::span<float> out) const;

  norm_weights embed_norm;
  std::vector<minilm_layer> layers;

private:
  explicit minilm_weights(const safetensors& file) : file_(file) {}

  safetensors file_; // keeps the mapping that the spans point into
  std::span<const float> words_;
  std::span<const float> positions_;
  std::span<const float> type_;
};

} // namespace sluice
