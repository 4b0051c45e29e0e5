#pragma once

#include <algorithm>
#include <string_view>

namespace sluice {

/// Without the blanks around it.
std::string_view trimmed(std::string_view text);

/// Whether `text`, without the blanks around it, is `word`, which is in lower case.
bool says(std::string_view text, std::string_view word);

/// Calls `each` with the parts of a list that is divided by commas.
template <class Each>
void for_each_word(std::string_view list, Each each) {
  while (!list.empty()) {
    auto end = std::min(list.find(','), list.size());
    each(trimmed(list.substr(0, end)));
    list.remove_prefix(std::min(end + 1, list.size()));
  }
}

} // namespace sluice
