#pragma once

#include <cstdint>

namespace sluice {

/// How the encoder multiplies with its weights.
enum class encoder_precision : uint8_t {
  fp32, ///< the vectors of the reference but for rounding
  int8, ///< two thirds of the weights and what meets them in eight bits: half of the memory and
        ///< less time, the more so for short texts; docs/encoder.md says how far vectors move
};

} // namespace sluice
