#pragma once

#include "runtime/configuration.hpp"
#include "runtime/ec.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sluice {

/// Why a request cannot be taken.
struct http_refusal {
  ec code = ec::none;
  std::string_view detail; ///< a literal
};

/// Takes a chunked body apart, byte by byte, so that a body means the same wherever the network cut
/// it (RFC 9112 section 7.1). Boost.Beast 1.74 looks for the end of a quoted extension in whatever
/// has arrived behind its line, and two servers that disagree about that can be played against each
/// other. Here an extension ends with its line; CR and LF come only together.
class chunked_body {
public:
  /// Appends to `body`, which must outlive it.
  chunked_body(const limit_settings& limits, std::string& body);

  struct progress {
    size_t consumed = 0;
    bool done = false;
    std::optional<http_refusal> refusal;
  };

  /// Reads from `bytes`: all of them, unless the body ends or is refused.
  progress put(std::string_view bytes);

private:
  enum class place : uint8_t {
    size,      ///< in the digits of a chunk's size
    extension, ///< behind them
    size_end,  ///< at the LF of that line
    data,      ///< in the chunk
    data_cr,   ///< behind it
    data_lf,
    trailer,      ///< at the start of a line of the trailer
    trailer_line, ///< in it
    trailer_lf,
    last_lf, ///< of the empty line
    done,
  };

  std::optional<http_refusal> take(char c);
  std::optional<http_refusal> take_size(char c);
  std::optional<http_refusal> take_trailer(char c);

  uint64_t body_bytes_max_;
  uint32_t trailer_bytes_max_;
  std::string& body_;
  place at_ = place::size;
  uint32_t digits_ = 0;
  uint64_t left_ = 0; ///< of the chunk
  size_t extension_bytes_ = 0;
  size_t trailer_bytes_ = 0;
  bool named_ = false; ///< the line of the trailer has had its colon
};

} // namespace sluice
