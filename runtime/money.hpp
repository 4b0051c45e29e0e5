#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>

namespace sluice {

/// An amount of money in nano-US-dollars (1 USD = 1,000,000,000). Never a floating-point number:
/// sums of many small costs must equal the bill. The range is ±9.2 billion dollars.
struct nanousd {
  int64_t value = 0;

  friend constexpr auto operator<=>(const nanousd&, const nanousd&) = default;
  friend constexpr nanousd operator+(nanousd a, nanousd b) { return {a.value + b.value}; }
  friend constexpr nanousd operator-(nanousd a, nanousd b) { return {a.value - b.value}; }
  constexpr nanousd& operator+=(nanousd b) {
    value += b.value;
    return *this;
  }
};

/// What a call used, in tokens. The buckets are disjoint: their sum is what the provider processed.
/// Providers disagree on what includes what; `api/upstream` normalises once, at the edge.
struct token_usage {
  int64_t input = 0;       ///< fresh input: neither read from nor written to the provider's cache
  int64_t cache_read = 0;  ///< input served by the provider's prompt cache
  int64_t cache_write = 0; ///< input written to the provider's prompt cache
  int64_t output = 0;      ///< visible output
  int64_t reasoning = 0;   ///< output spent on reasoning, not shown

  friend constexpr bool operator==(const token_usage&, const token_usage&) = default;
  friend constexpr token_usage operator+(const token_usage& a, const token_usage& b) {
    return {a.input + b.input, a.cache_read + b.cache_read, a.cache_write + b.cache_write,
            a.output + b.output, a.reasoning + b.reasoning};
  }
  constexpr int64_t input_total() const { return input + cache_read + cache_write; }
  constexpr int64_t output_total() const { return output + reasoning; }
};

/// What a model costs, in nano-US-dollars per million tokens of each bucket of `token_usage`.
struct token_price {
  int64_t input = 0;
  int64_t cache_read = 0;
  int64_t cache_write = 0;
  int64_t output = 0;
  int64_t reasoning = 0;

  friend constexpr bool operator==(const token_price&, const token_price&) = default;
};

/// What `usage` costs at `price`, rounded up once to a whole nano-dollar. The only costing
/// function: estimate, settlement and report use it. Empty where a count or price is negative or
/// the sum leaves the range of `nanousd`.
std::optional<nanousd> cost(const token_usage& usage, const token_price& price);

/// `price` less `percent` per cent of it, each bucket rounded up to a whole nano-dollar per million
/// tokens. `percent` is at most 100.
token_price discounted(const token_price& price, uint32_t percent);

/// Reads US dollars per million tokens ("0.15", "2.5e-1", "10") into nano-dollars per million
/// tokens, exactly. Empty for anything else: a sign, more than nine digits behind the point that
/// are not zero, or a value out of range.
std::optional<int64_t> parse_usd_nanos(const std::string& text);

/// "$0.000123" as "0.000123": US dollars with as many of nine decimals as are needed and at least
/// one digit before the point.
std::string to_usd_string(nanousd amount);

} // namespace sluice
