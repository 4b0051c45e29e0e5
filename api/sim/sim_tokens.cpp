#include "api/sim/sim_tokens.hpp"

#include <array>

namespace sluice {
namespace {

enum class kind : uint8_t { mark, letter, digit, space, high };

constexpr std::array<kind, 256> kinds = [] {
  std::array<kind, 256> result{};
  for (size_t c = 0; c < 256; ++c) {
    if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'))
      result[c] = kind::letter;
    else if (c >= '0' && c <= '9')
      result[c] = kind::digit;
    else if (c <= ' ' || c == 0x7f)
      result[c] = kind::space;
    else if (c >= 0x80)
      result[c] = kind::high;
  }
  return result;
}();

kind kind_of(char c) {
  return kinds[static_cast<unsigned char>(c)];
}

bool takes_a_space(kind x) {
  return x == kind::letter || x == kind::mark || x == kind::high;
}

/// The end of a run of `what` that begins at `i`, at most `most` long.
size_t run_end(std::string_view text, size_t i, kind what, size_t most) {
  auto end = i;
  while (end < text.size() && end - i < most && kind_of(text[end]) == what)
    ++end;
  return end;
}

bool continues_character(char c) {
  return (static_cast<unsigned char>(c) & 0xc0U) == 0x80U;
}

size_t two_characters_end(std::string_view text, size_t i) {
  for (int character = 0; character < 2; ++character) {
    if (i >= text.size() || kind_of(text[i]) != kind::high)
      break;
    ++i;
    while (i < text.size() && continues_character(text[i]))
      ++i;
  }
  return i;
}

size_t white_space_end(std::string_view text, size_t i) {
  auto end = run_end(text, i, kind::space, text.size());
  // The last space goes to the word behind it.
  bool joins = end < text.size() && text[end - 1] == ' ' && takes_a_space(kind_of(text[end]));
  return joins && end - i > 1 ? end - 1 : end;
}

} // namespace

size_t sim_token_end(std::string_view text, size_t from) {
  constexpr size_t word = 8, more = 4, digits = 3, marks = 2;
  auto i = from;
  if (text[i] == ' ' && i + 1 < text.size() && takes_a_space(kind_of(text[i + 1])))
    ++i;
  switch (kind_of(text[i])) {
  case kind::letter: {
    bool inside = i == from && from > 0 && kind_of(text[from - 1]) == kind::letter;
    return run_end(text, i, kind::letter, inside ? more : word);
  }
  case kind::digit:
    return run_end(text, i, kind::digit, digits);
  case kind::high:
    return two_characters_end(text, i);
  case kind::space:
    return white_space_end(text, i);
  case kind::mark:
    break;
  }
  if (i == from && text.substr(i).starts_with(sim_mark))
    return i + sim_mark.size();
  return run_end(text, i, kind::mark, marks);
}

int64_t sim_count_tokens(std::string_view text) {
  int64_t result = 0;
  for (size_t i = 0; i < text.size(); i = sim_token_end(text, i))
    ++result;
  return result;
}

} // namespace sluice
