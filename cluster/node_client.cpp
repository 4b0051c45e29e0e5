#include "cluster/node_client.hpp"

#include "runtime/base_url.hpp"
#include "runtime/ec.hpp"

#include <boost/asio/ip/tcp.hpp>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstdlib>
#include <iterator>

namespace sluice {

std::string node_reply::field(std::string_view name) const {
  for (size_t at = head.find("\r\n"); at != std::string::npos; at = head.find("\r\n", at)) {
    at += 2;
    auto end = std::min(head.find("\r\n", at), head.size());
    auto line = std::string_view{head}.substr(at, end - at);
    auto same = line.size() > name.size() && line[name.size()] == ':' &&
                std::equal(name.begin(), name.end(), line.begin(), [](char a, char b) {
                  return a == (b >= 'A' && b <= 'Z' ? static_cast<char>(b + 32) : b);
                });
    if (same) {
      line.remove_prefix(name.size() + 1);
      auto first = line.find_first_not_of(' ');
      return std::string{line.substr(std::min(first, line.size()))};
    }
  }
  return {};
}

std::string node_reply::problem() const {
  auto parsed = nlohmann::json::parse(body, nullptr, false);
  auto message = nlohmann::json::json_pointer{"/error/message"};
  if (parsed.is_object() && parsed.contains(message) && parsed[message].is_string())
    return parsed[message].get<std::string>();
  return head.substr(0, head.find("\r\n"));
}

caf::expected<node_reply> ask_node(const std::string& url, const node_request& request) {
  auto to = parse_base_url(url);
  if (!to || to->tls)
    return make_error(ec::bad_argument, "--url must be http://host[:port] of a node");
  boost::asio::ip::tcp::iostream stream;
  stream.expires_after(request.patience);
  stream.connect(to->host, std::to_string(to->port));
  stream << request.method << ' ' << request.target << " HTTP/1.0\r\nHost: " << to->host << "\r\n";
  if (!request.key.empty())
    stream << "Authorization: Bearer " << request.key << "\r\n";
  if (!request.body.empty())
    stream << "Content-Type: application/json\r\nContent-Length: " << request.body.size() << "\r\n";
  stream << "\r\n" << request.body << std::flush;
  std::string text{std::istreambuf_iterator<char>{stream}, {}};
  auto end = text.find("\r\n\r\n");
  auto blank = text.find(' ');
  if (end == std::string::npos || blank > end)
    return make_error(ec::io_failed,
                      "no node answers at " + to->text() + ": " + stream.error().message());
  node_reply result;
  result.head = text.substr(0, end);
  result.status = std::atoi(text.c_str() + blank + 1);
  result.body = text.substr(end + 4);
  return result;
}

} // namespace sluice
