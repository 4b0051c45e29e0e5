#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace sluice::bench {

/// Counts latencies in buckets whose width grows with the value, as HdrHistogram does: constant
/// memory and time, and no quantile is off by more than 1/64 of itself. A sorted list of samples
/// would be exact, but allocates while the clock runs.
class latency_histogram {
public:
  void add(int64_t ns) {
    auto value = ns < 0 ? uint64_t{0} : static_cast<uint64_t>(ns);
    ++counts_[index_of(value)];
    ++total_;
    if (value > max_)
      max_ = value;
  }

  uint64_t total() const { return total_; }
  uint64_t max_ns() const { return max_; }

  /// The upper edge of the bucket that holds the sample of rank `share` (0 to 1), at most the
  /// greatest sample; 0 without samples.
  uint64_t quantile_ns(double share) const {
    auto rank = static_cast<uint64_t>(share * static_cast<double>(total_));
    uint64_t seen = 0;
    for (size_t i = 0; i < counts_.size(); ++i) {
      seen += counts_[i];
      if (seen > rank || (seen == total_ && total_ > 0))
        return upper_edge(i) < max_ ? upper_edge(i) : max_;
    }
    return 0;
  }

private:
  static constexpr unsigned precision_bits = 6; ///< 64 buckets an octave: 1.6 % is below the noise
                                                ///< of any machine
  static constexpr uint64_t linear = uint64_t{1} << precision_bits;

  /// Values below 64 have a bucket each; above, an octave has 64 buckets of equal width.
  static constexpr size_t index_of(uint64_t value) {
    if (value < linear)
      return value;
    auto octave = static_cast<unsigned>(std::bit_width(value)) - precision_bits - 1;
    return octave * linear + (value >> octave);
  }

  static constexpr uint64_t upper_edge(size_t index) {
    if (index < 2 * linear)
      return index;
    auto octave = index / linear - 1;
    return ((index - octave * linear + 1) << octave) - 1;
  }

  std::array<uint64_t, linear*(64 - precision_bits + 1)> counts_{};
  uint64_t total_ = 0;
  uint64_t max_ = 0;
};

} // namespace sluice::bench
