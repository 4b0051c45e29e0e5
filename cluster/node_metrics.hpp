#pragma once

#include "cluster/node_client.hpp"

#include <caf/expected.hpp>

#include <map>
#include <optional>
#include <string>
#include <string_view>

/// The metrics of a running node, for commands that show some of them.
namespace sluice {

/// The body of GET /metrics of the node at `url`. Fails with `bad_argument` where that is no
/// "http://host[:port]", and with `io_failed` where nobody answers within some seconds.
caf::expected<std::string> fetch_metrics(const std::string& url);

struct metric_sample {
  std::string name;
  std::map<std::string, std::string> labels;
  double value = 0;
};

/// One line of the text format: name{label="text",…} value. Escapes in label values are as in JSON
/// as far as the format has them. Nothing for comments and for what is no sample.
std::optional<metric_sample> read_sample(std::string_view line);

/// Takes the next line from `text`; false where there is none.
bool next_line(std::string_view& text, std::string_view& line);

} // namespace sluice
