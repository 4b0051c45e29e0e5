#include "tests/actors/jobs_fixture.hpp"

/// What lines of batches have to do with the ledger.
namespace sluice {
namespace {

using namespace std::chrono_literals;

class jobs_charges_test : public test::jobs_provider_fixture {
protected:
  void budget_ends(std::chrono::milliseconds anew_in) {
    ledger->verdict.why = ec::budget_exceeded;
    ledger->verdict.message = "The budget is used up.";
    ledger->verdict.retry_after = anew_in;
  }
};

TEST_F(jobs_charges_test, each_line_is_reserved_before_it_is_sent_and_settled_by_its_usage) {
  ledger->silent = true;
  auto id = started(input(1));
  ASSERT_EQ(ledger->reserved.size(), 1u);
  EXPECT_TRUE(seen->empty());
  auto& order = ledger->reserved.front();
  EXPECT_EQ(order.purpose.owner.tenant, "acme");
  EXPECT_EQ(order.purpose.request_id, id + "-0");
  EXPECT_EQ(order.purpose.attempt, 1u);
  EXPECT_EQ(order.purpose.model, "fast");
  EXPECT_EQ(order.purpose.deployment, "sim/m");
  EXPECT_EQ(order.purpose.price_version, "test");
  EXPECT_GT(order.most.value, 2 * 4'096);
  auto owed = std::exchange(ledger->owed, {});
  tell(owed.front().first, std::move(owed.front().second));
  ASSERT_EQ(seen->size(), 1u);
  answer();
  ASSERT_EQ(ledger->settled.size(), 1u);
  EXPECT_EQ(ledger->settled.front().outcome.cost, nanousd{20});
  EXPECT_EQ(found(id).completed, 0u) << "not before the ledger has it";
  owed = std::exchange(ledger->owed, {});
  tell(owed.front().first, std::move(owed.front().second));
  EXPECT_EQ(found(id).completed, 1u);
}

TEST_F(jobs_charges_test, without_usage_a_line_is_charged_as_it_is_counted) {
  auto id = started(input(1));
  answer(false);
  ASSERT_EQ(ledger->settled.size(), 1u);
  EXPECT_TRUE(ledger->settled.front().outcome.has(charge_flag::estimated));
  EXPECT_EQ(ledger->settled.front().outcome.cost, nanousd{20});
  EXPECT_EQ(found(id).completed, 1u);
}

TEST_F(jobs_charges_test, every_attempt_is_a_charge_of_its_own) {
  started(input(1));
  refuse(ec::upstream_failed, 500);
  ASSERT_EQ(ledger->settled.size(), 1u);
  EXPECT_TRUE(ledger->settled.front().outcome.has(charge_flag::failed));
  EXPECT_FALSE(ledger->settled.front().outcome.has(charge_flag::assumed));
  for (int i = 0; i < 600 && seen->empty(); ++i)
    pass(100ms);
  ASSERT_EQ(ledger->reserved.size(), 2u);
  EXPECT_EQ(ledger->reserved.back().purpose.attempt, 2u);
  answer();
  EXPECT_EQ(ledger->settled.back().outcome.cost, nanousd{20});
}

TEST_F(jobs_charges_test, a_budget_that_begins_anew_in_time_is_waited_for) {
  budget_ends(2h);
  auto id = started(input(3));
  pass(10min);
  EXPECT_TRUE(seen->empty());
  EXPECT_EQ(found(id).status, batch_status::in_progress);
  EXPECT_LT(ledger->reserved.size(), 30u) << "it asks about once a minute";
  ledger->verdict.why = ec::none;
  pass(2min);
  for (int i = 0; i < 3; ++i)
    answer();
  EXPECT_EQ(found(id).status, batch_status::completed);
  EXPECT_EQ(found(id).completed, 3u);
}

TEST_F(jobs_charges_test, a_budget_that_outlasts_the_batch_ends_its_lines) {
  budget_ends(48h);
  auto id = started(input(3));
  EXPECT_TRUE(seen->empty());
  auto batch = found(id);
  EXPECT_EQ(batch.status, batch_status::completed);
  EXPECT_EQ(batch.failed, 3u);
  auto lines = lines_of(batch.error_file_id);
  ASSERT_EQ(lines.size(), 3u);
  EXPECT_EQ(lines[0]["response"]["status_code"], 429);
  EXPECT_EQ(lines[0]["response"]["body"]["error"]["code"], "budget_exceeded");
}

TEST_F(jobs_charges_test, what_is_given_up_at_the_end_counts_as_the_most) {
  started(input(1));
  tell(worker, drain{{std::chrono::steady_clock::time_point{}}});
  ASSERT_EQ(ledger->settled.size(), 1u);
  EXPECT_TRUE(ledger->settled.front().outcome.has(charge_flag::assumed));
}

TEST_F(jobs_charges_test, what_was_not_sent_at_the_end_costs_nothing) {
  ledger->silent = true;
  started(input(1));
  tell(worker, drain{{sched.clock().now() + 1h}});
  auto owed = std::exchange(ledger->owed, {});
  tell(owed.front().first, std::move(owed.front().second));
  ASSERT_EQ(ledger->settled.size(), 1u);
  EXPECT_TRUE(ledger->settled.front().outcome.has(charge_flag::unsent));
  EXPECT_TRUE(seen->empty());
}

} // namespace
} // namespace sluice
