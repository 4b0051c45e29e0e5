#include "actors/cache/encoder/linear.hpp"

#include "actors/cache/encoder/float_linear.hpp"
#include "actors/cache/encoder/int8_linear.hpp"

namespace sluice {

std::unique_ptr<linear_kernels> make_linear_kernels(const dnnl::engine& engine,
                                                    linear_kernels::form x,
                                                    encoder_precision precision) {
  if (precision == encoder_precision::int8)
    return std::make_unique<int8_linear_kernels>(engine, x);
  return std::make_unique<float_linear_kernels>(engine, x);
}

} // namespace sluice
