#include "actors/batching/share_out.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <numeric>

namespace sluice {

namespace {

// GCC and clang have it on every 64-bit target; `__extension__` keeps -Wpedantic quiet about it.
__extension__ typedef __int128 int128;

// Prices are per million tokens.
constexpr int64_t tokens_per_price = 1'000'000;

using bucket = int64_t token_usage::*;
constexpr std::array<bucket, 5> buckets{&token_usage::input, &token_usage::cache_read,
                                        &token_usage::cache_write, &token_usage::output,
                                        &token_usage::reasoning};
constexpr std::array<int64_t token_price::*, 5> prices{
    &token_price::input, &token_price::cache_read, &token_price::cache_write, &token_price::output,
    &token_price::reasoning};

/// Adds 1 to the `count` parts with the largest remainders.
template <class Part>
void give(std::vector<Part>& parts, const std::vector<int128>& remainders, size_t count,
          int64_t Part::*member) {
  std::vector<size_t> order(parts.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return remainders[a] > remainders[b]; });
  for (size_t i = 0; i < count && i < order.size(); ++i)
    ++(parts[order[i]].*member);
}

struct whole_number {
  int64_t value = 0;
};

} // namespace

std::vector<int64_t> share_out(int64_t total, std::span<const int64_t> weights) {
  auto weight = [&](size_t i) { return std::max<int64_t>(weights[i], 0); };
  int128 sum = 0;
  for (size_t i = 0; i < weights.size(); ++i)
    sum += weight(i);
  bool equal = sum == 0;
  if (equal)
    sum = static_cast<int128>(weights.size());
  std::vector<whole_number> parts(weights.size());
  std::vector<int128> remainders(weights.size());
  int128 left = total;
  for (size_t i = 0; i < weights.size(); ++i) {
    // Below 2^126, as both factors are below 2^63.
    auto exact = int128{total} * (equal ? 1 : weight(i));
    auto down = exact / sum;
    if (down * sum > exact)
      --down; // division rounds towards zero, and a remainder must not be negative
    parts[i].value = static_cast<int64_t>(down);
    remainders[i] = exact - down * sum;
    left -= down;
  }
  // Remainders are below `sum` each, so fewer are left than there are remainders above zero.
  give(parts, remainders, static_cast<size_t>(left), &whole_number::value);
  std::vector<int64_t> result;
  result.reserve(parts.size());
  for (const auto& x : parts)
    result.push_back(x.value);
  return result;
}

std::vector<token_usage> share_usage(const token_usage& whole, std::span<const token_usage> weights,
                                     std::span<const int64_t> otherwise) {
  std::vector<token_usage> result(weights.size());
  std::vector<int64_t> column(weights.size());
  for (auto bucket : buckets) {
    if (whole.*bucket == 0)
      continue;
    std::ranges::transform(weights, column.begin(), [&](auto& x) { return x.*bucket; });
    bool weighted = std::ranges::any_of(column, [](auto x) { return x > 0; });
    auto parts = share_out(whole.*bucket, weighted ? std::span<const int64_t>{column} : otherwise);
    for (size_t i = 0; i < parts.size() && i < result.size(); ++i)
      result[i].*bucket = parts[i];
  }
  return result;
}

std::optional<std::vector<nanousd>> share_cost(std::span<const token_usage> parts,
                                               const token_price& price) {
  token_usage whole;
  for (const auto& x : parts)
    for (auto bucket : buckets)
      if (x.*bucket < 0 || __builtin_add_overflow(whole.*bucket, x.*bucket, &(whole.*bucket)))
        return std::nullopt;
  auto total = cost(whole, price);
  if (!total)
    return std::nullopt;
  std::vector<nanousd> result(parts.size());
  std::vector<int128> remainders(parts.size());
  auto left = *total;
  for (size_t i = 0; i < parts.size(); ++i) {
    int128 exact = 0; // at most that of the whole, which `cost` found in range
    for (size_t k = 0; k < buckets.size(); ++k)
      exact += int128{parts[i].*buckets[k]} * (price.*prices[k]);
    result[i].value = static_cast<int64_t>(exact / tokens_per_price);
    remainders[i] = exact % tokens_per_price;
    left = left - result[i];
  }
  // Each fraction is below a nano-dollar, so their sum rounded up gives each at most one.
  give(result, remainders, static_cast<size_t>(left.value), &nanousd::value);
  return result;
}

} // namespace sluice
