#include "api/sim/sim_json.hpp"

#include <array>
#include <charconv>

namespace sluice {

void append_decimal(std::string& out, int64_t value) {
  std::array<char, 20> buffer; // the longest is -9223372036854775808
  auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value).ptr;
  out.append(buffer.data(), end);
}

void append_hex(std::string& out, uint64_t value) {
  constexpr std::string_view digits = "0123456789abcdef";
  for (uint32_t shift = 64; shift > 0; shift -= 4)
    out += digits[(value >> (shift - 4)) & 15U];
}

bool json_depth_within(std::string_view text, uint32_t depth_max) {
  uint32_t depth = 0;
  bool quoted = false;
  for (size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (quoted) {
      if (c == '\\')
        ++i;
      else if (c == '"')
        quoted = false;
    } else if (c == '"') {
      quoted = true;
    } else if (c == '{' || c == '[') {
      if (++depth > depth_max)
        return false;
    } else if ((c == '}' || c == ']') && depth > 0) {
      --depth;
    }
  }
  return true;
}

} // namespace sluice
