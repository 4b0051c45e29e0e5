#include "actors/cache/semantic/answer_text.hpp"

#include <simdjson.h>

namespace sluice {

namespace {

namespace dom = simdjson::dom;

/// The text of the first choice: of a message, a piece of one, or a completion.
std::string_view text_of(dom::element x) {
  dom::element choice;
  if (x["choices"].at(0).get(choice) != simdjson::SUCCESS)
    return {};
  std::string_view text;
  for (auto key : {"message", "delta"})
    if (choice[key]["content"].get(text) == simdjson::SUCCESS)
      return text;
  return choice["text"].get(text) == simdjson::SUCCESS ? text : std::string_view{};
}

} // namespace

std::string answer_text(const cached_answer& x) {
  dom::parser parser;
  dom::element root;
  if (x.events == 0) {
    if (parser.parse(x.content).get(root) != simdjson::SUCCESS)
      return {};
    return std::string{text_of(root)};
  }
  constexpr std::string_view data = "data: ";
  std::string result;
  std::string_view rest = x.content;
  while (!rest.empty()) {
    auto line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(rest.size(), line.size() + 1));
    if (line.starts_with(data) &&
        parser.parse(line.data() + data.size(), line.size() - data.size()).get(root) ==
            simdjson::SUCCESS)
      result += text_of(root);
  }
  return result;
}

} // namespace sluice
