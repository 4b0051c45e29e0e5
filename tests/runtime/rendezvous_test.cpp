#include "runtime/rendezvous.hpp"

#include <gtest/gtest.h>

#include <array>
#include <random>

namespace sluice {
namespace {

TEST(rendezvous_test, spreads_keys_evenly_and_moves_few_when_a_part_is_added) {
  std::mt19937_64 random{7};
  std::array<int, 5> counts{};
  auto moved = 0;
  constexpr int keys = 10'000;
  for (int i = 0; i < keys; ++i) {
    fingerprint key{random(), random()};
    auto of_four = rendezvous(key, 4);
    auto of_five = rendezvous(key, 5);
    ++counts[of_five];
    if (of_four != of_five) {
      ++moved;
      EXPECT_EQ(of_five, 4U) << "only to the new part";
    }
  }
  for (auto count : counts)
    EXPECT_NEAR(count, keys / 5, keys / 50);
  EXPECT_NEAR(moved, keys / 5, keys / 50);
  EXPECT_EQ(rendezvous({1, 2}, 1), 0U);
}

} // namespace
} // namespace sluice
