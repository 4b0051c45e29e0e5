#include "tests/bench/peer/http_text.hpp"

namespace sluice::bench {

namespace {

/// True where `text` is `name` in any case. `name` has letters in lower case and hyphens only, for
/// which setting the bit of lower case is right.
bool names(std::string_view text, std::string_view name) {
  for (size_t i = 0; i < name.size(); ++i)
    if ((text[i] | 0x20) != name[i])
      return false;
  return true;
}

} // namespace

std::string_view field(std::string_view head, std::string_view name) {
  for (auto line = head.find('\n'); line != std::string_view::npos; line = head.find('\n')) {
    head.remove_prefix(line + 1);
    if (head.size() <= name.size() || head[name.size()] != ':' || !names(head, name))
      continue;
    auto value = head.substr(name.size() + 1, head.find('\r') - name.size() - 1);
    while (value.starts_with(' '))
      value.remove_prefix(1);
    while (value.ends_with(' '))
      value.remove_suffix(1);
    return value;
  }
  return {};
}

} // namespace sluice::bench
