#include "actors/cache/semantic/namespace_evidence.hpp"
#include "actors/cache/semantic/semantic_cache.hpp"
#include "tests/support/fake_judge.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cmath>

namespace sluice {

namespace {

error_bound_settings regions() {
  error_bound_settings result;
  result.verified_share_start = 0;
  result.verified_share_min = 0;
  result.regions = {{0.5, 0, 0}, {0.8, 0, 0}, {0.95, 400, 0}};
  return result;
}

TEST(namespace_evidence_test, a_bound_goes_on_as_if_it_had_never_stopped) {
  error_bound one{regions()};
  for (int i = 0; i < 350; ++i) {
    one.verified(0.85, i != 7);
    one.served(0.96);
  }
  one.verified(0.96, false); // everything is looked at for a while
  namespace_evidence told;
  told.bound = one.evidence();
  auto back = evidence_of(evidence_bytes(told, 9), 9);
  ASSERT_TRUE(back);
  error_bound two{regions()};
  ASSERT_TRUE(two.restore(back->bound));
  for (int i = 0; i < 40; ++i) {
    for (auto p : {0.6, 0.85, 0.96}) {
      ASSERT_EQ(one.decide(p, 0.5), two.decide(p, 0.5)) << i;
      ASSERT_EQ(one.verified_share(p), two.verified_share(p)) << i;
    }
    one.verified(0.96, i != 20);
    two.verified(0.96, i != 20);
  }
  EXPECT_EQ(one.regions()[1].wrong, 1u);
  EXPECT_EQ(two.regions()[1].wrong, 1u);
  EXPECT_EQ(one.regions()[2].samples, two.regions()[2].samples);
}

TEST(namespace_evidence_test, what_no_bound_can_have_learnt_is_refused) {
  error_bound from{regions()};
  for (int i = 0; i < 350; ++i)
    from.verified(0.85, true);
  auto sound = from.evidence();
  auto refused = [&](auto change) {
    auto x = sound;
    change(x);
    error_bound to{regions()};
    auto result = to.restore(x);
    EXPECT_EQ(to.regions()[1].verified, 0u) << "and changes nothing";
    return !result;
  };
  EXPECT_TRUE(refused([](auto& x) { x.regions.pop_back(); }));
  EXPECT_TRUE(refused([](auto& x) { x.regions[1].samples = 1e9; }));
  EXPECT_TRUE(refused([](auto& x) { x.regions[1].samples = std::nan(""); }));
  EXPECT_TRUE(refused([](auto& x) { x.regions[1].errors = -1; }));
  EXPECT_TRUE(refused([](auto& x) { x.regions[1].errors = x.regions[1].samples + 1; }));
  EXPECT_TRUE(refused([](auto& x) { x.regions[1].wrong = x.regions[1].verified + 1; }));
  EXPECT_TRUE(refused([](auto& x) { x.served_wrong = std::nan(""); }));
  EXPECT_TRUE(refused([](auto& x) { x.served_wrong_variance = -1; }));
  EXPECT_TRUE(refused([](auto& x) { x.suspicion_left = error_bound::suspicion + 1; }));
  EXPECT_TRUE(refused([](auto& x) {
    x.suspicion_left = 1;
    x.suspected = 3;
  }));
  error_bound to{regions()};
  EXPECT_TRUE(to.restore(sound));
}

TEST(namespace_evidence_test, bytes_say_what_was_written_or_nothing) {
  namespace_evidence x;
  x.bound.regions = {{1, 2, 1, 2.5, 1.5}, {4, 5, 6, 0.125, 0}};
  x.bound.served_wrong = 0.75;
  x.bound.served_wrong_variance = 0.5;
  x.bound.suspicion_left = 3;
  x.bound.suspected = 1;
  x.wrong = {{{7, 8}, 0.5}, {{9, 10}, 0.25}};
  x.wrong_rest = 0.125;
  auto bytes = evidence_bytes(x, 42);
  auto back = evidence_of(bytes, 42);
  ASSERT_TRUE(back);
  ASSERT_EQ(back->bound.regions.size(), 2u);
  EXPECT_EQ(back->bound.regions[0].samples, 2.5);
  EXPECT_EQ(back->bound.regions[1].wrong, 6u);
  EXPECT_EQ(back->bound.served_wrong, 0.75);
  EXPECT_EQ(back->bound.served_wrong_variance, 0.5);
  EXPECT_EQ(back->bound.suspicion_left, 3u);
  EXPECT_EQ(back->bound.suspected, 1u);
  ASSERT_EQ(back->wrong.size(), 2u);
  EXPECT_EQ(back->wrong[1].key, (fingerprint{9, 10}));
  EXPECT_EQ(back->wrong[1].probability, 0.25);
  EXPECT_EQ(back->wrong_rest, 0.125);
  EXPECT_FALSE(evidence_of(bytes, 43));
  EXPECT_FALSE(evidence_of("", 42));
  bytes[0] = 2;
  EXPECT_FALSE(evidence_of(bytes, 42));
}

TEST(namespace_evidence_test, a_maker_is_a_judge_and_its_regions) {
  auto other = regions();
  other.regions[2].samples = 401;
  EXPECT_EQ(evidence_maker(1, regions()), evidence_maker(1, regions()));
  EXPECT_NE(evidence_maker(1, regions()), evidence_maker(2, regions()));
  EXPECT_NE(evidence_maker(1, regions()), evidence_maker(1, other));
  other = regions();
  other.error_rate_max = 0.5; // which asks more or less of the same evidence
  EXPECT_EQ(evidence_maker(1, regions()), evidence_maker(1, other));
}

TEST(namespace_evidence_test, more_wrong_entries_than_are_told_count_for_all) {
  fake_judge judge;
  semantic_settings settings;
  settings.bound = regions();
  auto no_facts = [](const fingerprint&) { return std::optional<std::string>{"weather/kept"}; };
  semantic_cache from{settings, judge, no_facts};
  const std::array<std::string_view, 1> text{"weather/a"};
  auto form = judge.read(text)->front();
  constexpr fingerprint scope{1, 1};
  constexpr uint64_t count = namespace_evidence::wrong_max + 10;
  for (uint64_t i = 0; i < count; ++i) {
    from.insert(scope, {i, 1}, form.vector, {}, {});
    semantic_verdict wrong;
    wrong.key = {i, 1};
    wrong.probability = 0.5 + static_cast<double>(i) / 10'000;
    from.verified(scope, wrong, false);
  }
  auto told = from.evidence_of(scope);
  ASSERT_TRUE(told);
  EXPECT_EQ(told->wrong.size(), namespace_evidence::wrong_max);
  EXPECT_DOUBLE_EQ(told->wrong_rest, 0.5 + 9.0 / 10'000);
  semantic_cache to{settings, judge, no_facts};
  ASSERT_TRUE(to.restore(scope, *told));
  to.insert_kept(scope, {3, 1}, form.vector, {});
  judge.probability = [](auto&, auto&) { return 0.96; };
  EXPECT_EQ(to.find(scope, form, {}).decision, hit_decision::serve) << "it is surer of that";
  to.forget_absent();
  auto again = to.evidence_of(scope);
  ASSERT_EQ(again->wrong.size(), 1u);
  EXPECT_DOUBLE_EQ(again->wrong[0].probability, told->wrong_rest);
  to.insert(scope, {3, 1}, form.vector, {}, {});
  EXPECT_TRUE(to.evidence_of(scope)->wrong.empty()) << "it has another answer now";
}

} // namespace

} // namespace sluice
