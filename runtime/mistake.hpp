#pragma once

#include <string>
#include <vector>

namespace sluice {

/// Something in the configuration that keeps the node from starting.
struct mistake {
  std::string file;    ///< as it was named, "environment" or "command line"
  int line = 0;        ///< from 1; 0 where no line can be named
  std::string path;    ///< "providers[0].base_url", or the name of a variable
  std::string message; ///< never shows a key
  std::string allowed; ///< what would be right; may be empty
};

/// "sluice.yaml:7: limits.body_bytes_max: 'x' is not … (allowed: 1KiB to 1GiB)".
std::string to_string(const mistake& x);

/// One line each, for people.
std::string to_text(const std::vector<mistake>& mistakes);

/// `{"mistakes":[{"file","line","path","message","allowed"}]}`, for tools; `line` is null where
/// there is none.
std::string to_json(const std::vector<mistake>& mistakes);

} // namespace sluice
