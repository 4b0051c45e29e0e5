#pragma once

#include "runtime/cache_messages.hpp"

#include <string>

namespace sluice {

/// What an answer says: the text of its first choice, of a stream put together from its events.
/// Empty where it says nothing in words (embeddings), or is not what OpenAI's clients read.
std::string answer_text(const cached_answer& x);

} // namespace sluice
