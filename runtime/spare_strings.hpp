#pragma once

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

namespace sluice {

/// Strings that one part of a loop is done with and another can use: the body of each answer is
/// made where it comes in and given up where it goes out, and memory of its size is the most
/// expensive to ask the C library for (beyond its thread cache, and it tidies up on the way).
class spare_strings {
public:
  /// Empty, often with room.
  std::string take() {
    if (kept_.empty())
      return {};
    auto result = std::move(kept_.back());
    kept_.pop_back();
    return result;
  }

  void give(std::string&& x) {
    if (x.capacity() < bytes_min || x.capacity() > bytes_max || kept_.size() >= kept_max)
      return;
    x.clear();
    kept_.push_back(std::move(x));
  }

private:
  /// What is smaller the thread cache has at hand.
  static constexpr size_t bytes_min = 1'024;
  /// A usual answer; what is larger costs more to fill than to get.
  static constexpr size_t bytes_max = 16 * 1'024;
  /// Half a megabyte a loop at the most, and answers that are on their way at one time.
  static constexpr size_t kept_max = 32;

  std::vector<std::string> kept_;
};

} // namespace sluice
