#pragma once

#include "runtime/cache_messages.hpp"

#include <string>
#include <string_view>

namespace sluice {

/// Of the question and of either answer; what is longer is cut off, and the model is told so. Some
/// two thousand tokens each: an answer that differs does so earlier.
inline constexpr size_t check_text_bytes_max = 8'000;

/// For one word, and for models that begin with a line break or a mark.
inline constexpr int64_t check_output_tokens_max = 16;

/// The request, in OpenAI's form, for the model that its provider calls `upstream_model`. `mark` is
/// what nobody who wrote one of the texts can know: it stands where each begins and ends, so that
/// none of them can pass for the end of itself.
std::string check_request(const answer_check& x, std::string_view upstream_model, uint64_t mark);

/// What the model said, by the body of its reply: one of two words, or it proves nothing.
check_outcome check_outcome_of(const std::string& reply);

} // namespace sluice
