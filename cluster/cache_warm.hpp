#pragma once

#include "cluster/node_client.hpp"
#include "runtime/money.hpp"

#include <caf/expected.hpp>

#include <istream>
#include <string>
#include <vector>

namespace sluice {

struct warm_settings {
  std::string url = default_node_url;
  std::string key;
  uint32_t in_flight = 4; ///< requests at once
  nanousd cost_max{-1};   ///< what it may cost; negative for whatever it does
};

/// What became of the requests of a file.
struct warm_report {
  uint64_t fetched = 0;  ///< asked of a provider, and kept now
  uint64_t known = 0;    ///< kept before
  uint64_t not_kept = 0; ///< answered, but nothing that the cache keeps
  uint64_t refused = 0;
  uint64_t left_out = 0; ///< as the budget was used up
  nanousd cost;
  std::vector<std::string> problems; ///< of the first that were refused, with their lines
};

/// A request of a file.
struct warm_line {
  std::string target; ///< "/v1/chat/completions"
  std::string body;
};

/// Reads a line: a request's body, whose endpoint follows from its fields, or a line of a batch
/// input file (`url` and `body`). Fails with `bad_argument`, saying what is wrong.
caf::expected<warm_line> read_warm_line(const std::string& line);

/// Asks a running node all requests of a file of JSON lines, so that their answers are kept. The
/// budget may be passed by what the requests at once cost more than the dearest before them. Fails
/// with `io_failed` where the node cannot be reached.
caf::expected<warm_report> warm_cache(std::istream& lines, const warm_settings& settings);

std::string to_text(const warm_report& x);
std::string to_json(const warm_report& x);

} // namespace sluice
