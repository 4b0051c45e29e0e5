#include "cluster/node_metrics.hpp"

#include "runtime/base_url.hpp"
#include "runtime/ec.hpp"

#include <boost/asio/ip/tcp.hpp>

#include <chrono>
#include <cstdlib>
#include <iterator>

namespace sluice {

namespace {

/// Metrics are a few hundred kilobytes from a node nearby; a node that takes longer is ill.
constexpr std::chrono::seconds patience{5};

} // namespace

caf::expected<std::string> fetch_metrics(const std::string& url) {
  auto from = parse_base_url(url);
  if (!from || from->tls)
    return make_error(ec::bad_argument, "--url must be http://host[:port] of a node");
  boost::asio::ip::tcp::iostream stream;
  stream.expires_after(patience);
  stream.connect(from->host, std::to_string(from->port));
  stream << "GET /metrics HTTP/1.0\r\nHost: " << from->host << "\r\n\r\n" << std::flush;
  std::string text{std::istreambuf_iterator<char>{stream}, {}};
  auto end = text.find("\r\n\r\n");
  if (text.empty() || end == std::string::npos)
    return make_error(ec::io_failed,
                      "no node answers at " + from->text() + ": " + stream.error().message());
  if (text.find(" 200 ") > text.find("\r\n"))
    return make_error(ec::io_failed, "the node at " + from->text() +
                                         " gives no metrics: " + text.substr(0, text.find("\r\n")));
  return text.substr(end + 4);
}

std::optional<metric_sample> read_sample(std::string_view line) {
  metric_sample result;
  if (line.empty() || line.front() == '#')
    return std::nullopt;
  auto brace = line.find('{');
  auto at = std::min(brace, line.rfind(' '));
  if (at == std::string_view::npos)
    return std::nullopt;
  result.name = line.substr(0, at);
  if (at == brace) {
    for (++at; at < line.size() && line[at] != '}';) {
      auto equals = line.find("=\"", at);
      if (equals == std::string_view::npos)
        return std::nullopt;
      auto& value = result.labels[std::string{line.substr(at, equals - at)}];
      for (at = equals + 2; at < line.size() && line[at] != '"'; ++at) {
        if (line[at] == '\\' && at + 1 < line.size())
          ++at;
        value.push_back(line[at]);
      }
      at += at + 1 < line.size() && line[at + 1] == ',' ? 2 : 1;
    }
  } else {
    --at; // the blank stands where a brace would
  }
  if (at + 1 >= line.size())
    return std::nullopt;
  result.value = std::strtod(std::string{line.substr(at + 1)}.c_str(), nullptr);
  return result;
}

bool next_line(std::string_view& text, std::string_view& line) {
  if (text.empty())
    return false;
  auto end = std::min(text.find('\n'), text.size());
  line = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return true;
}

} // namespace sluice
