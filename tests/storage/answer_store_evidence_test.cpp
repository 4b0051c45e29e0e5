#include "runtime/ec.hpp"
#include "tests/support/answer_fixture.hpp"

#include <algorithm>

namespace sluice {
namespace {

using test::answer_of;

answer_evidence shown_by(uint64_t number) {
  return {{number, number + 1},
          "tenant-" + std::to_string(number % 2),
          test::answer_day + std::chrono::seconds{number},
          std::string("\0bytes ", 7) + std::to_string(number)};
}

class answer_store_evidence_test : public test::answer_store_fixture {
protected:
  static std::vector<answer_evidence> of(answer_store& x) {
    auto result = x.evidence();
    EXPECT_TRUE(result);
    return result ? std::move(*result) : std::vector<answer_evidence>{};
  }
  static void fill(answer_store& x, uint64_t count) {
    std::vector<answer_evidence> all;
    for (uint64_t i = 0; i < count; ++i)
      all.push_back(shown_by(i));
    EXPECT_FALSE(x.put_evidence(all));
  }
  static std::string key_of_evidence(uint64_t number) {
    return "evidence/" + key_bytes(shown_by(number).scope);
  }
};

TEST_F(answer_store_evidence_test, comes_back_after_a_restart) {
  auto x = opened();
  put(*x, answer_of(1));
  fill(*x, 5);
  auto changed = shown_by(3);
  changed.bytes = "more";
  EXPECT_FALSE(x->put_evidence({changed}));
  EXPECT_FALSE(x->erase_evidence({shown_by(4).scope}));
  x = nullptr;
  x = opened();
  EXPECT_FALSE(opening.recounted);
  EXPECT_EQ(x->stats().entries, 1u) << "evidence is no entry";
  auto found = of(*x);
  ASSERT_EQ(found.size(), 4u);
  for (uint64_t i = 0; i < 4; ++i) {
    auto wanted = i == 3 ? changed : shown_by(i);
    EXPECT_EQ(found[i].scope, wanted.scope);
    EXPECT_EQ(found[i].tenant, wanted.tenant);
    EXPECT_EQ(found[i].shown, wanted.shown);
    EXPECT_EQ(found[i].bytes, wanted.bytes);
  }
}

TEST_F(answer_store_evidence_test, goes_with_a_purge) {
  auto x = opened();
  fill(*x, 6);
  EXPECT_EQ(*x->purge({answer_purge::kind::tenant, {}, "tenant-1"}), 0u);
  EXPECT_EQ(of(*x).size(), 3u);
  EXPECT_EQ(*x->purge({answer_purge::kind::scope, shown_by(2).scope, {}}), 0u);
  EXPECT_EQ(of(*x).size(), 2u);
  EXPECT_EQ(*x->purge({}), 0u);
  EXPECT_TRUE(of(*x).empty());
}

TEST_F(answer_store_evidence_test, is_what_was_written_whatever_bit_is_turned) {
  constexpr uint64_t count = 60;
  std::mt19937_64 random{20261124};
  for (int round = 0; round < 20; ++round) { // 1,200 bits in all
    auto x = opened();
    fill(*x, count);
    x = nullptr;
    auto tables = raw();
    for (uint64_t i = 0; i < count; i += 2) {
      std::string bytes;
      ASSERT_TRUE(tables.db->Get({}, tables.totals, key_of_evidence(i), &bytes).ok());
      auto bit = random() % (bytes.size() * 8);
      bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ (1 << bit % 8));
      ASSERT_TRUE(tables.db->Put({}, tables.totals, key_of_evidence(i), bytes).ok());
    }
    tables = answer_tables{};
    x = opened();
    auto found = of(*x);
    ASSERT_EQ(found.size(), count / 2);
    for (auto& each : found)
      EXPECT_EQ(each.bytes, shown_by(each.scope.high).bytes);
    EXPECT_EQ(x->stats().damaged, count / 2);
    EXPECT_EQ(of(*x).size(), count / 2);
    EXPECT_EQ(x->stats().damaged, count / 2) << "once";
  }
}

TEST_F(answer_store_evidence_test, records_that_are_elsewhere_or_of_another_version_are_dropped) {
  auto x = opened();
  fill(*x, 3);
  x = nullptr;
  {
    auto tables = raw();
    std::string other;
    ASSERT_TRUE(tables.db->Get({}, tables.totals, key_of_evidence(0), &other).ok());
    ASSERT_TRUE(tables.db->Put({}, tables.totals, key_of_evidence(1), other).ok());
    ASSERT_TRUE(tables.db->Put({}, tables.totals, "evidence/short", other).ok());
    auto key = key_bytes(shown_by(2).scope);
    ASSERT_TRUE(tables.db
                    ->Put({}, tables.totals, key_of_evidence(2),
                          sealed(answer_kind::evidence, key, "\x03 of a newer program"))
                    .ok());
  }
  x = opened();
  auto found = of(*x);
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].scope, shown_by(0).scope);
  EXPECT_EQ(x->stats().damaged, 2u);
  EXPECT_EQ(x->stats().foreign, 1u);
}

} // namespace
} // namespace sluice
