#include "runtime/redact.hpp"

#include <array>
#include <cstddef>

namespace sluice {

namespace {

constexpr std::string_view mask = "***";

constexpr char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

constexpr bool is_alnum(char c) {
  return (c >= '0' && c <= '9') || (lower(c) >= 'a' && lower(c) <= 'z');
}

/// The characters of RFC 6750's b64token, which cover every provider's keys.
constexpr bool is_key_char(char c) {
  return is_alnum(c) || c == '-' || c == '_' || c == '.' || c == '~' || c == '+' || c == '/' ||
         c == '=';
}

constexpr bool starts_with_any_case(std::string_view text, std::string_view prefix) {
  if (text.size() < prefix.size())
    return false;
  for (size_t i = 0; i < prefix.size(); ++i)
    if (lower(text[i]) != prefix[i])
      return false;
  return true;
}

struct pattern {
  std::string_view prefix; ///< in lower case
  bool spaces_follow;      ///< the key stands behind blanks
};

constexpr std::array<pattern, 3> patterns{{{"sk-", false}, {"aiza", false}, {"bearer", true}}};

/// Where the key that begins at the start of `text` has its first secret character and its end;
/// both 0 where none begins.
struct key_span {
  size_t begin = 0;
  size_t end = 0;
};

key_span find_key(std::string_view text) {
  for (const auto& p : patterns) {
    if (!starts_with_any_case(text, p.prefix))
      continue;
    auto begin = p.prefix.size();
    if (p.spaces_follow) {
      auto word = begin;
      while (begin < text.size() && (text[begin] == ' ' || text[begin] == '\t'))
        ++begin;
      if (begin == word)
        continue;
    }
    auto end = begin;
    while (end < text.size() && is_key_char(text[end]))
      ++end;
    if (end > begin)
      return {begin, end};
  }
  return {};
}

} // namespace

void append_redacted(std::string_view line, std::string& out) {
  bool at_word = true; // "task-7" is no key: the prefix must begin a word
  for (size_t i = 0; i < line.size();) {
    if (at_word) {
      if (auto key = find_key(line.substr(i)); key.end > 0) {
        out.append(line.substr(i, key.begin)).append(mask);
        i += key.end;
        at_word = false;
        continue;
      }
    }
    at_word = !is_alnum(line[i]);
    out.push_back(line[i++]);
  }
}

std::string redacted(std::string_view line) {
  std::string out;
  out.reserve(line.size());
  append_redacted(line, out);
  return out;
}

} // namespace sluice
