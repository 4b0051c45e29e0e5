#include "tests/actors/cache_keeper_fixture.hpp"

namespace sluice {

namespace {

class cache_keeper_samples_test : public test::cache_keeper_fixture {
protected:
  cache_keeper_samples_test() {
    judge_.probability = [](auto&, auto&) { return 0.8; }; // nothing is known of it
    auto with = settings();
    with.checks_max = 2;
    make(with);
    keep({5, 5}, "weather/a", "rain");
  }

  /// A would-be hit whose provider says `text`.
  void sample(const std::string& text) {
    fingerprint key{++next_, 0};
    auto question = "weather/b" + std::to_string(next_);
    ask(lookup(key, question));
    keep(key, question, text);
    archive_.entries.erase(key); // so that the first stays the nearest
  }
  namespace_report learnt() { return keeper_->report().namespaces.at(0); }

  uint64_t next_ = 100;
};

TEST_F(cache_keeper_samples_test, a_model_compares_answers_that_are_not_equal) {
  sample("rain");
  EXPECT_TRUE(keeper_->take_checks().empty()) << "equal texts need nobody";
  EXPECT_EQ(learnt().verified, 1u);
  auto read = judge_.calls;
  sample("rain/all day");
  auto checks = keeper_->take_checks();
  ASSERT_EQ(checks.size(), 1u);
  EXPECT_EQ(judge_.calls, read + 1) << "the question alone";
  EXPECT_EQ(checks[0].tenant, "t");
  EXPECT_EQ(checks[0].question, "weather/b102");
  EXPECT_EQ(checks[0].kept, "rain");
  EXPECT_EQ(checks[0].fresh, "rain/all day");
  EXPECT_TRUE(keeper_->take_checks().empty()) << "it is handed out once";
  EXPECT_EQ(learnt().verified, 1u) << "it is not known yet";
  keeper_->checked({checks[0].ticket, check_outcome::same}, at_);
  EXPECT_EQ(learnt().verified, 2u);
  EXPECT_EQ(learnt().wrong, 0u);
  keeper_->checked({checks[0].ticket, check_outcome::different}, at_);
  EXPECT_EQ(learnt().verified, 2u) << "a check has one outcome";
  EXPECT_EQ(keeper_->report().checks_same, 1u);
}

TEST_F(cache_keeper_samples_test, what_the_model_says_counts_and_nothing_else) {
  struct row {
    check_outcome outcome;
    uint64_t verified;
    uint64_t wrong;
  };
  uint64_t verified = 0;
  uint64_t wrong = 0;
  for (auto& x : {row{check_outcome::same, 1, 0}, row{check_outcome::different, 1, 1},
                  row{check_outcome::unknown, 0, 0}, row{check_outcome::declined, 1, 1}}) {
    sample("sun"); // which vectors call another topic
    auto written = archive_.evidence_puts;
    keeper_->checked({keeper_->take_checks().at(0).ticket, x.outcome}, at_);
    read_all();
    verified += x.verified;
    wrong += x.wrong;
    EXPECT_EQ(learnt().verified, verified) << static_cast<int>(x.outcome);
    EXPECT_EQ(learnt().wrong, wrong) << static_cast<int>(x.outcome);
    EXPECT_EQ(archive_.evidence_puts, written + x.wrong) << "errors are written down at once";
  }
  auto report = keeper_->report();
  EXPECT_EQ(report.checks_same, 1u);
  EXPECT_EQ(report.checks_different, 1u);
  EXPECT_EQ(report.checks_unknown, 1u);
  EXPECT_EQ(report.checks_declined, 1u);
}

TEST_F(cache_keeper_samples_test, so_many_are_under_way_at_once) {
  for (int i = 0; i < 3; ++i)
    sample("sun");
  auto checks = keeper_->take_checks();
  EXPECT_EQ(checks.size(), 2u);
  EXPECT_EQ(learnt().verified, 1u) << "the third by vectors";
  EXPECT_EQ(keeper_->report().checks_declined, 1u);
  keeper_->checked({checks[0].ticket, check_outcome::unknown}, at_);
  sample("sun");
  EXPECT_EQ(keeper_->take_checks().size(), 1u);
}

TEST_F(cache_keeper_samples_test, what_comes_back_after_a_purge_is_about_nothing) {
  sample("sun");
  auto checks = keeper_->take_checks();
  ASSERT_TRUE(keeper_->purge({}));
  keeper_->checked({checks[0].ticket, check_outcome::different}, at_);
  EXPECT_TRUE(keeper_->report().namespaces.empty());
  EXPECT_TRUE(archive_.shown.empty());
}

} // namespace

} // namespace sluice
