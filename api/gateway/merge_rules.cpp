#include "api/gateway/merge_rules.hpp"

#include "api/http/handler.hpp"

#include <algorithm>
#include <cctype>

namespace sluice {

namespace {

/// Whether `text`, without the blanks around it, is `word` in lower case.
bool says(std::string_view text, std::string_view word) {
  auto blank = [](char c) { return c == ' ' || c == '\t'; };
  while (!text.empty() && blank(text.front()))
    text.remove_prefix(1);
  while (!text.empty() && blank(text.back()))
    text.remove_suffix(1);
  return std::equal(text.begin(), text.end(), word.begin(), word.end(), [](char a, char b) {
    return std::tolower(static_cast<unsigned char>(a)) == b;
  });
}

} // namespace

bool wants_own_answer(const http_request& request) {
  constexpr std::string_view ours = "x-sluice-merge";
  constexpr std::string_view common = "cache-control";
  // By length and last letter first: this is asked of every field of every request.
  auto can_be = [](std::string_view name, std::string_view known) {
    return name.size() == known.size() && (name.back() | 0x20) == known.back();
  };
  for (auto& [name, value] : request.fields) {
    if (can_be(name, ours) && says(name, ours) && says(value, "off"))
      return true;
    if (!can_be(name, common) || !says(name, common))
      continue;
    for (auto rest = value; !rest.empty();) {
      auto end = std::min(rest.find(','), rest.size());
      if (says(rest.substr(0, end), "no-store"))
        return true;
      rest.remove_prefix(std::min(end + 1, rest.size()));
    }
  }
  return false;
}

} // namespace sluice
