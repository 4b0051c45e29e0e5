#pragma once

#include "runtime/json_names.hpp"
#include "runtime/money.hpp"

#include <optional>

namespace sluice {

/// OpenAI's usage object as disjoint buckets. There `prompt_tokens` includes
/// `prompt_tokens_details.cached_tokens`, and `completion_tokens` includes
/// `completion_tokens_details.reasoning_tokens` (openai-openapi, CompletionUsage). Empty where it
/// is not such an object or its numbers contradict each other.
std::optional<token_usage> read_openai_usage(const simdjson::dom::element& usage);

} // namespace sluice
