#pragma once

#include "runtime/configuration_file.hpp"

#include <caf/expected.hpp>

#include <string>

namespace sluice {

/// Reads "127.0.0.1:8080", "[::1]:0", ":8080" or "8080". Fails with `bad_argument`.
caf::expected<listen_override> parse_listen(const std::string& text);

} // namespace sluice
