#include "runtime/openai_usage.hpp"

#include <simdjson.h>

namespace sluice {

namespace {

/// A count, 0 where it is absent or null.
int64_t count(simdjson::dom::object from, std::string_view name) {
  int64_t result = 0;
  if (from[name].get(result) != simdjson::SUCCESS)
    return 0;
  return result;
}

int64_t detail(simdjson::dom::object usage, std::string_view group, std::string_view name) {
  simdjson::dom::object details;
  if (usage[group].get(details) != simdjson::SUCCESS)
    return 0;
  return count(details, name);
}

} // namespace

std::optional<token_usage> read_openai_usage(const simdjson::dom::element& usage) {
  simdjson::dom::object object;
  int64_t prompt = 0;
  if (usage.get(object) != simdjson::SUCCESS ||
      object["prompt_tokens"].get(prompt) != simdjson::SUCCESS)
    return std::nullopt;
  auto completion = count(object, "completion_tokens"); // embeddings have none
  auto cached = detail(object, "prompt_tokens_details", "cached_tokens");
  auto reasoning = detail(object, "completion_tokens_details", "reasoning_tokens");
  if (prompt < 0 || completion < 0 || cached < 0 || reasoning < 0 || cached > prompt ||
      reasoning > completion)
    return std::nullopt;
  return token_usage{prompt - cached, cached, 0, completion - reasoning, reasoning};
}

} // namespace sluice
