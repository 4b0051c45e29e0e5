#include "tests/bench/peer/latency_histogram.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <random>
#include <vector>

namespace sluice::bench {

TEST(latency_histogram_test, says_zero_without_samples) {
  EXPECT_EQ(latency_histogram{}.quantile_ns(0.5), 0u);
}

TEST(latency_histogram_test, keeps_the_extremes) {
  latency_histogram histogram;
  histogram.add(-5);
  histogram.add(std::numeric_limits<int64_t>::max());
  EXPECT_EQ(histogram.quantile_ns(0.0), 0u);
  EXPECT_EQ(histogram.quantile_ns(1.0), uint64_t{std::numeric_limits<int64_t>::max()});
}

TEST(latency_histogram_test, is_within_a_sixty_fourth_of_the_sorted_samples) {
  constexpr unsigned seed = 20260101;
  SCOPED_TRACE(seed);
  std::mt19937_64 random{seed};
  std::lognormal_distribution<double> latencies{11.0, 1.5};
  latency_histogram histogram;
  std::vector<uint64_t> sorted;
  for (int i = 0; i < 100'000; ++i) {
    auto sample = static_cast<int64_t>(latencies(random));
    histogram.add(sample);
    sorted.push_back(static_cast<uint64_t>(sample));
  }
  std::sort(sorted.begin(), sorted.end());
  for (auto share : {0.0, 0.01, 0.5, 0.9, 0.99, 0.999}) {
    auto exact = static_cast<double>(sorted[static_cast<size_t>(share * 100'000)]);
    auto seen = static_cast<double>(histogram.quantile_ns(share));
    EXPECT_GE(seen, exact);
    EXPECT_LE(seen, exact * (1.0 + 1.0 / 64));
  }
}

} // namespace sluice::bench
