#pragma once

#include <cstdint>

namespace sluice {

/// How the encoder multiplies with its weights.
enum class encoder_precision : uint8_t {
  fp32, ///< the vectors of the reference but for rounding
  int8, ///< weights and what meets them in eight bits: a quarter of the memory and half of the
        ///< time or less; docs/encoder.md says how far vectors move
};

} // namespace sluice
