#include "actors/cache/semantic/error_bound.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <random>
#include <string>

namespace sluice {

namespace {

/// Regions as a judge that is right brings them: the surest has earned its place.
error_bound_settings with_prior(double error_rate_max = 0.01) {
  error_bound_settings result;
  result.error_rate_max = error_rate_max;
  result.regions = {{0.5, 0, 0}, {0.8, 0, 0}, {0.95, 400, 0}, {0.999, 2'000, 0}};
  return result;
}

constexpr double never = 0.999999; ///< a coin that samples nothing

TEST(error_bound_test, upper_bound_is_clopper_and_pearsons) {
  // 1 - 0.05^(1/n) where nothing was wrong: the "rule of three".
  EXPECT_NEAR(error_rate_upper(0, 299), 0.00997, 0.00002);
  EXPECT_NEAR(error_rate_upper(0, 10), 0.2589, 0.0001);
  // From the tables of the binomial distribution.
  EXPECT_NEAR(error_rate_upper(1, 10), 0.3942, 0.0001);
  EXPECT_EQ(error_rate_upper(0, 0), 1);
  EXPECT_EQ(error_rate_upper(3, 3), 1);
  auto [low, high] = error_rate_interval(1, 10);
  EXPECT_NEAR(low, 0.0025, 0.0001);
  EXPECT_NEAR(high, 0.4450, 0.0001);
}

TEST(error_bound_test, serves_at_first_only_where_the_prior_allows_it) {
  error_bound x{with_prior()};
  EXPECT_EQ(x.decide(0.97, never), hit_decision::serve);
  EXPECT_EQ(x.decide(0.9, never), hit_decision::unproven);
  EXPECT_EQ(x.decide(0.3, never), hit_decision::unlikely);
  error_bound strict{with_prior(0.001)};
  EXPECT_EQ(strict.decide(0.97, never), hit_decision::unproven);
}

TEST(error_bound_test, loosens_with_evidence) {
  error_bound x{with_prior()};
  auto needed = 0;
  for (; x.decide(0.9, never) != hit_decision::serve && needed < 1'000; ++needed)
    x.verified(0.9, true);
  // 299 were it not for the fading of the older ones.
  EXPECT_GE(needed, 299);
  EXPECT_LE(needed, 400);
  EXPECT_EQ(x.decide(0.6, never), hit_decision::unproven) << "nothing is known of it";
}

TEST(error_bound_test, tightens_at_the_first_error) {
  error_bound x{with_prior()};
  x.verified(0.97, false);
  EXPECT_NE(x.decide(0.97, never), hit_decision::serve);
  EXPECT_EQ(x.decide(0.9995, never), hit_decision::serve) << "surer than what was wrong";
}

TEST(error_bound_test, begins_again_when_errors_come_together) {
  auto settings = with_prior();
  settings.regions[2].samples = 100'000;
  error_bound x{settings};
  x.verified(0.97, false);
  EXPECT_EQ(x.decide(0.97, never), hit_decision::suspected);
  x.verified(0.97, false);
  EXPECT_EQ(x.decide(0.97, never), hit_decision::unproven);
  EXPECT_EQ(x.regions()[2].samples, 2) << "the prior was not made from this";
  // One by itself is forgiven where much speaks for the region.
  error_bound y{settings};
  y.verified(0.97, false);
  for (uint32_t i = 0; i < error_bound::suspicion; ++i)
    y.verified(0.97, true);
  EXPECT_EQ(y.decide(0.97, never), hit_decision::serve);
}

TEST(error_bound_test, verifies_less_the_longer_it_goes_well) {
  error_bound x{with_prior()};
  EXPECT_EQ(x.verified_share(), 0.75);
  x.served(0.97); // and 99 more: at most three wrong ones may pass
  for (int i = 1; i < 100; ++i)
    x.served(0.97);
  EXPECT_NEAR(x.verified_share(), 1 - std::pow(0.01, 1 / 3.96), 1e-3);
  for (int i = 100; i < 2'000; ++i)
    x.served(0.97);
  EXPECT_NEAR(x.verified_share(), 0.1433, 1e-3);
  x.verified(0.97, false);
  EXPECT_NEAR(x.verified_share(), 0.36, 0.01) << "seven, or even twenty, served ones were wrong";
  for (int i = 0; i < 100'000; ++i)
    x.served(0.97);
  EXPECT_EQ(x.verified_share(), 0.01);
  EXPECT_EQ(x.decide(0.9995, 0.005), hit_decision::sampled);
}

TEST(error_bound_test, without_regions_nothing_is_served) {
  error_bound x{{}};
  EXPECT_EQ(x.decide(1, never), hit_decision::unlikely);
  x.verified(1, true);
  x.served(1);
  EXPECT_TRUE(x.regions().empty());
}

// -- replays -----------------------------------------------------------------------------------

struct would_be_hit {
  double probability;
  bool right;
};
using stream = std::vector<would_be_hit>;

struct outcome {
  int served = 0;
  int wrong = 0;
};

/// Kills of the process, after so many would-be hits each; 0 for none. What was shown is written
/// down like the cache's keeper does it: after an error, and otherwise twice a life.
struct lives {
  size_t length = 0;
};

outcome replay(const stream& x, double error_rate_max, std::mt19937_64& random, lives of = {}) {
  error_bound bound{with_prior(error_rate_max)};
  auto written = bound.evidence();
  size_t seen = 0;
  std::uniform_real_distribution<> coin{0, 1};
  outcome result;
  for (auto& each : x) {
    if (of.length > 0 && ++seen % of.length == 0) {
      bound = error_bound{with_prior(error_rate_max)};
      EXPECT_TRUE(bound.restore(written));
    }
    if (of.length > 0 && seen % of.length == of.length / 2)
      written = bound.evidence();
    switch (bound.decide(each.probability, coin(random))) {
    case hit_decision::serve:
      bound.served(each.probability);
      ++result.served;
      result.wrong += each.right ? 0 : 1;
      break;
    case hit_decision::unlikely:
      break;
    default:
      bound.verified(each.probability, each.right);
      if (!each.right)
        written = bound.evidence();
    }
  }
  return result;
}

/// `count` hits of which about `wrong` are wrong.
void append(stream& to, double probability, double wrong, int count, std::mt19937_64& random) {
  std::bernoulli_distribution error{wrong};
  for (int i = 0; i < count; ++i)
    to.push_back({probability, !error(random)});
}

/// Ten replays; in how many the observed error rate is within the bound, which is so where the
/// bound lies above the low end of its interval.
int held_in_ten(const std::function<stream(std::mt19937_64&)>& make, double bound, lives of = {}) {
  int held = 0;
  for (uint64_t seed = 1; seed <= 10; ++seed) {
    std::mt19937_64 random{seed};
    auto x = replay(make(random), bound, random, of);
    auto low = x.served == 0 ? 0.0 : error_rate_interval(x.wrong, x.served)[0];
    held += low <= bound ? 1 : 0;
    testing::Test::RecordProperty("seed_" + std::to_string(seed), std::to_string(x.wrong) +
                                                                      " wrong of " +
                                                                      std::to_string(x.served));
  }
  return held;
}

stream mixed(std::mt19937_64& random, double wrong_at_sure) {
  stream x;
  append(x, 0.9995, 0.0005, 1'000, random);
  append(x, 0.97, wrong_at_sure, 2'000, random);
  append(x, 0.9, 0.05, 1'500, random);
  append(x, 0.6, 0.3, 1'500, random);
  std::shuffle(x.begin(), x.end(), random);
  return x;
}

/// Right until a region is open and hardly looked at, then wrong every time, again and again.
stream waiting(std::mt19937_64& random) {
  stream x;
  for (int round = 0; round < 5; ++round) {
    append(x, 0.97, 0, 1'500, random);
    append(x, 0.97, 1, 300, random);
  }
  return x;
}

/// What was right for long is wrong as often as this from half of it on.
stream drifting(std::mt19937_64& random, double wrong) {
  auto x = mixed(random, 0.001);
  auto after = mixed(random, wrong);
  x.insert(x.end(), after.begin(), after.end());
  return x;
}

TEST(error_bound_test, holds_in_random_orders) {
  for (auto bound : {0.005, 0.01, 0.05}) {
    SCOPED_TRACE(bound);
    EXPECT_GE(held_in_ten([](auto& random) { return mixed(random, 0.002); }, bound), 9);
  }
}

TEST(error_bound_test, holds_where_the_prior_is_wrong) {
  for (auto wrong : {0.03, 0.1, 0.5, 1.0}) {
    SCOPED_TRACE(wrong);
    EXPECT_GE(held_in_ten([&](auto& random) { return mixed(random, wrong); }, 0.01), 9);
  }
}

TEST(error_bound_test, holds_when_the_questions_drift) {
  for (auto wrong : {0.1, 0.3, 1.0}) {
    SCOPED_TRACE(wrong);
    EXPECT_GE(held_in_ten([&](auto& random) { return drifting(random, wrong); }, 0.01), 9);
  }
}

TEST(error_bound_test, holds_against_who_waits_for_its_trust) {
  EXPECT_GE(held_in_ten(waiting, 0.01), 9);
}

TEST(error_bound_test, holds_over_kills) {
  for (size_t length : {30, 1'700}) {
    SCOPED_TRACE(length);
    EXPECT_GE(held_in_ten([](auto& random) { return mixed(random, 0.1); }, 0.01, {length}), 9);
    EXPECT_GE(held_in_ten([](auto& random) { return drifting(random, 0.3); }, 0.01, {length}), 9);
    EXPECT_GE(held_in_ten(waiting, 0.01, {length}), 9);
  }
}

TEST(error_bound_test, holds_against_who_waits_no_longer_than_for_a_region_to_open) {
  // Little was served by then, so that a few wrong answers are too many.
  auto make = [](auto& random) {
    stream x;
    append(x, 0.9, 0, 450, random);
    append(x, 0.9, 1, 100, random);
    return x;
  };
  EXPECT_GE(held_in_ten(make, 0.01), 9);
}

TEST(error_bound_test, finds_out_nearly_everyone_who_waits_for_trust) {
  // Nine of ten is little where one attack decides: with a chance of 95 % some fifteen pass.
  constexpr int orders = 300;
  auto held = 0;
  for (uint64_t seed = 1; seed <= orders; ++seed) {
    std::mt19937_64 random{seed};
    stream x;
    append(x, 0.9, 0, 850, random); // about 200 of them served
    append(x, 0.9, 1, 100, random);
    auto each = replay(x, 0.01, random);
    held += error_rate_interval(each.wrong, each.served)[0] <= 0.01 ? 1 : 0;
  }
  EXPECT_GE(held, orders * 97 / 100);
}

TEST(error_bound_test, serves_most_of_what_is_right) {
  std::mt19937_64 random{1};
  stream x;
  append(x, 0.97, 0, 5'000, random);
  EXPECT_GT(replay(x, 0.01, random).served, 4'000);
}

} // namespace

} // namespace sluice
