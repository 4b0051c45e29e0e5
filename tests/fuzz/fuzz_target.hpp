#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>

/// What the fuzz targets have in common. A target checks properties, not only that nothing crashes:
/// each property is a function of an outcome that returns what is wrong with it. Before a target
/// starts, its canary hands those functions outcomes that are known to be wrong; a property that
/// lets one pass could never find anything, and the target refuses to run.
namespace sluice::fuzz {

/// What is wrong, for people; empty where nothing is.
using violation = std::optional<std::string>;

/// Ends the run where a property does not hold; libFuzzer keeps the input.
inline void expect_none(const violation& x) {
  if (!x)
    return;
  std::fprintf(stderr, "property violated: %s\n", x->c_str());
  std::abort();
}

/// Ends the program where a property does not see a known mistake.
inline void expect_found(const violation& x, const char* mistake) {
  if (x)
    return;
  std::fprintf(stderr, "canary: the property does not find %s\n", mistake);
  std::exit(2);
}

/// Takes choices off the front of an input; zero where it is used up.
class choices {
public:
  choices(const uint8_t* data, size_t size) : left_(reinterpret_cast<const char*>(data), size) {}

  uint8_t take() {
    if (left_.empty())
      return 0;
    auto result = static_cast<uint8_t>(left_.front());
    left_.remove_prefix(1);
    return result;
  }
  std::string_view rest() const { return left_; }

private:
  std::string_view left_;
};

} // namespace sluice::fuzz
