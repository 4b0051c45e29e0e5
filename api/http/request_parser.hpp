#pragma once

#include "api/http/chunked_body.hpp"
#include "api/http/handler.hpp"
#include "runtime/configuration.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace sluice {

/// How the body of a request is framed.
enum class body_framing : uint8_t { none, length, chunked };

/// What a request's head says beyond its fields.
struct request_head {
  body_framing framing = body_framing::none;
  uint64_t content_length = 0;
  bool keep_alive = true;
  bool http_1_0 = false;
  bool expects_continue = false;
};

/// The size of the head at the start of `bytes`, its empty line included; 0 while it is not whole.
/// `scanned` is where the last look ended, so that a head that comes byte by byte is not read again
/// from its start each time.
size_t head_size(std::string_view bytes, size_t& scanned);

/// Parses the head in `request.head` and fills `request`'s views. Stricter than the parser below it
/// (Boost.Beast): whatever two servers could read differently is refused, for that is how requests
/// are smuggled (RFC 9112 sections 2.2, 5.2, 6.1 and 11.2).
std::optional<http_refusal> parse_head(http_request& request, request_head& head,
                                       const limit_settings& limits);

} // namespace sluice
