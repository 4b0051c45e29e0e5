#pragma once

#include "actors/cache/encoder/onednn.hpp"

#include <cstddef>
#include <vector>

namespace sluice {

/// Multi-head self-attention without its projections: softmax(Q Kᵀ) V, head by head (Vaswani et
/// al. 2017, arXiv:1706.03762, section 3.2), in single precision; the factor of one by root of the
/// head's width belongs into Q. Immutable, as `linear_kernels` is.
class attention {
public:
  struct form {
    size_t heads;
    size_t head_width;
  };

  /// Throws `dnnl::error`.
  attention(const dnnl::engine& engine, form x);

  /// Lets the `tokens` rows of one text in `qkv` mind each other and nothing else. A row of `qkv`
  /// is Q, K and V, each head by head; a row of `out` has a third of its width. Both have
  /// `row_buckets::round_up(tokens)` rows: those beyond `tokens` must be finite in `qkv` and are
  /// garbage in `out`. `scores` keeps memory from one call to the next. Throws `dnnl::error`.
  void apply(const float* qkv, size_t tokens, float* out, std::vector<float>& scores,
             onednn_run& run) const;

private:
  struct kernel {
    dnnl::matmul::primitive_desc about_scores;
    dnnl::matmul::primitive_desc about_mix;
    dnnl::matmul scores;
    dnnl::matmul mix;
  };

  void divide(const std::vector<float>& scores, size_t tokens, size_t padded, float* out) const;

  form form_;
  std::vector<kernel> kernels_; // one for each of `row_buckets::list()`
};

} // namespace sluice
