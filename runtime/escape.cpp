#include "runtime/escape.hpp"

#include <array>
#include <cstdint>

namespace sluice {

namespace {

constexpr std::string_view hex = "0123456789abcdef";

/// True for the bytes that both forms take as they are.
constexpr std::array<bool, 256> make_plain() {
  std::array<bool, 256> result{};
  for (size_t c = 0x21; c < 0x7f; ++c)
    result[c] = c != '"' && c != '\\';
  return result;
}

constexpr auto plain = make_plain();

constexpr uint8_t byte_at(std::string_view text, size_t i) {
  return static_cast<uint8_t>(text[i]);
}

/// The bytes of the well-formed code point at the start of `text` (table 3-7 of the Unicode
/// standard); 0 where there is none or it is a C1 control character.
size_t printable_length(std::string_view text) {
  auto first = byte_at(text, 0);
  if (first < 0x80)
    return first >= 0x20 && first != 0x7f ? 1 : 0;
  size_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4 || text.size() < length)
    return 0;
  uint8_t low = 0x80;
  uint8_t high = 0xbf;
  if (first == 0xc2)
    low = 0xa0; // below it: C1
  else if (first == 0xe0)
    low = 0xa0;
  else if (first == 0xed)
    high = 0x9f;
  else if (first == 0xf0)
    low = 0x90;
  else if (first == 0xf4)
    high = 0x8f;
  if (byte_at(text, 1) < low || byte_at(text, 1) > high)
    return 0;
  for (size_t i = 2; i < length; ++i)
    if ((byte_at(text, i) & 0xc0) != 0x80)
      return 0;
  return length;
}

void append_json_special(uint8_t c, std::string& out) {
  switch (c) {
  case '"':
    out.append("\\\"");
    break;
  case '\\':
    out.append("\\\\");
    break;
  case '\n':
    out.append("\\n");
    break;
  default:
    if (c >= 0x80) {
      out.append("\\ufffd");
      break;
    }
    out.append("\\u00").push_back(hex[c >> 4]);
    out.push_back(hex[c & 0x0f]);
  }
}

void append_hex(uint8_t c, std::string& out) {
  out.append("\\x").push_back(hex[c >> 4]);
  out.push_back(hex[c & 0x0f]);
}

/// Copies runs of plain bytes at once; `special` writes one byte that neither is plain nor begins
/// a printable code point, `kept` says which printable ASCII goes as it is.
template <class Kept, class Special>
void append_escaped(std::string_view text, std::string& out, Kept kept, Special special) {
  size_t i = 0;
  while (i < text.size()) {
    auto begin = i;
    while (i < text.size() && plain[byte_at(text, i)])
      ++i;
    out.append(text.substr(begin, i - begin));
    if (i == text.size())
      return;
    auto length = kept(byte_at(text, i)) ? printable_length(text.substr(i)) : 0;
    if (length == 0)
      special(byte_at(text, i++), out);
    else {
      out.append(text.substr(i, length));
      i += length;
    }
  }
}

} // namespace

void append_json_escaped(std::string_view text, std::string& out) {
  auto kept = [](uint8_t c) { return c != '"' && c != '\\'; };
  append_escaped(text, out, kept, append_json_special);
}

void append_console_escaped(std::string_view text, std::string& out) {
  auto kept = [](uint8_t c) { return c != ' ' && c != '\\'; };
  append_escaped(text, out, kept, append_hex);
}

std::string_view clipped(std::string_view text, size_t bytes_max) {
  if (text.size() <= bytes_max)
    return text;
  auto end = bytes_max;
  while (end > 0 && (byte_at(text, end) & 0xc0) == 0x80)
    --end;
  return text.substr(0, end);
}

} // namespace sluice
