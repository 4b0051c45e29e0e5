#pragma once

#include <string>
#include <string_view>

namespace sluice {

/// Appends `line` to `out` with everything that looks like a key replaced: `sk-…` (OpenAI,
/// Anthropic and our own), `AIza…` (Google) and what follows `Bearer`. A second line of defence:
/// the first is that keys are `secret`s and prompts are never given to the log.
void append_redacted(std::string_view line, std::string& out);

std::string redacted(std::string_view line);

} // namespace sluice
