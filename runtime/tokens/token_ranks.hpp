#pragma once

#include "runtime/tokens/tokenizer.hpp"

#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sluice {

/// The tokens of a vocabulary and their numbers, which are their ranks, too. Reads what the program
/// carries in itself. Immutable.
class token_ranks {
public:
  explicit token_ranks(token_encoding encoding);

  static constexpr uint32_t none = std::numeric_limits<uint32_t>::max();

  /// The rank of a token; `none` where these bytes are no token.
  uint32_t find(std::string_view bytes) const;
  size_t size() const { return count_; }

private:
  struct slot {
    uint32_t at = none; ///< in `bytes_`, behind its length
    uint32_t rank = none;
  };

  std::string_view bytes_at(uint32_t at) const {
    return {bytes_.data() + at, static_cast<unsigned char>(bytes_[at - 1])};
  }

  std::string bytes_; ///< of each token, in the order of the ranks, a length and so many bytes
  std::vector<slot> slots_;
  size_t count_ = 0;
};

} // namespace sluice
