#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <cstdlib>
#include <random>
#include <string>

namespace sluice::test {

/// Gives a property test its random numbers. The seed is printed where the test fails;
/// `SLUICE_SEED=n` plays it again.
class seeded {
protected:
  uint64_t below(uint64_t end) { return random() % end; }

private:
  static uint64_t choose_seed() {
    if (auto* told = std::getenv("SLUICE_SEED"))
      return std::strtoull(told, nullptr, 10);
    return std::random_device{}();
  }

  const uint64_t seed_ = choose_seed();
  ::testing::ScopedTrace trace_{__FILE__, __LINE__, "SLUICE_SEED=" + std::to_string(seed_)};

protected:
  std::mt19937_64 random{seed_};
};

class random_test : public ::testing::Test, protected seeded {};

} // namespace sluice::test
