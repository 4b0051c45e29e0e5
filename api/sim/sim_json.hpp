#pragma once

#include "runtime/escape.hpp"

#include <cstdint>
#include <string>
#include <string_view>

/// Writing JSON by hand: a stream of a thousand events is a thousand small objects, and a tree of
/// values for each would be most of the simulator's time.
namespace sluice {

/// Appends `text` as a JSON string, quotes included.
inline void append_json_string(std::string& out, std::string_view text) {
  out += '"';
  append_json_escaped(text, out);
  out += '"';
}

/// Appends `value` in decimal.
void append_decimal(std::string& out, int64_t value);

/// Appends `value` as 16 hexadecimal digits.
void append_hex(std::string& out, uint64_t value);

/// Whether objects and lists in `text` are nested at most `depth_max` deep. Asked before parsing:
/// what walks a tree of values here recurses, and a megabyte of "[" must not end the process.
bool json_depth_within(std::string_view text, uint32_t depth_max);

} // namespace sluice
