#pragma once

#include "actors/cache/encoder/linear.hpp"

#include <optional>
#include <vector>

namespace sluice {

/// `linear` in eight bits: weights are rounded once, each output's with a factor of its own, and
/// inputs as they come, each row between its least and its greatest number (dynamic quantisation;
/// Jacob et al. 2017, arXiv:1712.05877, section 2, by rows). A layer's outliers and their weights
/// stay in single precision. A row does not depend on others.
class int8_linear_kernels : public linear_kernels {
public:
  /// Throws `dnnl::error`.
  int8_linear_kernels(const dnnl::engine& engine, form x);

  std::unique_ptr<linear> layer(std::span<const float> weight, std::span<const float> bias,
                                const outlier_inputs* outliers) const override;

  /// Whether this processor's sums are exact and made by code compiled for it. Without
  /// instructions that add four products of bytes at once (AVX-512 VNNI and its like) sums of two
  /// saturate at 16 bits, and results are garbage for some inputs. Throws `dnnl::error`.
  bool exact() const;

private:
  friend class int8_linear;
  struct kernel {
    dnnl::matmul::primitive_desc about;
    dnnl::matmul run;
    std::optional<dnnl::eltwise_forward> gelu;
  };

  form form_;
  std::vector<kernel> kernels_; // one for each of `row_buckets::list()`
};

} // namespace sluice
