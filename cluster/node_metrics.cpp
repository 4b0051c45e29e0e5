#include "cluster/node_metrics.hpp"

#include "runtime/ec.hpp"

#include <algorithm>
#include <cstdlib>

namespace sluice {

caf::expected<std::string> fetch_metrics(const std::string& url) {
  node_request request;
  request.target = "/metrics";
  auto reply = ask_node(url, request);
  if (!reply)
    return reply.error();
  if (reply->status != 200)
    return make_error(ec::io_failed,
                      "the node at " + url + " gives no metrics: " + reply->problem());
  return std::move(reply->body);
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
