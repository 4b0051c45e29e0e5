#pragma once

#include <string_view>

namespace sluice::bench {

/// The value of the first field called `name` (given in lower case), spaces around it taken off;
/// empty where there is none. `head` is the request or status line and the fields, each with its
/// CRLF.
std::string_view field(std::string_view head, std::string_view name);

} // namespace sluice::bench
