#include "actors/ledger/ledger_book.hpp"

#include <gtest/gtest.h>

/// Accounts, reservations and settlements, without disk and actor.
namespace sluice {
namespace {

using namespace std::chrono_literals;

constexpr wall_time noon = std::chrono::sys_days{std::chrono::year{2026} / 11 / 23} + 12h;

budget_settings budget_of(budget_scope scope, std::string name, nanousd limit) {
  budget_settings result;
  result.scope = scope;
  result.name = std::move(name);
  result.limit = limit;
  return result;
}

charge_order order(int64_t most, const std::string& user = "ann", const std::string& model = "m") {
  charge_order result;
  result.call = 7;
  result.purpose.owner = {"acme", "research", user, "key-" + user};
  result.purpose.model = model;
  result.most = {most};
  return result;
}

charge_outcome cost(int64_t x) {
  charge_outcome result;
  result.cost = {x};
  return result;
}

ledger_contents fresh() {
  ledger_contents result;
  result.node = 1;
  result.incarnation = 1;
  return result;
}

const account_view* find(const std::vector<account_view>& accounts, budget_scope scope) {
  for (auto& x : accounts)
    if (x.scope == scope)
      return &x;
  return nullptr;
}

TEST(ledger_book, a_budget_that_fits_a_hundred_serves_a_hundred) {
  ledger_book book{{{}, {1'000}}, fresh(), noon};
  auto served = 0;
  for (int i = 0; i < 256; ++i)
    served += book.reserve(order(10), noon).why == ec::none ? 1 : 0;
  EXPECT_EQ(served, 100);
  EXPECT_EQ(book.open(), 100u);
  EXPECT_EQ(book.open_sum(), nanousd{1'000});
}

TEST(ledger_book, what_was_not_spent_can_be_spent_again) {
  ledger_book book{{{}, {100}}, fresh(), noon};
  auto first = book.reserve(order(100), noon);
  ASSERT_EQ(first.why, ec::none);
  EXPECT_EQ(book.reserve(order(1), noon).why, ec::budget_exceeded);
  EXPECT_EQ(book.settle(first.id, cost(30), noon), ec::none);
  EXPECT_EQ(book.reserve(order(71), noon).why, ec::budget_exceeded);
  EXPECT_EQ(book.reserve(order(70), noon).why, ec::none);
}

TEST(ledger_book, a_charge_ends_once) {
  ledger_book book{{{}, {100}}, fresh(), noon};
  auto made = book.reserve(order(10), noon);
  EXPECT_EQ(book.settle(made.id, cost(5), noon), ec::none);
  EXPECT_EQ(book.settle(made.id, cost(5), noon), ec::not_found);
  auto changes = book.take_changes(noon);
  EXPECT_EQ(changes.rows.size(), 1u);
  EXPECT_EQ(changes.accounts.front().spent, nanousd{5});
}

TEST(ledger_book, all_accounts_cover_a_charge_or_none_is_touched) {
  ledger_book book{
      {{budget_of(budget_scope::tenant, "acme", {100}), budget_of(budget_scope::user, "ann", {10})},
       {1'000}},
      fresh(),
      noon};
  EXPECT_EQ(book.reserve(order(11), noon).why, ec::budget_exceeded);
  auto accounts = book.accounts({});
  ASSERT_NE(find(accounts, budget_scope::tenant), nullptr);
  EXPECT_EQ(find(accounts, budget_scope::tenant)->open, nanousd{0});
  EXPECT_EQ(book.reserve(order(11, "bob"), noon).why, ec::none);
  EXPECT_EQ(book.reserve(order(10), noon).why, ec::none);
}

TEST(ledger_book, a_refusal_says_whose_budget_and_what_is_left) {
  ledger_book book{
      {{budget_of(budget_scope::user, "ann", {2'500'000'000})}, {100'000'000'000}}, fresh(), noon};
  auto made = book.reserve(order(2'000'000'000), noon);
  ASSERT_EQ(made.why, ec::none);
  auto refused = book.reserve(order(1'000'000'000), noon);
  EXPECT_EQ(refused.why, ec::budget_exceeded);
  EXPECT_EQ(refused.call, 7u);
  EXPECT_EQ(refused.message,
            "The budget of user 'ann' of $2.5 for the day 2026-11-23 (UTC) does not cover this "
            "request: $0.5 is left, $2 is set aside for requests under way, and it may cost "
            "$1. A lower max_tokens lowers that.");
  EXPECT_EQ(refused.retry_after, 12h);
}

TEST(ledger_book, a_budget_that_only_alerts_refuses_nothing) {
  auto soft = budget_of(budget_scope::tenant, "acme", {100});
  soft.action = budget_action::alert;
  ledger_book book{{{soft}, {1}}, fresh(), noon};
  auto made = book.reserve(order(500), noon);
  ASSERT_EQ(made.why, ec::none);
  book.settle(made.id, cost(95), noon);
  std::vector<uint32_t> percents;
  for (auto& x : book.take_alarms())
    percents.push_back(x.percent);
  EXPECT_EQ(percents, (std::vector<uint32_t>{50, 80, 90, 0}));
  EXPECT_TRUE(book.take_alarms().empty());
}

TEST(ledger_book, a_budget_of_a_model_counts_only_that_model) {
  auto limited = budget_of(budget_scope::tenant, "acme", {10});
  limited.model = "gpt-4o";
  ledger_book book{{{limited}, {1'000}}, fresh(), noon};
  EXPECT_EQ(book.reserve(order(11, "ann", "gpt-4o"), noon).why, ec::budget_exceeded);
  EXPECT_EQ(book.reserve(order(11, "ann", "gpt-4o-mini"), noon).why, ec::none);
}

TEST(ledger_book, a_cost_beyond_the_reservation_is_booked_and_owed) {
  ledger_book book{{{}, {100}}, fresh(), noon};
  auto made = book.reserve(order(10), noon);
  book.settle(made.id, cost(70), noon);
  auto changes = book.take_changes(noon);
  ASSERT_EQ(changes.rows.size(), 1u);
  EXPECT_TRUE(changes.rows[0].outcome.has(charge_flag::overrun));
  EXPECT_EQ(changes.accounts[0].overrun, nanousd{60});
  EXPECT_EQ(book.reserve(order(31), noon).why, ec::budget_exceeded);
  EXPECT_EQ(book.reserve(order(30), noon).why, ec::none);
  EXPECT_EQ(book.violations(), 0u);
}

TEST(ledger_book, what_was_open_at_the_end_counts_as_the_most_it_could_cost) {
  ledger_book before{{{}, {100}}, fresh(), noon};
  before.reserve(order(40), noon);
  auto written = before.take_changes(noon);
  ledger_contents contents = fresh();
  contents.incarnation = 2;
  contents.open = written.opened;
  contents.accounts = written.accounts;
  contents.days = written.days;
  ledger_book after{{{}, {100}}, contents, noon};
  auto changes = after.take_changes(noon);
  ASSERT_EQ(changes.rows.size(), 1u);
  EXPECT_TRUE(changes.rows[0].outcome.has(charge_flag::assumed));
  EXPECT_EQ(changes.rows[0].outcome.cost, nanousd{40});
  EXPECT_EQ(changes.ended.size(), 1u);
  EXPECT_EQ(after.open(), 0u);
  EXPECT_EQ(after.reserve(order(61), noon).why, ec::budget_exceeded);
  EXPECT_EQ(after.reserve(order(60), noon).why, ec::none);
}

TEST(ledger_book, a_lower_limit_counts_at_once_and_takes_nothing_back) {
  ledger_book before{{{}, {100}}, fresh(), noon};
  auto made = before.reserve(order(80), noon);
  before.settle(made.id, cost(80), noon);
  auto written = before.take_changes(noon);
  auto contents = fresh();
  contents.incarnation = 2;
  contents.accounts = written.accounts;
  ledger_book lower{{{}, {50}}, contents, noon};
  EXPECT_EQ(lower.reserve(order(1), noon).why, ec::budget_exceeded);
  lower.take_changes(noon);
  EXPECT_EQ(lower.violations(), 0u);
  ledger_book higher{{{}, {200}}, contents, noon};
  EXPECT_EQ(higher.reserve(order(120), noon).why, ec::none);
}

TEST(ledger_book, a_new_day_has_a_new_budget_and_the_old_one_is_closed_with_its_last_charge) {
  ledger_book book{{{}, {100}}, fresh(), noon};
  auto late = book.reserve(order(100), noon);
  book.take_changes(noon);
  auto tomorrow = noon + 24h;
  EXPECT_EQ(book.reserve(order(100), tomorrow).why, ec::none);
  book.turn(tomorrow);
  for (auto& x : book.take_changes(tomorrow).days)
    EXPECT_FALSE(x.closed);
  book.settle(late.id, cost(60), tomorrow);
  book.turn(tomorrow);
  auto days = book.take_changes(tomorrow).days;
  ASSERT_EQ(days.size(), 1u);
  EXPECT_TRUE(days[0].closed);
  EXPECT_EQ(days[0].spent, nanousd{60}); // of the day that it was reserved on
  EXPECT_EQ(days[0].day, std::chrono::floor<std::chrono::days>(noon));
}

TEST(ledger_book, shows_an_owner_what_is_its_own) {
  ledger_book book{{{}, {100}}, fresh(), noon};
  book.reserve(order(1), noon);
  book.reserve(order(2, "bob"), noon);
  auto of_ann = book.accounts({"acme", "", "", "key-ann"});
  ASSERT_EQ(of_ann.size(), 2u);
  EXPECT_EQ(find(of_ann, budget_scope::key)->open, nanousd{1});
  EXPECT_EQ(find(of_ann, budget_scope::tenant)->open, nanousd{3});
  EXPECT_EQ(book.accounts({}).size(), 3u);
  EXPECT_EQ(book.tenants().size(), 1u);
}

} // namespace
} // namespace sluice
