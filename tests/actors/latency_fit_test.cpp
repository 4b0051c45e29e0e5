#include "actors/batching/latency_fit.hpp"

#include "tests/support/random_test.hpp"

#include <gtest/gtest.h>

#include <random>

namespace sluice {
namespace {

/// The reference upstream.
seconds_f reference(double n, double base = 0.275, double per_item = 0.0424) {
  return seconds_f{base + per_item * n};
}

TEST(latency_fit_test, knows_nothing_before_the_first_call) {
  latency_fit x;
  EXPECT_FALSE(x.known());
  EXPECT_EQ(x.predict(8).count(), 0);
}

TEST(latency_fit_test, splits_calls_of_one_size_as_the_reference_does) {
  latency_fit x;
  for (int i = 0; i < 5; ++i)
    x.add(8, reference(8));
  EXPECT_NEAR(x.base().count(), 0.275, 1e-9);
  EXPECT_NEAR(x.per_item().count(), 0.0424, 1e-9);
}

TEST(latency_fit_test, finds_base_and_slope_exactly_where_there_is_no_noise) {
  latency_fit x;
  for (uint32_t n : {1U, 5U, 9U, 32U, 2U, 17U})
    x.add(n, reference(n, 0.1, 0.003));
  EXPECT_NEAR(x.base().count(), 0.1, 1e-9);
  EXPECT_NEAR(x.per_item().count(), 0.003, 1e-9);
}

TEST(latency_fit_test, is_not_moved_by_outliers) {
  latency_fit x;
  for (uint32_t i = 0; i < latency_fit::window; ++i)
    x.add(1 + i % 16, i % 5 == 0 ? seconds_f{30} : reference(1 + i % 16));
  EXPECT_NEAR(x.predict(8).count(), reference(8).count(), 0.02);
}

class noisy_latency_fit_test : public test::random_test {};

TEST_F(noisy_latency_fit_test, learns_a_doubled_slope_within_fifty_calls) {
  std::normal_distribution<double> noise{1, 0.05};
  std::uniform_int_distribution<uint32_t> size{1, 32};
  latency_fit x;
  auto run = [&](double per_item) {
    for (int i = 0; i < 50; ++i) {
      auto n = size(random);
      x.add(n, reference(n, 0.275, per_item) * noise(random));
    }
  };
  run(0.0424);
  EXPECT_NEAR(x.predict(16).count(), reference(16).count(), 0.08);
  run(0.0848);
  EXPECT_NEAR(x.predict(16).count(), reference(16, 0.275, 0.0848).count(), 0.12);
  EXPECT_NEAR(x.per_item().count(), 0.0848, 0.012);
}

TEST(latency_fit_test, never_gives_less_than_nothing) {
  latency_fit x;
  for (uint32_t i = 0; i < latency_fit::window; ++i)
    x.add(1 + i % 8, seconds_f{1.0 / (1 + i % 8)}); // larger calls are faster: some caches do that
  EXPECT_GE(x.per_item().count(), 0);
  EXPECT_GE(x.base().count(), 0);
}

} // namespace
} // namespace sluice
