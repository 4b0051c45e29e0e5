#include "api/gateway/merge_rules.hpp"

#include "api/gateway/header_words.hpp"
#include "api/http/handler.hpp"

namespace sluice {

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
    auto own = false;
    for_each_word(value, [&](std::string_view word) { own = own || says(word, "no-store"); });
    if (own)
      return true;
  }
  return false;
}

} // namespace sluice
