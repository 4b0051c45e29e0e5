#pragma once

#include <caf/expected.hpp>

#include <cstdint>
#include <string>
#include <string_view>

namespace sluice {

/// Where a provider's API stands: "https://api.openai.com/v1".
struct base_url {
  bool tls = true;
  std::string host;         ///< lower case; an IPv6 address without its brackets
  uint16_t port = 0;        ///< that of the scheme where the text names none
  std::string path;         ///< "/v1"; empty for the root, and never with a slash at its end
  std::string text() const; ///< normalised
};

/// Reads a base URL. Fails with `bad_configuration` and a sentence where it has another scheme than
/// http or https, credentials, a query, a fragment, or a host that is no plain name or address.
caf::expected<base_url> parse_base_url(std::string_view text);

/// Whether `host` is this machine for certain: "localhost", 127.0.0.0/8 or ::1, an IPv4 address in
/// IPv6 clothes included.
bool is_loopback(std::string_view host);

/// Whether `host`, a name or an address, is one that no provider has and that an attacker would
/// name: link-local addresses (the metadata services of clouds answer there and hand out
/// credentials), metadata services elsewhere, and the unspecified address. Names are to be checked
/// here again as the addresses that they resolve to.
bool is_forbidden_upstream(std::string_view host);

/// Whether `text` is an IPv4 or IPv6 address, without brackets.
bool is_ip_address(std::string_view text);

} // namespace sluice
