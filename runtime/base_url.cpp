#include "runtime/base_url.hpp"

#include "runtime/ec.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <optional>

namespace sluice {

namespace {

using ipv4 = std::array<uint8_t, 4>;
using ipv6 = std::array<uint8_t, 16>;

std::optional<ipv4> parse_ipv4(std::string_view text) {
  ipv4 result{};
  if (inet_pton(AF_INET, std::string{text}.c_str(), result.data()) == 1)
    return result;
  return std::nullopt;
}

std::optional<ipv6> parse_ipv6(std::string_view text) {
  ipv6 result{};
  if (inet_pton(AF_INET6, std::string{text}.c_str(), result.data()) == 1)
    return result;
  return std::nullopt;
}

/// The IPv4 address in ::ffff:a.b.c.d and in ::a.b.c.d (deprecated, but some systems connect to
/// it).
std::optional<ipv4> embedded_ipv4(const ipv6& x) {
  bool zero = std::all_of(x.begin(), x.begin() + 10, [](uint8_t b) { return b == 0; });
  bool mapped = zero && x[10] == 0xff && x[11] == 0xff;
  bool compatible = zero && x[10] == 0 && x[11] == 0 && (x[12] != 0 || x[13] != 0);
  if (!mapped && !compatible)
    return std::nullopt;
  return ipv4{x[12], x[13], x[14], x[15]};
}

/// The IPv4 address that `host` leads to; empty for names and other IPv6 addresses.
std::optional<ipv4> ipv4_of(std::string_view host) {
  if (auto x = parse_ipv4(host))
    return x;
  auto x = parse_ipv6(host);
  return x ? embedded_ipv4(*x) : std::nullopt;
}

bool is_forbidden(const ipv4& x) {
  bool unspecified = x[0] == 0;
  bool link_local = x[0] == 169 && x[1] == 254;
  // Metadata services outside the link-local range: Alibaba Cloud and Oracle Cloud.
  bool metadata = x == ipv4{100, 100, 100, 200} || x == ipv4{192, 0, 0, 192};
  return unspecified || link_local || metadata;
}

bool is_forbidden(const ipv6& x) {
  bool unspecified = std::all_of(x.begin(), x.end(), [](uint8_t b) { return b == 0; });
  bool link_local = x[0] == 0xfe && (x[1] & 0xc0) == 0x80;
  // Amazon's fd00:ec2::254.
  constexpr ipv6 metadata{0xfd, 0x00, 0x0e, 0xc2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x02, 0x54};
  return unspecified || link_local || x == metadata;
}

bool is_alphanumeric(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

/// Whether the last label of `host` makes resolvers take it for a number: "2852039166", "0x7f.1"
/// and "0177.0.0.1" are addresses to them, though not to `inet_pton`.
bool ends_in_number(std::string_view host) {
  auto label = host.substr(host.rfind('.') + 1);
  if (label.size() > 1 && label.front() == '0' && label[1] == 'x')
    return true;
  return std::all_of(label.begin(), label.end(), [](char c) { return c >= '0' && c <= '9'; });
}

bool is_host_name(std::string_view host) {
  // 253 is the longest name that DNS has.
  if (host.empty() || host.size() > 253 || !is_alphanumeric(host.front()))
    return false;
  bool plain = std::all_of(host.begin(), host.end(), [](char c) {
    return is_alphanumeric(c) || c == '-' || c == '.' || c == '_';
  });
  return plain && host.find("..") == std::string_view::npos && !ends_in_number(host);
}

std::optional<uint16_t> parse_port(std::string_view text) {
  uint16_t port = 0;
  auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (failed != std::errc{} || end != text.data() + text.size() || port == 0)
    return std::nullopt;
  return port;
}

caf::error refuse(std::string why) {
  return make_error(ec::bad_configuration, std::move(why));
}

/// Takes "host", "host:port" or "[address]:port" apart, into `to`.
caf::error parse_authority(std::string_view authority, base_url& to) {
  std::string_view rest;
  if (authority.starts_with('[')) {
    auto end = authority.find(']');
    if (end == std::string_view::npos || !parse_ipv6(authority.substr(1, end - 1)))
      return refuse("the host is not an IPv6 address in brackets");
    to.host = authority.substr(1, end - 1);
    rest = authority.substr(end + 1);
  } else {
    auto colon = authority.find(':');
    to.host = authority.substr(0, colon);
    rest = colon == std::string_view::npos ? std::string_view{} : authority.substr(colon);
  }
  std::transform(to.host.begin(), to.host.end(), to.host.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  if (!is_ip_address(to.host) && !is_host_name(to.host))
    return refuse("the host is neither a plain name nor an address");
  if (rest.empty())
    return caf::none;
  auto port = rest.front() == ':' ? parse_port(rest.substr(1)) : std::nullopt;
  if (!port)
    return refuse("the port is not a number from 1 to 65535");
  to.port = *port;
  return caf::none;
}

} // namespace

std::string base_url::text() const {
  auto name = host.find(':') == std::string::npos ? host : "[" + host + "]";
  bool usual = port == (tls ? 443 : 80);
  return (tls ? "https://" : "http://") + name + (usual ? "" : ":" + std::to_string(port)) + path;
}

caf::expected<base_url> parse_base_url(std::string_view text) {
  bool visible =
      std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < '\x7f'; });
  if (!visible)
    return refuse("a URL has neither spaces nor characters beyond ASCII");
  base_url result;
  if (text.starts_with("https://"))
    text.remove_prefix(std::strlen("https://"));
  else if (text.starts_with("http://")) {
    text.remove_prefix(std::strlen("http://"));
    result.tls = false;
  } else
    return refuse("the URL does not begin with https:// or http://");
  if (text.find_first_of("?#\\") != std::string_view::npos)
    return refuse("a base URL has no query and no fragment");
  auto authority = text.substr(0, text.find('/'));
  if (authority.find('@') != std::string_view::npos)
    return refuse("a URL must not carry credentials; use api_key");
  result.port = result.tls ? 443 : 80;
  if (auto failed = parse_authority(authority, result))
    return failed;
  auto path = text.substr(authority.size());
  while (path.ends_with('/'))
    path.remove_suffix(1);
  result.path = path;
  return result;
}

bool is_loopback(std::string_view host) {
  if (host == "localhost" || host == "localhost." || host == "::1")
    return true;
  if (auto x = ipv4_of(host))
    return (*x)[0] == 127;
  // "0:0:0:0:0:0:0:1" and other spellings.
  auto x = parse_ipv6(host);
  return x && (*x)[15] == 1 &&
         std::all_of(x->begin(), x->begin() + 15, [](uint8_t b) { return b == 0; });
}

bool is_forbidden_upstream(std::string_view host) {
  if (host.ends_with('.'))
    host.remove_suffix(1);
  if (host == "metadata" || host == "metadata.google.internal" || host == "instance-data")
    return true;
  if (auto x = ipv4_of(host))
    return is_forbidden(*x);
  auto x = parse_ipv6(host);
  return x && is_forbidden(*x);
}

bool is_ip_address(std::string_view text) {
  return parse_ipv4(text) || parse_ipv6(text);
}

} // namespace sluice
