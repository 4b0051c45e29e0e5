#pragma once

#include <cstdint>
#include <string_view>

namespace sluice::bench {

/// What the instant upstream looks at in a request.
struct incoming_request {
  enum class state {
    more,   ///< the bytes hold no whole request yet
    whole,  ///< a chat completion is asked for
    broken, ///< anything that a gateway must not send to this upstream
  };
  state is = state::more;
  size_t bytes = 0;          ///< of the request, head and body
  bool streamed = false;     ///< the body says "stream":true
  bool usage_wanted = false; ///< and asks for the usage event
  uint32_t events = 0;       ///< of a stream, usage and [DONE] not counted: "max_tokens"
};

/// Reads the request at the beginning of `bytes`. The body is searched, not parsed: parsing would
/// make the upstream dearer than some gateways, and it shares its core with the load.
incoming_request read_request(std::string_view bytes);

} // namespace sluice::bench
