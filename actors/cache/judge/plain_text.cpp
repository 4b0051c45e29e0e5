#include "actors/cache/judge/plain_text.hpp"

#include <cctype>
#include <utility>

namespace sluice {

std::string plain_text(std::string_view text) {
  constexpr std::string_view marks = ".,;:!?\"'";
  auto stands_alone = [&](size_t i) { // "1.5", "node.js" and "what's" keep theirs
    return i >= text.size() || std::isspace(static_cast<unsigned char>(text[i])) ||
           marks.find(text[i]) != std::string_view::npos;
  };
  std::string result;
  auto blank = false;
  for (size_t i = 0; i < text.size(); ++i) {
    auto c = static_cast<unsigned char>(text[i]);
    if (std::isspace(c)) {
      blank = !result.empty();
    } else if (marks.find(text[i]) == std::string_view::npos || !stands_alone(i + 1)) {
      if (std::exchange(blank, false))
        result.push_back(' ');
      result.push_back(static_cast<char>(std::tolower(c)));
    }
  }
  return result;
}

} // namespace sluice
