#include "runtime/configuration/connection.hpp"

#include "runtime/base_url.hpp"
#include "runtime/configuration/known_providers.hpp"
#include "runtime/ec.hpp"

#include <algorithm>
#include <array>
#include <fstream>

namespace sluice {

namespace {

/// Whether `text` can stand in a header: a line break would begin another header.
bool is_header_value(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c < '\x7f'; });
}

bool is_header_name(std::string_view name) {
  constexpr std::string_view others = "!#$%&'*+-.^_`|~";
  return !name.empty() && std::all_of(name.begin(), name.end(), [&](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           others.find(c) != std::string_view::npos;
  });
}

/// Whether the gateway itself has to write this field, or it would break the framing of the call.
bool is_own_header(std::string name) {
  std::transform(name.begin(), name.end(), name.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  constexpr std::array<std::string_view, 9> own{
      "host",       "content-length", "content-type",     "transfer-encoding", "connection",
      "keep-alive", "accept",         "x-sluice-attempt", "authorization"};
  return std::find(own.begin(), own.end(), name) != own.end();
}

void read_headers(reading& to, const yaml_value& at, provider_settings& into) {
  if (!at.there())
    return;
  if (!at.is_map()) {
    to.add(at.line, at.path, "must be a mapping", "lines of 'name: value'");
    return;
  }
  for (const auto& entry : at.node) {
    if (!entry.first.IsScalar())
      continue;
    auto name = entry.first.Scalar();
    yaml_value x{entry.second, at.path + "." + name, entry.first.Mark().line + 1};
    auto value = text_of(to, x);
    if (!is_header_name(name) || is_own_header(name))
      to.add(x.line, x.path, "is no header that can be set here",
             "header names other than those that the gateway writes itself; api_key becomes the "
             "authorization");
    else if (value && !is_header_value(*value))
      to.add(x.line, x.path, "has characters that a header cannot carry", "printable ASCII");
    else if (value)
      into.headers.emplace_back(name, *value);
  }
}

void read_api_key(map_reader& map, provider_settings& into) {
  std::string key;
  map.text("api_key", key);
  if (!is_api_key(key))
    map.fail("api_key", "has characters that a key cannot have", "printable ASCII without spaces");
  else
    into.api_key = secret{std::move(key)};
}

void read_base_url(map_reader& map, provider_settings& into) {
  bool allow_http = false;
  map.flag("allow_http", allow_http);
  if (auto known = find_known_provider(into.name))
    into.base_url = known->url;
  else
    map.require("base_url", "the address of an OpenAI-compatible API, https://host[:port][/path]");
  if (!map.has("base_url"))
    return;
  map.text("base_url", into.base_url);
  auto url = check_base_url(into.base_url, allow_http);
  if (url.value)
    into.base_url = *url.value;
  else
    map.fail("base_url", url.message, url.allowed);
}

} // namespace

parsed<std::string> check_base_url(const std::string& text, bool allow_http) {
  auto url = parse_base_url(text);
  if (!url)
    return {std::nullopt, message_of(url.error()), "https://host[:port][/path]"};
  if (is_forbidden_upstream(url->host))
    return {std::nullopt, "the host is a link-local, metadata or unspecified address",
            "the address of a provider"};
  if (!url->tls && !allow_http && !is_loopback(url->host))
    return {std::nullopt, "http would send key and prompts in the clear",
            "https, a loopback address, or a provider in the file with allow_http: true"};
  return {url->text(), {}, {}};
}

bool is_api_key(std::string_view key) {
  return is_header_value(key) && key.find(' ') == std::string_view::npos;
}

void read_connection(map_reader& map, provider_settings& into) {
  read_base_url(map, into);
  read_api_key(map, into);
  read_headers(map.context(), map.value("headers"), into);
  map.text("ca_file", into.ca_file);
  if (!into.ca_file.empty() && !std::ifstream{into.ca_file}.good())
    map.fail("ca_file", "the file '" + into.ca_file + "' cannot be read",
             "a PEM file of certificates");
  if (into.provider_kind.empty())
    into.provider_kind = provider_kind_of(into.base_url, into.name);
  if (into.api_key.empty())
    map.context().notices.push_back("provider '" + into.name + "' has no api_key");
}

} // namespace sluice
