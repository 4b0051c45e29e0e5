#pragma once

#include "runtime/configuration.hpp"
#include "runtime/configuration/reader.hpp"

namespace sluice {

/// `text` normalised, or why it may not be called. The gateway calls what is written here with the
/// provider's key, from inside the operator's network.
parsed<std::string> check_base_url(const std::string& text, bool allow_http);

/// Whether `key` can be sent as a bearer token.
bool is_api_key(std::string_view key);

/// Reads where a provider of the kind 'openai' is and how the gateway shows itself there; `into`
/// has its name already.
void read_connection(map_reader& map, provider_settings& into);

} // namespace sluice
