#pragma once

#include <caf/expected.hpp>

#include <chrono>
#include <string>
#include <string_view>

namespace sluice {

/// Where `sluice serve` listens by default.
inline constexpr const char* default_node_url = "http://127.0.0.1:8080";

/// A request to a node.
struct node_request {
  std::string method = "GET";
  std::string target; ///< path and query
  std::string key;    ///< virtual key; empty for none
  std::string body{}; ///< JSON; empty for none
  /// Commands are not waited for longer. Metrics are a few hundred kilobytes from a node nearby; a
  /// node that takes longer for them is ill.
  std::chrono::seconds patience{5};
};

struct node_reply {
  int status = 0;
  std::string head; ///< status line and fields, each with its "\r\n"
  std::string body;

  /// The field `name`, given in lower case; empty where there is none.
  std::string field(std::string_view name) const;
  /// What an error object says, or the status where there is none.
  std::string problem() const;
};

/// Asks the node at `url` and blocks until it has answered. Fails with `bad_argument` where that is
/// no "http://host[:port]", and with `io_failed` where nobody answers in time.
caf::expected<node_reply> ask_node(const std::string& url, const node_request& request);

} // namespace sluice
