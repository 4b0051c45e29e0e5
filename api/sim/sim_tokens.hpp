#pragma once

#include <cstdint>
#include <string_view>

/// What the simulator calls a token. No vocabulary: a rule that comes near what byte-pair encodings
/// make of English text and of JSON, and that anybody can recompute:
/// - a word of up to 8 letters is one token, each further 4 letters begun are one more;
/// - a space before a word or a punctuation mark belongs to it;
/// - up to 3 digits are one token, and up to 2 punctuation marks in a row are one;
/// - 2 characters outside ASCII are one token;
/// - any other run of white space is one token;
/// - the mark "[simulated]" is one token, so that not even the shortest answer can lose it.
namespace sluice {

inline constexpr std::string_view sim_mark = "[simulated]";

/// Where the token that begins at `from` ends. `from` must be below `text.size()` and the beginning
/// of a token, and `text` valid UTF-8: then the end is a boundary between characters.
std::size_t sim_token_end(std::string_view text, std::size_t from);

/// The number of tokens in `text`.
int64_t sim_count_tokens(std::string_view text);

} // namespace sluice
