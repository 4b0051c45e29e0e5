#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>

namespace sluice {

using seconds_f = std::chrono::duration<double>;

/// What a call of n requests takes at an upstream, T(n) = base + per_item · n, as far as its last
/// calls tell.
///
/// The slope is the median over all pairs of calls and the base the median of what is left
/// (H. Theil 1950, P. K. Sen 1968), so that up to 29 % of wild values change nothing. It forgets by
/// looking back over `window` calls only.
class latency_fit {
public:
  /// Calls looked back on: enough that the medians stand still, few enough that an upstream which
  /// has changed is known anew within 50 calls.
  static constexpr size_t window = 32;

  /// Until calls of different sizes have been seen: the ratio of the reference upstream, 42.4 ms an
  /// item to 275 ms a call.
  static constexpr double ratio_at_first = 42.4 / 275.0;

  void add(uint32_t items, seconds_f took);

  /// Whether anything is known.
  bool known() const { return count_ > 0; }
  seconds_f base() const { return base_; }
  seconds_f per_item() const { return per_item_; }
  /// T(items); zero while nothing is known.
  seconds_f predict(double items) const { return base_ + per_item_ * items; }

private:
  struct sample {
    double items;
    double took;
  };

  void fit();

  std::array<sample, window> samples_{};
  size_t next_ = 0;
  size_t count_ = 0;
  double ratio_ = ratio_at_first; ///< per_item to base, where the window cannot say
  seconds_f base_{0};
  seconds_f per_item_{0};
};

} // namespace sluice
