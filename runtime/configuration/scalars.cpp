#include "runtime/configuration/scalars.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>

namespace sluice {

namespace {

struct unit {
  std::string_view name;
  uint64_t factor;
};

// The largest that divides a value is the one that it is printed in.
constexpr std::array duration_units{unit{"h", 3'600'000'000}, unit{"m", 60'000'000},
                                    unit{"s", 1'000'000}, unit{"ms", 1'000}, unit{"us", 1}};
constexpr std::array size_units{unit{"GiB", 1ull << 30},
                                unit{"MiB", 1ull << 20},
                                unit{"KiB", 1ull << 10},
                                unit{"GB", 1'000'000'000},
                                unit{"MB", 1'000'000},
                                unit{"KB", 1'000},
                                unit{"B", 1},
                                unit{"", 1}};

template <class T>
parsed<T> wrong(std::string message, std::string allowed) {
  return {std::nullopt, std::move(message), std::move(allowed)};
}

std::optional<uint64_t> whole_number(std::string_view text) {
  uint64_t x = 0;
  auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), x);
  if (text.empty() || failed != std::errc{} || end != text.data() + text.size())
    return std::nullopt;
  return x;
}

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

bool is_whole_number(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), is_digit);
}

/// "1.5" and "ms" of "1.5ms".
std::pair<std::string_view, std::string_view> split_unit(std::string_view text) {
  auto end = text.find_first_not_of("0123456789.");
  if (end == std::string_view::npos)
    return {text, {}};
  return {text.substr(0, end), text.substr(end)};
}

/// `number` · `factor`, exactly; empty where that is no whole number or too large.
std::optional<uint64_t> scaled(std::string_view number, uint64_t factor) {
  auto point = number.find('.');
  auto whole = whole_number(number.substr(0, point));
  if (!whole || *whole > std::numeric_limits<uint64_t>::max() / factor)
    return std::nullopt;
  uint64_t result = *whole * factor;
  if (point == std::string_view::npos)
    return result;
  auto digits = number.substr(point + 1);
  // Nine digits times the largest factor, an hour in microseconds, stay below 2^63.
  if (!is_whole_number(digits) || digits.size() > 9)
    return std::nullopt;
  uint64_t divisor = 1;
  for (size_t i = 0; i < digits.size(); ++i)
    divisor *= 10;
  auto part = *whole_number(digits) * factor;
  if (part % divisor != 0 || __builtin_add_overflow(result, part / divisor, &result))
    return std::nullopt;
  return result;
}

template <size_t N>
const unit* find_unit(const std::array<unit, N>& units, std::string_view name) {
  for (auto& x : units)
    if (x.name == name)
      return &x;
  return nullptr;
}

template <size_t N>
std::string print_in(const std::array<unit, N>& units, uint64_t x) {
  for (auto& u : units)
    if (x != 0 && x % u.factor == 0)
      return std::to_string(x / u.factor) + std::string{u.name};
  return "0";
}

std::string print_decimal(double x) {
  std::array<char, 32> buffer{};
  auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), x).ptr;
  return {buffer.data(), end};
}

std::string join_range(const std::string& min, const std::string& max) {
  return min + " to " + max;
}

bool is_name(std::string_view text) {
  if (text.empty() || is_digit(text.front()))
    return false;
  return std::all_of(text.begin(), text.end(), [](char c) {
    return is_digit(c) || c == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
  });
}

/// The value of "NAME" or "NAME:-default", the inside of a `${}`.
parsed<std::string> look_up(std::string_view reference, const environment& env) {
  auto separator = reference.find(":-");
  auto name = std::string{reference.substr(0, separator)};
  if (!is_name(name))
    return wrong<std::string>("'${" + std::string{reference} + "}' is no reference to a variable",
                              "${NAME} or ${NAME:-default}; $$ for a dollar sign");
  if (separator != std::string_view::npos)
    return {non_empty(env, name).value_or(std::string{reference.substr(separator + 2)}), {}, {}};
  if (auto value = env(name))
    return {std::move(value), {}, {}};
  return wrong<std::string>("the environment variable " + name + " is not set",
                            "set it, or write ${" + name + ":-default}");
}

} // namespace

parsed<uint64_t> parse_integer(std::string_view text, bounds<uint64_t> range) {
  auto allowed = join_range(std::to_string(range.min), std::to_string(range.max));
  auto digits = text.starts_with('-') ? text.substr(1) : text;
  if (!is_whole_number(digits))
    return wrong<uint64_t>("is not a whole number", allowed);
  // Digits that `uint64_t` cannot hold, and negative ones, are numbers, but not in range.
  auto x = whole_number(text);
  if (!x || *x < range.min || *x > range.max)
    return wrong<uint64_t>("is out of range", allowed);
  return {x, {}, {}};
}

parsed<std::chrono::microseconds> parse_duration(std::string_view text,
                                                 bounds<std::chrono::microseconds> range) {
  using std::chrono::microseconds;
  auto allowed = join_range(to_duration_string(range.min), to_duration_string(range.max));
  auto [number, name] = split_unit(text);
  auto unit = find_unit(duration_units, text == "0" ? "us" : name);
  auto x = unit ? scaled(number, unit->factor) : std::nullopt;
  if (!x)
    return wrong<microseconds>("is not a duration with one of the units us, ms, s, m, h", allowed);
  if (*x < static_cast<uint64_t>(range.min.count()) ||
      *x > static_cast<uint64_t>(range.max.count()))
    return wrong<microseconds>("is out of range", allowed);
  return {microseconds{static_cast<int64_t>(*x)}, {}, {}};
}

parsed<uint64_t> parse_size(std::string_view text, bounds<uint64_t> range) {
  auto allowed = join_range(to_size_string(range.min), to_size_string(range.max));
  auto [number, name] = split_unit(text);
  auto unit = find_unit(size_units, name);
  auto x = unit ? scaled(number, unit->factor) : std::nullopt;
  if (!x)
    return wrong<uint64_t>("is not a number of bytes, alone or with a unit such as KiB or MiB",
                           allowed);
  if (*x < range.min || *x > range.max)
    return wrong<uint64_t>("is out of range", allowed);
  return {x, {}, {}};
}

parsed<double> parse_decimal(std::string_view text, bounds<double> range) {
  auto allowed = join_range(print_decimal(range.min), print_decimal(range.max));
  double x = 0;
  auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), x);
  if (text.empty() || failed != std::errc{} || end != text.data() + text.size())
    return wrong<double>("is not a number", allowed);
  // Written so that it fails for "nan".
  if (!(x >= range.min && x <= range.max))
    return wrong<double>("is out of range", allowed);
  return {x, {}, {}};
}

parsed<bool> parse_flag(std::string_view text) {
  if (text == "true" || text == "false")
    return {text == "true", {}, {}};
  return wrong<bool>("is neither true nor false", "true, false");
}

parsed<nanousd> parse_usd(std::string_view text, bounds<nanousd> range) {
  auto allowed = join_range(to_usd_string(range.min), to_usd_string(range.max)) + " US dollars";
  auto x = parse_usd_nanos(std::string{text});
  if (!x)
    return wrong<nanousd>("is not an amount of US dollars with at most nine decimals", allowed);
  if (nanousd{*x} < range.min || nanousd{*x} > range.max)
    return wrong<nanousd>("is out of range", allowed);
  return {nanousd{*x}, {}, {}};
}

parsed<std::string> expand_variables(std::string_view text, const environment& env) {
  std::string result;
  while (!text.empty()) {
    auto dollar = text.find('$');
    result.append(text.substr(0, dollar));
    if (dollar == std::string_view::npos)
      break;
    text.remove_prefix(dollar + 1);
    if (text.starts_with('$')) {
      result += '$';
      text.remove_prefix(1);
    } else if (text.starts_with('{')) {
      auto end = text.find('}');
      auto found = look_up(text.substr(1, end == std::string_view::npos ? end : end - 1), env);
      if (end == std::string_view::npos)
        return wrong<std::string>("a '${' has no '}'", "${NAME} or ${NAME:-default}");
      if (!found.value)
        return found;
      result += *found.value;
      text.remove_prefix(end + 1);
    } else {
      result += '$';
    }
  }
  return {std::move(result), {}, {}};
}

std::string to_duration_string(std::chrono::microseconds x) {
  return print_in(duration_units, static_cast<uint64_t>(x.count()));
}

std::string to_size_string(uint64_t bytes) {
  return print_in(size_units, bytes);
}

} // namespace sluice
