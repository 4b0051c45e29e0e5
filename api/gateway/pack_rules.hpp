#pragma once

#include "runtime/messages.hpp"

#include <caf/expected.hpp>

#include <string_view>

namespace sluice {

struct http_request;

/// By which a caller allows or denies that a question travels in one prompt with others.
inline constexpr std::string_view pack_field = "x-sluice-pack";

/// What the request's header says; `otherwise` where it has none. Fails with `invalid_value` for
/// anything but "allow" and "deny".
caf::expected<packing> packing_of(const http_request& request, packing otherwise);

} // namespace sluice
