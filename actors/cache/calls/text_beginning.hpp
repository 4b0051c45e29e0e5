#pragma once

#include <cstddef>
#include <string_view>

namespace sluice {

/// At most `bytes_max` bytes of a text in UTF-8, cut between two characters.
inline std::string_view text_beginning(std::string_view text, size_t bytes_max) {
  if (text.size() <= bytes_max)
    return text;
  auto end = bytes_max;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0U) == 0x80)
    --end;
  return text.substr(0, end);
}

} // namespace sluice
