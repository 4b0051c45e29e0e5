#include "runtime/money.hpp"

#include <array>
#include <limits>
#include <string_view>

namespace sluice {

namespace {

// GCC and clang have it on every 64-bit target; `__extension__` keeps -Wpedantic quiet about it.
__extension__ typedef __int128 int128;

constexpr int64_t int64_max = std::numeric_limits<int64_t>::max();
constexpr int64_t nanos_per_usd = 1'000'000'000;
constexpr int usd_decimals = 9;

// Prices are per million tokens.
constexpr int64_t tokens_per_price = 1'000'000;

struct bucket {
  int64_t tokens;
  int64_t price;
};

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

/// Takes the digits at the front of `text` away and returns them.
std::string_view take_digits(std::string_view& text) {
  size_t n = 0;
  while (n < text.size() && is_digit(text[n]))
    ++n;
  auto digits = text.substr(0, n);
  text.remove_prefix(n);
  return digits;
}

/// The exponent at the end of a decimal number: "e-7" is -7, nothing is 0.
std::optional<int> parse_exponent(std::string_view text) {
  if (text.empty())
    return 0;
  if (text.front() != 'e' && text.front() != 'E')
    return std::nullopt;
  text.remove_prefix(1);
  bool negative = false;
  if (!text.empty() && (text.front() == '-' || text.front() == '+')) {
    negative = text.front() == '-';
    text.remove_prefix(1);
  }
  auto digits = take_digits(text);
  // Three digits reach far beyond the range of the result in both directions.
  if (digits.empty() || digits.size() > 3 || !text.empty())
    return std::nullopt;
  int value = 0;
  for (char c : digits)
    value = value * 10 + (c - '0');
  return negative ? -value : value;
}

/// `digits` · 10^`exponent`; empty where that is no whole number or out of range.
std::optional<int64_t> scaled(std::string digits, int exponent) {
  while (!digits.empty() && digits.back() == '0') {
    digits.pop_back();
    ++exponent;
  }
  digits.erase(0, digits.find_first_not_of('0'));
  if (digits.empty())
    return 0;
  if (exponent < 0)
    return std::nullopt;
  int64_t result = 0;
  auto append = [&result](int64_t digit) {
    if (result > (int64_max - digit) / 10)
      return false;
    result = result * 10 + digit;
    return true;
  };
  for (char c : digits)
    if (!append(c - '0'))
      return std::nullopt;
  for (int i = 0; i < exponent; ++i)
    if (!append(0))
      return std::nullopt;
  return result;
}

} // namespace

std::optional<nanousd> cost(const token_usage& usage, const token_price& price) {
  std::array<bucket, 5> buckets{{{usage.input, price.input},
                                 {usage.cache_read, price.cache_read},
                                 {usage.cache_write, price.cache_write},
                                 {usage.output, price.output},
                                 {usage.reasoning, price.reasoning}}};
  constexpr int128 sum_max = int128{int64_max} * tokens_per_price;
  int128 sum = 0;
  for (auto& x : buckets) {
    if (x.tokens < 0 || x.price < 0)
      return std::nullopt;
    // A product is below 2^126 and `sum` below 2^83, so the addition cannot overflow. Checking the
    // sum only at the end could: five products reach 2^128.
    sum += int128{x.tokens} * x.price;
    if (sum > sum_max)
      return std::nullopt;
  }
  // Rounded up, and once: a cost is never understated, and a request with tokens in five buckets is
  // not rounded five times.
  return nanousd{static_cast<int64_t>((sum + tokens_per_price - 1) / tokens_per_price)};
}

token_price discounted(const token_price& price, uint32_t percent) {
  auto less = [&](int64_t x) {
    return static_cast<int64_t>((int128{x} * (100 - percent) + 99) / 100);
  };
  return {less(price.input), less(price.cache_read), less(price.cache_write), less(price.output),
          less(price.reasoning)};
}

std::optional<int64_t> parse_usd_nanos(const std::string& text) {
  std::string_view rest = text;
  auto whole = take_digits(rest);
  if (whole.empty())
    return std::nullopt;
  std::string_view fraction;
  if (!rest.empty() && rest.front() == '.') {
    rest.remove_prefix(1);
    fraction = take_digits(rest);
    if (fraction.empty())
      return std::nullopt;
  }
  auto exponent = parse_exponent(rest);
  if (!exponent)
    return std::nullopt;
  return scaled(std::string{whole}.append(fraction),
                *exponent + usd_decimals - static_cast<int>(fraction.size()));
}

std::string to_usd_string(nanousd amount) {
  // Unsigned, for the least value has no positive counterpart.
  auto magnitude = amount.value < 0 ? 0 - static_cast<uint64_t>(amount.value)
                                    : static_cast<uint64_t>(amount.value);
  auto fraction = std::to_string(magnitude % nanos_per_usd);
  fraction.insert(0, usd_decimals - fraction.size(), '0');
  fraction.erase(fraction.find_last_not_of('0') + 1);
  auto result = (amount.value < 0 ? "-" : "") + std::to_string(magnitude / nanos_per_usd);
  return fraction.empty() ? result : result + "." + fraction;
}

} // namespace sluice
