#include "actors/cache/semantic/semantic_cache.hpp"
#include "tests/support/fake_judge.hpp"

#include <gtest/gtest.h>

#include <array>
#include <set>

namespace sluice {

namespace {

using namespace std::chrono_literals;

class semantic_cache_test : public testing::Test {
protected:
  semantic_cache make(size_t entries_max = 100) {
    semantic_settings settings;
    settings.entries_max = entries_max;
    settings.similarity_min = 0.85;
    // What is served is never sampled, so that tests need no luck.
    settings.bound.verified_share_start = 0;
    settings.bound.verified_share_min = 0;
    settings.bound.regions = {{0.5, 0, 0}, {0.95, 1'000, 0}};
    settings.seed = 1;
    return {settings, judge_, [this](const fingerprint& key) -> std::optional<std::string> {
              auto at = facts_.find(key);
              return at == facts_.end() ? std::nullopt : std::optional{at->second};
            }};
  }

  question_form form(const std::string& text) {
    const std::array<std::string_view, 1> texts{text};
    return judge_.read(texts)->front();
  }

  void insert(semantic_cache& to, fingerprint scope, fingerprint key, const std::string& text,
              fingerprint redundant_to = {}) {
    facts_[key] = text;
    to.insert(scope, key, form(text).vector, redundant_to, now_);
  }

  fake_judge judge_;
  std::map<fingerprint, std::string> facts_;
  steady_time now_{};
};

constexpr fingerprint scope{1, 1};
constexpr fingerprint other_scope{2, 2};

TEST_F(semantic_cache_test, serves_what_the_judge_believes_in) {
  auto x = make();
  insert(x, scope, {7, 7}, "weather/today");
  auto found = x.find(scope, form("weather/now"), now_);
  EXPECT_EQ(found.decision, hit_decision::serve);
  EXPECT_EQ(found.key, (fingerprint{7, 7}));
  EXPECT_GT(found.similarity, 0.99);
  EXPECT_EQ(found.probability, 0.97);
  judge_.probability = [](auto&, auto&) { return 0.2; };
  EXPECT_EQ(x.find(scope, form("weather/not"), now_).decision, hit_decision::unlikely);
  EXPECT_FALSE(x.find(scope, form("sports/today"), now_).key) << "below the floor";
}

TEST_F(semantic_cache_test, takes_the_likeliest_of_the_neighbours) {
  auto x = make();
  for (uint64_t i = 1; i <= 4; ++i)
    insert(x, scope, {i, i}, "weather/in " + std::string(i, 'x'));
  judge_.probability = [](auto&, auto& kept) { return kept == "weather/in xxx" ? 0.99 : 0.3; };
  EXPECT_EQ(x.find(scope, form("weather/in xx"), now_).key, (fingerprint{3, 3}));
}

TEST_F(semantic_cache_test, an_entry_that_was_wrong_once_needs_more) {
  auto x = make();
  insert(x, scope, {1, 1}, "weather/a");
  auto found = x.find(scope, form("weather/b"), now_);
  x.verified(scope, found, false);
  // The bound closes the region; were it open again, this entry would still be left out.
  for (int i = 0; i < 3'000; ++i)
    x.verified(scope, {hit_decision::sampled, {9, 9}, 1, 0.97, {}}, true);
  for (int i = 0; i < 20'000; ++i)
    x.served(scope, {hit_decision::serve, {9, 9}, 1, 0.97, {}});
  EXPECT_EQ(x.find(scope, form("weather/b"), now_).decision, hit_decision::unproven);
  judge_.probability = [](auto&, auto&) { return 0.98; };
  EXPECT_EQ(x.find(scope, form("weather/b"), now_).decision, hit_decision::serve);
}

/// Two namespaces with the same questions, at random.
TEST_F(semantic_cache_test, nothing_crosses_between_namespaces) {
  constexpr uint64_t seed = 5;
  SCOPED_TRACE(seed);
  std::mt19937_64 random{seed};
  auto x = make(60);
  std::map<fingerprint, fingerprint> home;
  uint64_t next = 1;
  for (int i = 0; i < 3'000; ++i) {
    auto& where = random() % 2 == 0 ? scope : other_scope;
    auto text =
        std::string{"topic"} + std::to_string(random() % 5) + "/" + std::string(random() % 20, 'x');
    now_ += 1s;
    if (random() % 2 == 0) {
      fingerprint key{next, next};
      ++next;
      home[key] = where;
      insert(x, where, key, text);
    } else if (auto found = x.find(where, form(text), now_); found.key) {
      ASSERT_EQ(home.at(found.key), where);
    }
    if (random() % 100 == 0)
      x.erase({next / 2, next / 2});
    ASSERT_LE(x.entries(), 60u);
  }
  x.erase_scope(scope);
  for (int topic = 0; topic < 5; ++topic)
    EXPECT_FALSE(x.find(scope, form("topic" + std::to_string(topic) + "/x"), now_).key);
}

TEST_F(semantic_cache_test, what_a_neighbour_stands_for_goes_first) {
  auto x = make(40);
  for (uint64_t i = 1; i <= 40; ++i)
    insert(x, scope, {i, i}, "topic" + std::to_string(i % 7) + "/" + std::string(i, 'x'),
           i > 20 ? fingerprint{i - 20, i - 20} : fingerprint{});
  for (uint64_t i = 100; i < 115; ++i)
    insert(x, scope, {i, i}, "news/" + std::string(i % 50, 'y'));
  EXPECT_EQ(x.entries(), 40u);
  EXPECT_EQ(x.evicted(), 15u);
  int unique = 0;
  for (uint64_t i = 1; i <= 20; ++i)
    unique += x.contains({i, i}) ? 1 : 0;
  EXPECT_EQ(unique, 20) << "all that went had a stand-in";
}

TEST_F(semantic_cache_test, what_is_used_stays) {
  auto x = make(50);
  for (uint64_t i = 1; i <= 50; ++i)
    insert(x, scope, {i, i}, "topic" + std::to_string(i % 15) + "/" + std::string(i % 40, 'x'));
  judge_.probability = [&](auto&, auto& kept) { return kept == facts_[{1, 1}] ? 0.99 : 0.6; };
  for (uint64_t i = 100; i < 300; ++i) {
    now_ += 1s;
    ASSERT_EQ(x.find(scope, form(facts_[{1, 1}]), now_).key, (fingerprint{1, 1}));
    insert(x, scope, {i, i}, "news" + std::to_string(i % 3) + "/" + std::string(i % 45, 'y'));
  }
  EXPECT_TRUE(x.contains({1, 1}));
  EXPECT_EQ(x.entries(), 50u);
}

TEST_F(semantic_cache_test, an_entry_whose_answer_is_gone_goes_too) {
  auto x = make();
  insert(x, scope, {1, 1}, "weather/a");
  facts_.clear();
  EXPECT_FALSE(x.find(scope, form("weather/b"), now_).key);
  EXPECT_EQ(x.entries(), 0u);
}

TEST_F(semantic_cache_test, the_least_recently_used_namespace_goes) {
  semantic_settings settings;
  settings.namespaces_max = 3;
  settings.bound.regions = {{0.5, 1'000, 0}};
  semantic_cache x{settings, judge_,
                   [](const fingerprint&) { return std::optional<std::string>{"weather/"}; }};
  for (uint64_t i = 1; i <= 3; ++i)
    x.insert({i, i}, {i, i}, form("weather/a").vector, {}, now_);
  x.find({1, 1}, form("weather/b"), now_);
  x.insert({4, 4}, {4, 4}, form("weather/a").vector, {}, now_);
  EXPECT_EQ(x.namespaces(), 3u);
  EXPECT_TRUE(x.contains({1, 1}));
  EXPECT_FALSE(x.contains({2, 2}));
  EXPECT_EQ(x.bound_of({2, 2}), nullptr);
  EXPECT_NE(x.bound_of({1, 1}), nullptr);
  EXPECT_GT(x.bytes(), 0u);
}

TEST_F(semantic_cache_test, hit_share_follows_what_was_served) {
  auto x = make();
  insert(x, scope, {1, 1}, "weather/a");
  EXPECT_EQ(x.hit_share(scope), 0);
  for (int i = 0; i < 300; ++i)
    x.find(scope, form("weather/b"), now_);
  EXPECT_GT(x.hit_share(scope), 0.9);
  for (int i = 0; i < 300; ++i)
    x.find(scope, form("sports/b"), now_);
  EXPECT_LT(x.hit_share(scope), 0.1);
}

} // namespace

} // namespace sluice
