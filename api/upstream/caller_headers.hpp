#pragma once

#include "runtime/messages.hpp"

#include <string_view>

namespace sluice {

/// Adds an upstream's header field to `out` where callers know it: rate limits as they are, its
/// request id under a name of its own, since `x-request-id` is ours. Whether the answer is
/// simulated is said by the gateway, once.
void add_caller_header(header_list& out, std::string_view name, std::string_view value);

} // namespace sluice
