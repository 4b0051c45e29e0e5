#pragma once

#include "runtime/messages.hpp"
#include "runtime/money.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace sluice {

/// OpenAI's usage object as disjoint buckets: `prompt_tokens` includes the cached ones, and
/// `completion_tokens` the reasoning ones. Empty where it is not such an object, its numbers
/// contradict each other, or one is beyond anything a call can use.
std::optional<token_usage> read_usage(std::string_view object);

/// The usage object of a member's reply. Details are only there where they are not zero, for the
/// call's own speak of all members together.
std::string write_usage(endpoint kind, const token_usage& usage);

} // namespace sluice
