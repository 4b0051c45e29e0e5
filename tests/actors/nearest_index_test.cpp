#include "actors/cache/semantic/nearest_index.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <random>

namespace sluice {

namespace {

constexpr size_t width = 24;
using vector = std::vector<float>;

vector random_vector(std::mt19937_64& random) {
  std::normal_distribution<float> number;
  vector result(width);
  float length = 0;
  for (auto& x : result) {
    x = number(random);
    length += x * x;
  }
  for (auto& x : result)
    x /= std::sqrt(length);
  return result;
}

float dot(const vector& a, const vector& b) {
  float result = 0;
  for (size_t i = 0; i < width; ++i)
    result += a[i] * b[i];
  return result;
}

TEST(nearest_index_test, finds_nothing_where_nothing_is) {
  nearest_index x{width};
  EXPECT_TRUE(x.nearest(vector(width, 0.2F), 5).empty());
  EXPECT_FALSE(x.erase(1));
  EXPECT_EQ(x.size(), 0u);
}

TEST(nearest_index_test, orders_by_similarity_and_replaces) {
  nearest_index x{2};
  x.insert(1, vector{1, 0});
  x.insert(2, vector{0.6F, 0.8F});
  x.insert(3, vector{0, 1});
  auto found = x.nearest(vector{1, 0}, 2);
  ASSERT_EQ(found.size(), 2u);
  EXPECT_EQ(found[0].id, 1u);
  EXPECT_FLOAT_EQ(found[0].similarity, 1);
  EXPECT_EQ(found[1].id, 2u);
  EXPECT_FLOAT_EQ(found[1].similarity, 0.6F);
  x.insert(3, vector{1, 0});
  EXPECT_EQ(x.size(), 3u);
  EXPECT_FLOAT_EQ(x.nearest(vector{1, 0}, 2)[1].similarity, 1);
}

/// Random inserts, replacements and removals beside a plain map: rows, graph, and the way between.
TEST(nearest_index_test, agrees_with_comparing_all) {
  constexpr uint64_t seed = 11;
  SCOPED_TRACE(seed);
  std::mt19937_64 random{seed};
  nearest_index x{width};
  std::map<uint64_t, vector> model;
  auto check = [&](bool exact) {
    ASSERT_EQ(x.size(), model.size());
    int same = 0;
    constexpr int asked = 50;
    for (int i = 0; i < asked; ++i) {
      auto query = random_vector(random);
      auto found = x.nearest(query, 3);
      ASSERT_EQ(found.size(), std::min<size_t>(3, model.size()));
      ASSERT_TRUE(std::is_sorted(found.begin(), found.end(),
                                 [](auto& a, auto& b) { return a.similarity > b.similarity; }));
      auto best = std::max_element(model.begin(), model.end(), [&](auto& a, auto& b) {
        return dot(a.second, query) < dot(b.second, query);
      });
      ASSERT_TRUE(model.count(found[0].id)) << "it was removed";
      // In a graph the numbers have eight bits.
      auto within = exact ? 1e-5 : 0.01;
      EXPECT_NEAR(found[0].similarity, dot(model.at(found[0].id), query), within);
      same += found[0].id == best->first ? 1 : 0;
    }
    // A graph misses some; among few, which are compared, it may miss none.
    EXPECT_GE(same, exact ? asked : asked * 9 / 10);
  };
  std::uniform_int_distribution<uint64_t> id{0, 1'999};
  auto change = [&](int count, double removing) {
    std::bernoulli_distribution removes{removing};
    for (int i = 0; i < count; ++i) {
      auto which = id(random);
      if (removes(random)) {
        EXPECT_EQ(x.erase(which), model.erase(which) == 1);
      } else {
        auto value = random_vector(random);
        x.insert(which, value);
        model[which] = value;
      }
    }
  };
  change(500, 0.1);
  check(true);
  change(2'500, 0.2);
  check(false);
  EXPECT_GT(x.bytes(), model.size() * width);
  change(3'000, 0.8);
  check(false);
  change(6'000, 0.97); // few are left, and the graph goes
  check(false);
  EXPECT_LT(x.bytes(), 4 * model.size() * (width * sizeof(float) + 64));
  change(1'500, 0);
  check(false);
}

/// More inserts than there is room for, as in a cache that is full.
TEST(nearest_index_test, goes_from_graph_to_graph_without_losing_one) {
  constexpr uint64_t seed = 12;
  SCOPED_TRACE(seed);
  constexpr uint64_t held = 1'500;
  std::mt19937_64 random{seed};
  nearest_index x{width};
  std::map<uint64_t, vector> model;
  int found_itself = 0;
  int asked = 0;
  uint64_t bytes_most = 0;
  for (uint64_t id = 0; id < 12'000; ++id) {
    auto value = random_vector(random);
    x.insert(id, value);
    model[id] = value;
    if (id >= held) {
      EXPECT_TRUE(x.erase(id - held));
      model.erase(id - held);
    }
    ASSERT_EQ(x.size(), model.size());
    bytes_most = std::max(bytes_most, x.bytes());
    if (id % 16 != 0)
      continue;
    // Any that is there, the oldest ones included, which move last.
    auto which = std::next(model.begin(), static_cast<ptrdiff_t>(random() % model.size()));
    auto near = x.nearest(which->second, 1);
    ASSERT_EQ(near.size(), 1u);
    ASSERT_TRUE(model.count(near[0].id));
    ++asked;
    found_itself += near[0].id == which->first ? 1 : 0;
  }
  EXPECT_GE(found_itself, asked * 98 / 100);
  EXPECT_LT(bytes_most, held * 5 * (width + 300)) << "what was removed does not stay for long";
}

} // namespace

} // namespace sluice
