#pragma once

#include "runtime/money.hpp"

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

/// Dividing what a call used and cost among the requests that travelled in it. Parts always sum to
/// the whole exactly: nothing is lost in rounding and nothing is charged twice.
namespace sluice {

/// Divides `total` in proportion to `weights` by the method of largest remainders: each part is
/// less than one away from its exact share, and what is left over goes to the largest remainders,
/// the earlier first among equals. Weights below zero count as zero; where none is above it, all
/// are equal. Empty for no weights.
std::vector<int64_t> share_out(int64_t total, std::span<const int64_t> weights);

/// Divides each bucket of `whole` by the same bucket of `weights`, or by `otherwise` where nobody
/// has a weight in that bucket. Both have one row a member.
std::vector<token_usage> share_usage(const token_usage& whole, std::span<const token_usage> weights,
                                     std::span<const int64_t> otherwise);

/// What each of `parts` pays of `cost(sum of parts, price)`: its own exact cost, rounded down, and
/// a nano-dollar more for the largest fractions until the sum is that of the call. So nobody pays
/// more than `cost(own part, price)`. Empty where that function has no answer.
std::optional<std::vector<nanousd>> share_cost(std::span<const token_usage> parts,
                                               const token_price& price);

} // namespace sluice
