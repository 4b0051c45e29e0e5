#pragma once

#include "actors/cache/encoder/onednn.hpp"

#include <cstddef>
#include <span>
#include <vector>

namespace sluice {

/// What happens to a product before it is stored.
enum class epilogue {
  store,
  gelu, ///< x Φ(x) with the error function, not its approximation by tanh (Hendrycks and Gimpel
        ///< 2016, arXiv:1606.08415)
  add,  ///< added to what stands there
};

/// The compiled products of one shape, shared by all layers that have it. Immutable: threads may
/// share one, each with an `onednn_run` of its own.
class linear_kernels {
public:
  struct form {
    size_t inputs;
    size_t outputs;
    epilogue after;
  };

  /// Throws `dnnl::error`.
  linear_kernels(const dnnl::engine& engine, form x);

private:
  friend class linear;
  struct kernel {
    dnnl::matmul::primitive_desc about;
    dnnl::matmul run;
  };

  form form_;
  std::vector<kernel> kernels_; // one for each of `row_buckets::list()`
};

/// A fully connected layer: y = x Wᵀ + b, in single precision.
class linear {
public:
  /// `weight` is W, (outputs, inputs) row by row, `bias` is b; both are copied. `kernels` must
  /// outlive this. Throws `dnnl::error`.
  linear(const linear_kernels& kernels, std::span<const float> weight, std::span<const float> bias);

  /// `x` is (rows, inputs), `y` (rows, outputs), with room for `row_buckets::round_up(rows)` rows;
  /// what the rows above `rows` hold is worked on, too, to no effect on the others. `rows` is from
  /// 1 to `row_buckets::rows_max`. Throws `dnnl::error`.
  void apply(const float* x, size_t rows, float* y, onednn_run& run) const;

private:
  const linear_kernels* kernels_;
  dnnl::memory weight_;
  dnnl::memory bias_;
};

} // namespace sluice
