#include "actors/cache/tiny_lfu.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <iostream>
#include <list>
#include <map>
#include <random>
#include <set>
#include <unordered_map>

namespace sluice {
namespace {

using trace = std::vector<uint64_t>;

/// A fingerprint is a hash; so are these.
fingerprint key_of(uint64_t number) {
  std::mt19937_64 random{number};
  auto high = random();
  return {high, random()};
}

/// Requests by popularity: the n-th most popular is asked for in proportion to 1/n.
trace zipf(uint64_t keys, size_t count, uint64_t seed) {
  std::vector<double> weights(keys);
  for (uint64_t i = 0; i < keys; ++i)
    weights[i] = 1.0 / static_cast<double>(i + 1);
  std::discrete_distribution<uint64_t> draw(weights.begin(), weights.end());
  std::mt19937_64 random{seed};
  trace result(count);
  for (auto& x : result)
    x = draw(random);
  return result;
}

double hit_ratio_of_lfu(const trace& x, uint64_t capacity) {
  tiny_lfu order{{capacity, 1'000'000'000}};
  std::set<uint64_t> here;
  std::map<fingerprint, uint64_t> names;
  std::vector<fingerprint> gone;
  size_t hits = 0;
  for (auto number : x) {
    auto key = key_of(number);
    order.asked(key);
    if (here.count(number) > 0) {
      ++hits;
      continue;
    }
    names[key] = number;
    here.insert(number);
    order.add(key, 1, gone);
    for (auto& each : gone)
      here.erase(names[each]);
    gone.clear();
    EXPECT_EQ(order.entries(), here.size());
  }
  return static_cast<double>(hits) / static_cast<double>(x.size());
}

double hit_ratio_of_lru(const trace& x, uint64_t capacity) {
  std::list<uint64_t> order;
  std::unordered_map<uint64_t, std::list<uint64_t>::iterator> here;
  size_t hits = 0;
  for (auto number : x) {
    if (auto found = here.find(number); found != here.end()) {
      ++hits;
      order.splice(order.begin(), order, found->second);
      continue;
    }
    order.push_front(number);
    here[number] = order.begin();
    if (here.size() > capacity) {
      here.erase(order.back());
      order.pop_back();
    }
  }
  return static_cast<double>(hits) / static_cast<double>(x.size());
}

/// The most that any cache could do: what is asked for again last goes first (Belady, IBM Systems
/// Journal 5(2), 1966).
double hit_ratio_of_belady(const trace& x, uint64_t capacity) {
  std::vector<size_t> next(x.size());
  std::unordered_map<uint64_t, size_t> seen;
  for (size_t i = x.size(); i-- > 0;) {
    auto found = seen.find(x[i]);
    next[i] = found == seen.end() ? x.size() + i : found->second;
    seen[x[i]] = i;
  }
  std::set<std::pair<size_t, uint64_t>> order;
  std::unordered_map<uint64_t, size_t> here;
  size_t hits = 0;
  for (size_t i = 0; i < x.size(); ++i) {
    if (auto found = here.find(x[i]); found != here.end()) {
      ++hits;
      order.erase({found->second, x[i]});
    }
    here[x[i]] = next[i];
    order.emplace(next[i], x[i]);
    if (here.size() > capacity) {
      here.erase(std::prev(order.end())->second);
      order.erase(std::prev(order.end()));
    }
  }
  return static_cast<double>(hits) / static_cast<double>(x.size());
}

struct ratios {
  double lfu, lru, best;
};

ratios measure(const char* name, const trace& x, uint64_t capacity) {
  ratios result{hit_ratio_of_lfu(x, capacity), hit_ratio_of_lru(x, capacity),
                hit_ratio_of_belady(x, capacity)};
  std::cout << "hit ratio, " << name << ": W-TinyLFU " << result.lfu << ", LRU " << result.lru
            << ", optimum " << result.best << '\n';
  return result;
}

TEST(tiny_lfu_test, beats_lru_where_few_are_popular) {
  auto x = measure("Zipf, 20,000 keys, 1,000 places", zipf(20'000, 200'000, 1), 1'000);
  EXPECT_GT(x.lfu, x.lru + 0.05);
  EXPECT_GT(x.lfu, 0.85 * x.best);
}

TEST(tiny_lfu_test, keeps_a_part_of_a_loop_of_which_lru_keeps_nothing) {
  trace loop;
  for (int round = 0; round < 50; ++round)
    for (uint64_t i = 0; i < 1'500; ++i)
      loop.push_back(i);
  auto x = measure("loop of 1,500 keys, 1,000 places", loop, 1'000);
  EXPECT_EQ(x.lru, 0);
  EXPECT_GT(x.lfu, 0.5 * x.best);
}

TEST(tiny_lfu_test, a_scan_does_not_flush_what_is_asked_for_again_and_again) {
  tiny_lfu order{{100, 1'000'000}};
  std::vector<fingerprint> gone;
  for (uint64_t i = 0; i < 50; ++i)
    order.add(key_of(i), 1, gone);
  for (int round = 0; round < 5; ++round)
    for (uint64_t i = 0; i < 50; ++i)
      order.asked(key_of(i));
  for (uint64_t i = 1'000; i < 6'000; ++i) {
    order.asked(key_of(i));
    order.add(key_of(i), 1, gone);
    if (i % 10 == 0) // each of the fifty comes once in five hundred
      order.asked(key_of(i / 10 % 50));
  }
  std::set<fingerprint> lost(gone.begin(), gone.end());
  for (uint64_t i = 0; i < 50; ++i)
    EXPECT_EQ(lost.count(key_of(i)), 0U) << i;
}

TEST(tiny_lfu_test, learns_a_new_favourite) {
  tiny_lfu order{{100, 1'000'000}};
  std::vector<fingerprint> gone;
  for (uint64_t i = 0; i < 100; ++i)
    for (int round = 0; round < 3; ++round)
      order.asked(key_of(i));
  for (uint64_t i = 0; i < 100; ++i)
    order.add(key_of(i), 1, gone);
  auto favourite = key_of(7'000);
  for (int round = 0; round < 6; ++round)
    order.asked(favourite);
  gone.clear();
  order.add(favourite, 1, gone);
  order.add(key_of(7'001), 1, gone); // sends it out of the window
  EXPECT_EQ(std::count(gone.begin(), gone.end(), favourite), 0);
}

/// Whatever happens, no bound is passed, and what is named as gone is all that went.
TEST(tiny_lfu_test, never_holds_more_than_it_may) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937_64 random{seed};
    cache_bounds bounds{random() % 40, 500 + random() % 2'000};
    tiny_lfu order{bounds};
    std::map<fingerprint, uint64_t> here;
    std::vector<fingerprint> gone;
    for (int step = 0; step < 3'000; ++step) {
      auto key = key_of(random() % 120);
      order.asked(key);
      if (random() % 10 == 0) {
        order.remove(key);
        here.erase(key);
      } else if (here.count(key) == 0) {
        here[key] = 1 + random() % 200;
        order.add(key, here[key], gone);
        for (auto& each : gone)
          ASSERT_EQ(here.erase(each), 1U) << "gone once";
        gone.clear();
      }
      uint64_t bytes = 0;
      for (auto& [each, size] : here)
        bytes += size;
      ASSERT_EQ(order.entries(), here.size());
      ASSERT_EQ(order.bytes(), bytes);
      ASSERT_LE(order.entries(), bounds.entries);
      ASSERT_LE(order.bytes(), bounds.bytes);
    }
  }
}

TEST(frequency_sketch_test, counts_and_forgets) {
  frequency_sketch counts{1'000};
  auto key = key_of(1);
  EXPECT_EQ(counts.estimate(key), 0U);
  for (int i = 0; i < 100; ++i)
    counts.add(key);
  EXPECT_EQ(counts.estimate(key), 15U) << "in four bits";
  for (uint64_t i = 2; i < 20'000; ++i)
    counts.add(key_of(i));
  EXPECT_LT(counts.estimate(key), 15U) << "old fame fades";
}

} // namespace
} // namespace sluice
