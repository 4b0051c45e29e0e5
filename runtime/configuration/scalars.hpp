#pragma once

#include "runtime/environment.hpp"
#include "runtime/money.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

/// How a setting that is written as text becomes a value. The same functions read the file and the
/// environment.
namespace sluice {

/// A value, or what is wrong with the text and what would be right.
template <class T>
struct parsed {
  std::optional<T> value;
  std::string message; ///< "is not a whole number"; empty where there is a value
  std::string allowed; ///< "0 to 65535"
};

/// The least and the greatest value that a setting may have.
template <class T>
struct bounds {
  T min;
  T max;
};

/// A whole number.
parsed<uint64_t> parse_integer(std::string_view text, bounds<uint64_t> range);

/// A number with the unit us, ms, s, m or h ("500ms", "0.08s"); "0" needs none. Exact to the
/// microsecond.
parsed<std::chrono::microseconds> parse_duration(std::string_view text,
                                                 bounds<std::chrono::microseconds> range);

/// A number of bytes, with the unit KiB, MiB or GiB (powers of 1,024), or B, KB, MB or GB (powers
/// of 1,000), or none.
parsed<uint64_t> parse_size(std::string_view text, bounds<uint64_t> range);

/// A number with a fraction.
parsed<double> parse_decimal(std::string_view text, bounds<double> range);

/// "true" or "false". YAML's older words for them ("yes", "on") are refused: "no" is a name too.
parsed<bool> parse_flag(std::string_view text);

/// US dollars, exact to the nano-dollar.
parsed<nanousd> parse_usd(std::string_view text, bounds<nanousd> range);

/// `text` with every `${NAME}` replaced by the variable, `${NAME:-default}` by the default where
/// the variable is empty or not set, and `$$` by `$`. Happens after YAML was read, so that a value
/// cannot change the structure of the file.
parsed<std::string> expand_variables(std::string_view text, const environment& env);

/// As they are printed in `parsed::allowed`: "1.5s", "32MiB".
std::string to_duration_string(std::chrono::microseconds x);
std::string to_size_string(uint64_t bytes);

} // namespace sluice
