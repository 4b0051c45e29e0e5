#pragma once

#include "runtime/tokens/token_ranks.hpp"

#include <string_view>
#include <vector>

namespace sluice {

/// Joins the bytes of `piece` to tokens and appends their ranks: of all neighbours whose join is a
/// token those of the lowest rank first, of equal ones the left ones. Takes n log n.
void join_byte_pairs(const token_ranks& ranks, std::string_view piece, std::vector<uint32_t>& out);

} // namespace sluice
