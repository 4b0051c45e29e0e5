#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace sluice {

/// A unit vector for `text`: the sum of a random direction for each word (letter case aside) and a
/// little of one for the whole text. Texts that share words are near each other, others are not,
/// and the first d dimensions of a long vector point where the vector of d dimensions points.
std::vector<float> sim_embedding(std::string_view text, uint64_t hash, int64_t dimensions);

/// Appends `vector` as a JSON list, each number in its shortest exact form.
void append_float_list(std::string& out, const std::vector<float>& vector);

/// Appends `vector` as the base64 of its little-endian 32-bit floats.
void append_float_base64(std::string& out, const std::vector<float>& vector);

} // namespace sluice
