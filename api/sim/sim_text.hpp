#pragma once

#include <cstdint>
#include <string>
#include <string_view>

/// What the simulator says: sentences of plain words, without meaning, that follow from a number.
namespace sluice {

/// Appends token `index` of the text of `seed`. The first is the mark "[simulated]"; the text has
/// no end, and each piece is one token by the rule of `sim_tokens.hpp`.
void append_sim_token(std::string& out, uint64_t seed, uint64_t index);

/// The first `tokens` tokens of the text of `seed`.
std::string sim_text(uint64_t seed, int64_t tokens);

/// The mark and the beginning of `prompt` on one line: people who try the gateway see that it was
/// their prompt that arrived.
std::string sim_echo(std::string_view prompt);

} // namespace sluice
