#include "tests/actors/cache_keeper_fixture.hpp"

namespace sluice {

namespace {

using namespace std::chrono_literals;

class cache_keeper_evidence_test : public test::cache_keeper_fixture {
protected:
  cache_keeper_evidence_test() {
    judge_.probability = [](auto&, auto&) { return 0.8; }; // which has to be earned
  }

  /// So many would-be hits that are compared with what comes, the last `wrong` of them wrong.
  void show(int samples, int wrong, fingerprint where = scope) {
    for (int i = 0; i < samples; ++i) {
      auto key = fingerprint{++next_, where.low};
      auto question = "weather/" + std::to_string(next_);
      ask(lookup(key, question, where));
      keep(key, question, i < samples - wrong ? "rain" : "sun/no clouds", where);
    }
  }
  namespace_report learnt(fingerprint where = scope) {
    for (auto& x : keeper_->report().namespaces)
      if (x.scope == where)
        return x;
    return {};
  }
  /// A start after an orderly end.
  void restart(const keeper_settings& with = settings()) {
    keeper_->save_evidence(at_);
    make(with);
    warm_up();
  }

  uint64_t next_ = 1'000;
};

TEST_F(cache_keeper_evidence_test, is_there_after_a_restart) {
  make();
  keep({5, 5}, "weather/a", "rain");
  show(400, 0);
  EXPECT_EQ(ask(lookup({6, 6}, "weather/b"))[0].result, cache_result::similar);
  auto before = learnt();
  restart();
  EXPECT_EQ(keeper_->evidence_loaded().kept, 1u);
  auto after = learnt();
  EXPECT_GE(after.verified, 299u);
  EXPECT_EQ(after.verified, before.verified);
  EXPECT_EQ(after.served, before.served);
  EXPECT_EQ(after.error_rate_to, before.error_rate_to);
  EXPECT_EQ(after.verified_share, before.verified_share);
  EXPECT_EQ(ask(lookup({7, 7}, "weather/b"))[0].result, cache_result::similar);
}

TEST_F(cache_keeper_evidence_test, of_another_judge_is_dropped) {
  make();
  keep({5, 5}, "weather/a", "rain");
  show(400, 0);
  judge_.edition = 2;
  restart(); // written down by what calls itself the new one already
  EXPECT_GE(learnt().verified, 299u);
  judge_.edition = 3;
  make();
  EXPECT_EQ(keeper_->evidence_loaded().kept, 0u);
  EXPECT_EQ(keeper_->evidence_loaded().dropped, 1u);
  warm_up();
  EXPECT_EQ(learnt().verified, 0u);
  EXPECT_EQ(ask(lookup({7, 7}, "weather/b"))[0].result, cache_result::miss);
  EXPECT_TRUE(archive_.shown.empty()) << "and not met again";
}

TEST_F(cache_keeper_evidence_test, of_other_regions_is_dropped) {
  make();
  keep({5, 5}, "weather/a", "rain");
  show(3, 0);
  keeper_->save_evidence(at_);
  auto with = settings();
  with.semantic.bound.regions.front().probability_min = 0.6;
  make(with);
  EXPECT_EQ(keeper_->evidence_loaded().dropped, 1u);
}

TEST_F(cache_keeper_evidence_test, what_nobody_can_read_is_no_evidence) {
  make();
  for (auto bytes : {std::string{}, std::string{"garbage"}, std::string(100, '\xff')})
    archive_.shown[{bytes.size() + 1, 1}] = {{bytes.size() + 1, 1}, "t", {}, bytes};
  make();
  EXPECT_EQ(keeper_->evidence_loaded().dropped, 3u);
  EXPECT_TRUE(keeper_->report().namespaces.empty());
}

TEST_F(cache_keeper_evidence_test, an_error_is_written_down_at_once) {
  make();
  keep({5, 5}, "weather/a", "rain");
  show(2, 0);
  EXPECT_EQ(archive_.evidence_puts, 0u);
  show(1, 1);
  EXPECT_EQ(archive_.evidence_puts, 1u);
  make(); // as after a kill
  EXPECT_EQ(learnt().wrong, 1u);
  EXPECT_EQ(learnt().verified, 3u);
}

TEST_F(cache_keeper_evidence_test, is_written_down_now_and_then) {
  make();
  keep({5, 5}, "weather/a", "rain");
  auto tick = [&](auto time) {
    at_.now += time;
    keeper_->tidy(at_);
    return archive_.evidence_puts;
  };
  tick(cache_keeper::evidence_interval);
  judge_.probability = [](auto&, auto&) { return 0.97; };
  ask(lookup({6, 6}, "weather/b"));
  EXPECT_EQ(tick(cache_keeper::evidence_interval - 1ms), 0u);
  EXPECT_EQ(tick(1ms), 1u);
  EXPECT_EQ(tick(cache_keeper::evidence_interval), 1u) << "nothing is new";
}

TEST_F(cache_keeper_evidence_test, an_entry_that_was_wrong_stays_so) {
  judge_.probability = [](auto&, auto&) { return 0.97; };
  auto with = settings();
  with.beside_below = 1.1; // the provider is asked at the same time: its word is a sample
  with.semantic.bound.error_rate_max = 0.2; // so that one error does not close the region
  make(with);
  keep({5, 5}, "weather/a", "rain");
  keep({8, 8}, "news/a", "calm");
  ask(lookup({6, 6}, "weather/b"));
  keep({6, 6}, "weather/b", "sun/no clouds");
  archive_.entries.erase({6, 6});
  for (uint64_t i = 0; i < error_bound::suspicion; ++i) { // until there is trust again
    ask(lookup({100 + i, 1}, "news/b"));
    keep({100 + i, 1}, "news/b", "calm");
  }
  auto answered = [&](const std::string& question) {
    return ask(lookup({7, 7}, question)).back().result;
  };
  EXPECT_EQ(answered("news/c"), cache_result::similar);
  EXPECT_EQ(answered("weather/c"), cache_result::miss);
  restart(with);
  EXPECT_EQ(answered("news/c"), cache_result::similar);
  EXPECT_EQ(answered("weather/c"), cache_result::miss);
}

TEST_F(cache_keeper_evidence_test, goes_with_its_tenant) {
  make();
  keep({5, 5}, "weather/a", "rain");
  show(3, 0);
  keep({8, 8}, "weather/a", "rain", {2, 2});
  show(2, 0, {2, 2});
  keeper_->save_evidence(at_);
  archive_.shown[{2, 2}].tenant = "other";
  make();
  ASSERT_TRUE(keeper_->purge({"t"}));
  EXPECT_EQ(learnt().verified, 0u);
  EXPECT_EQ(learnt({2, 2}).verified, 2u);
  EXPECT_EQ(archive_.shown.size(), 1u);
  ASSERT_TRUE(keeper_->purge({}));
  EXPECT_TRUE(keeper_->report().namespaces.empty());
  EXPECT_TRUE(archive_.shown.empty());
  keeper_->save_evidence(at_);
  EXPECT_TRUE(archive_.shown.empty());
}

TEST_F(cache_keeper_evidence_test, is_kept_of_the_latest_namespaces) {
  auto with = settings();
  with.semantic.namespaces_max = 3;
  make(with);
  for (uint64_t i = 1; i <= 5; ++i) {
    keep({i, i}, "weather/a", "rain", {i, i});
    show(1, 0, {i, i});
    at_.wall += 1s;
    keeper_->save_evidence(at_);
  }
  EXPECT_EQ(archive_.shown.size(), 3u);
  with.semantic.namespaces_max = 2;
  make(with);
  EXPECT_EQ(archive_.shown.size(), 2u);
  EXPECT_EQ(learnt({5, 5}).verified, 1u);
  EXPECT_EQ(learnt({4, 4}).verified, 1u);
  EXPECT_EQ(learnt({3, 3}).verified, 0u);
}

TEST_F(cache_keeper_evidence_test, is_not_lost_while_the_disk_refuses) {
  make();
  keep({5, 5}, "weather/a", "rain");
  show(3, 0);
  archive_.fails = true;
  keeper_->save_evidence(at_);
  EXPECT_GT(keeper_->report().failures, 0u);
  archive_.fails = false;
  restart();
  EXPECT_EQ(learnt().verified, 3u);
}

} // namespace

} // namespace sluice
