#pragma once

#include <string>
#include <string_view>

namespace sluice {

/// Adds a line to the header of a reply, whose lines begin with the line break.
inline void add_line(std::string& to, std::string_view name, std::string_view value) {
  to.append("\r\n").append(name).append(": ").append(value);
}

} // namespace sluice
