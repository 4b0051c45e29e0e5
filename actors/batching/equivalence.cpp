#include "actors/batching/equivalence.hpp"

#include <cstdint>

namespace sluice {

namespace {

bool is_blank(char c) {
  return c == ' ' || c == '\t';
}

bool closes(char c) {
  return is_blank(c) || c == '.' || c == '?' || c == '!' || c == ',' || c == ';' || c == ':';
}

bool between(uint32_t x, uint32_t first, uint32_t last) {
  return x >= first && x <= last;
}

/// The lower case of a character of two bytes, from Unicode's CaseFolding.txt; both have two bytes.
uint32_t folded(uint32_t x) {
  if ((between(x, 0xc0, 0xde) && x != 0xd7) || (between(x, 0x391, 0x3a9) && x != 0x3a2) ||
      between(x, 0x410, 0x42f))
    return x + 0x20;
  if (between(x, 0x400, 0x40f))
    return x + 0x50;
  // Latin Extended-A: pairs of upper and lower case, in two parts with the even number above.
  if ((between(x, 0x100, 0x12f) || between(x, 0x132, 0x137) || between(x, 0x14a, 0x177)) &&
      x % 2 == 0)
    return x + 1;
  if ((between(x, 0x139, 0x148) || between(x, 0x179, 0x17e)) && x % 2 == 1)
    return x + 1;
  return x;
}

std::string_view without_line_ends(std::string_view x) {
  while (!x.empty() && (x.back() == '\n' || x.back() == '\r'))
    x.remove_suffix(1);
  return x;
}

} // namespace

std::string normalised(std::string_view line) {
  while (!line.empty() && closes(line.back()))
    line.remove_suffix(1);
  std::string result;
  result.reserve(line.size());
  for (size_t i = 0; i < line.size(); ++i) {
    auto first = static_cast<unsigned char>(line[i]);
    if (is_blank(line[i])) {
      if (!result.empty() && result.back() != ' ')
        result.push_back(' ');
    } else if (line[i] >= 'A' && line[i] <= 'Z') {
      result.push_back(static_cast<char>(line[i] + ('a' - 'A')));
    } else if (between(first, 0xc2, 0xdf) && i + 1 < line.size() &&
               (static_cast<unsigned char>(line[i + 1]) & 0xc0) == 0x80) {
      auto second = static_cast<unsigned char>(line[++i]);
      auto x = folded((first & 0x1fU) << 6 | (second & 0x3fU));
      result.push_back(static_cast<char>(0xc0 | x >> 6));
      result.push_back(static_cast<char>(0x80 | (x & 0x3f)));
    } else {
      result.push_back(line[i]);
    }
  }
  return result;
}

double normalised_text::similarity(std::string_view a, std::string_view b) const {
  if (a == b)
    return 1;
  a = without_line_ends(a);
  b = without_line_ends(b);
  auto several = [](std::string_view x) { return x.find('\n') != std::string_view::npos; };
  if (several(a) || several(b))
    return a == b ? 1 : 0;
  auto folded_a = normalised(a);
  // Where nothing is left but punctuation, the punctuation was the question.
  return !folded_a.empty() && folded_a == normalised(b) ? 1 : 0;
}

} // namespace sluice
