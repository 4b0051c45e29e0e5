#pragma once

#include "actors/cache/encoder/linear.hpp"

#include <vector>

namespace sluice {

/// `linear` in single precision.
class float_linear_kernels : public linear_kernels {
public:
  /// Throws `dnnl::error`.
  float_linear_kernels(const dnnl::engine& engine, form x);

  std::unique_ptr<linear> layer(std::span<const float> weight, std::span<const float> bias,
                                const outlier_inputs* outliers) const override;

private:
  friend class float_linear;
  struct kernel {
    dnnl::matmul::primitive_desc about;
    dnnl::matmul run;
  };

  form form_;
  std::vector<kernel> kernels_; // one for each of `row_buckets::list()`
};

} // namespace sluice
