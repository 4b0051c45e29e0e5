#pragma once

#include "actors/cache/encoder/encoder_precision.hpp"
#include "actors/cache/encoder/onednn.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

namespace sluice {

/// What happens to a product before it is stored.
enum class epilogue {
  store,
  gelu, ///< x Φ(x) with the error function, not its approximation by tanh (Hendrycks and Gimpel
        ///< 2016, arXiv:1606.08415)
  add,  ///< added to what stands there
};

/// An input that is often many times as large as its neighbours is an outlier. Rounded with them it
/// leaves them few codes, and it multiplies the error of its weights; as there are few of them
/// they are best kept out (LLM.int8(), Dettmers et al. 2022, arXiv:2208.07339, section 3.2). All
/// of a layer's are different; this many keep loops unrolled.
inline constexpr size_t outlier_count = 8;
using outlier_inputs = std::array<uint16_t, outlier_count>;

/// A fully connected layer: y = x Wᵀ + b. Immutable: threads may share one, each with an
/// `onednn_run` of its own.
class linear {
public:
  virtual ~linear() = default;

  /// `x` is (rows, inputs), `y` (rows, outputs), with room for `row_buckets::round_up(rows)` rows;
  /// what the rows above `rows` hold is worked on, too, to no effect on the others. `rows` is from
  /// 1 to `row_buckets::rows_max`. Throws `dnnl::error`.
  virtual void apply(const float* x, size_t rows, float* y, onednn_run& run) const = 0;
};

/// Layers of one shape share what oneDNN compiled for it.
class linear_kernels {
public:
  struct form {
    size_t inputs;
    size_t outputs;
    epilogue after;
  };

  virtual ~linear_kernels() = default;

  /// `weight` is W, (outputs, inputs) row by row, `bias` is b; both are copied. What is not single
  /// precision leaves `outliers` in it, where there are some. This must outlive the result. Throws
  /// `dnnl::error`.
  virtual std::unique_ptr<linear> layer(std::span<const float> weight, std::span<const float> bias,
                                        const outlier_inputs* outliers) const = 0;
};

/// Throws `dnnl::error`.
std::unique_ptr<linear_kernels> make_linear_kernels(const dnnl::engine& engine,
                                                    linear_kernels::form x,
                                                    encoder_precision precision);

} // namespace sluice
