#include "runtime/spare_blocks.hpp"

#include "tests/support/random_test.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

namespace sluice {
namespace {

class spare_blocks_test : public test::random_test {
protected:
  struct block {
    unsigned char* at;
    size_t bytes;
    unsigned char mark;
  };

  block take(size_t bytes) {
    block x{static_cast<unsigned char*>(spares.allocate(bytes)), bytes,
            static_cast<unsigned char>(below(256))};
    std::memset(x.at, x.mark, bytes);
    return x;
  }
  void give_back(const block& x) {
    for (size_t i = 0; i < x.bytes; ++i)
      ASSERT_EQ(x.at[i], x.mark) << "byte " << i << " of " << x.bytes << " was another's, too";
    spares.deallocate(x.at, x.bytes);
  }

  spare_blocks spares;
};

TEST_F(spare_blocks_test, what_was_given_back_is_used_again) {
  for (size_t bytes : {1U, 8U, 16U, 17U, 40U, 128U}) {
    auto* first = spares.allocate(bytes);
    auto* second = spares.allocate(bytes);
    EXPECT_NE(first, second);
    spares.deallocate(first, bytes);
    EXPECT_EQ(spares.allocate(bytes), first) << bytes;
    spares.deallocate(first, bytes);
    spares.deallocate(second, bytes);
  }
}

TEST_F(spare_blocks_test, holds_no_more_blocks_of_a_size_than_were_in_use) {
  std::set<void*> seen;
  for (int round = 0; round < 100; ++round) {
    std::vector<void*> taken;
    for (int i = 0; i < 10; ++i)
      taken.push_back(spares.allocate(48));
    seen.insert(taken.begin(), taken.end());
    for (auto* x : taken)
      spares.deallocate(x, 48);
  }
  EXPECT_EQ(seen.size(), 10U);
}

TEST_F(spare_blocks_test, a_block_is_given_again_for_no_larger_size) {
  auto* small = spares.allocate(16);
  spares.deallocate(small, 16);
  auto* larger = spares.allocate(17);
  EXPECT_NE(larger, small);
  EXPECT_EQ(spares.allocate(9), small) << "where it has room for it";
  spares.deallocate(small, 9);
  spares.deallocate(larger, 17);
}

TEST_F(spare_blocks_test, blocks_are_aligned_and_nobody_elses_whatever_comes_and_goes) {
  std::vector<block> taken;
  for (int step = 0; step < 20'000; ++step) {
    if (taken.empty() || (taken.size() < 200 && below(2) == 0)) {
      auto x = take(below(8) == 0 ? below(1'000) : below(160));
      ASSERT_EQ(reinterpret_cast<uintptr_t>(x.at) % __STDCPP_DEFAULT_NEW_ALIGNMENT__, 0U);
      taken.push_back(x);
    } else {
      std::swap(taken[below(taken.size())], taken.back());
      give_back(taken.back());
      taken.pop_back();
    }
  }
  for (auto& x : taken)
    give_back(x);
}

TEST_F(spare_blocks_test, maps_live_in_it) {
  std::pmr::unordered_map<uint64_t, std::string> map{&spares};
  std::unordered_map<uint64_t, std::string> model;
  for (int step = 0; step < 20'000; ++step) {
    auto key = below(300);
    if (below(2) == 0) {
      map[key] = model[key] = std::to_string(step);
    } else {
      map.erase(key);
      model.erase(key);
    }
  }
  EXPECT_EQ(map.size(), model.size());
  for (auto& [key, value] : model)
    EXPECT_EQ(map.at(key), value);
}

TEST_F(spare_blocks_test, is_equal_to_itself_alone) {
  spare_blocks other;
  EXPECT_TRUE(spares.is_equal(spares));
  EXPECT_FALSE(spares.is_equal(other)) << "what one gave the other cannot take back";
}

} // namespace
} // namespace sluice
