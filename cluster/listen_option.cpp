#include "cluster/listen_option.hpp"

#include "runtime/ec.hpp"

#include <charconv>

namespace sluice {

caf::expected<listen_override> parse_listen(const std::string& text) {
  auto bad = [&] {
    return make_error(ec::bad_argument,
                      "--listen '" + text + "' is not ADDRESS:PORT, as in 127.0.0.1:8080");
  };
  listen_override result;
  auto colon = text.rfind(':');
  auto port_text = colon == std::string::npos ? text : text.substr(colon + 1);
  uint16_t port = 0;
  auto [stop, error] = std::from_chars(port_text.data(), port_text.data() + port_text.size(), port);
  if (port_text.empty() || error != std::errc{} || stop != port_text.data() + port_text.size())
    return bad();
  result.port = port;
  if (colon == std::string::npos || colon == 0)
    return result;
  auto host = text.substr(0, colon);
  if (host.front() == '[' && host.back() == ']')
    host = host.substr(1, host.size() - 2);
  else if (host.find(':') != std::string::npos)
    return bad();
  result.address = host;
  return result;
}

} // namespace sluice
