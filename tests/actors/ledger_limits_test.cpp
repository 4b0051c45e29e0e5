#include "actors/ledger/ledger_book.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

/// Tokens per minute, what a verdict says of budgets, alarms, and budgets that change meanwhile.
namespace sluice {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

constexpr wall_time midnight = std::chrono::sys_days{std::chrono::year{2026} / 11 / 23};
constexpr wall_time noon = midnight + 12h;

ledger_contents fresh() {
  ledger_contents result;
  result.node = 1;
  result.incarnation = 1;
  return result;
}

charge_order order(int64_t most, int64_t tokens = 0) {
  charge_order result;
  result.call = 7;
  result.purpose.owner = {"acme", "research", "ann", "ci"};
  result.purpose.model = "m";
  result.most = {most};
  result.tokens = tokens;
  return result;
}

charge_outcome outcome(int64_t cost, int64_t input = 0, int64_t output = 0) {
  charge_outcome result;
  result.cost = {cost};
  result.usage.input = input;
  result.usage.output = output;
  return result;
}

charge_outcome flagged(charge_flag x) {
  charge_outcome result;
  result.set(x);
  return result;
}

budget_rule rule_of(budget_scope scope, std::string name, int64_t limit) {
  budget_rule result;
  result.scope = scope;
  result.name = std::move(name);
  result.limit = {limit};
  return result;
}

ledger_book limited(uint32_t tokens, int64_t daily = 1'000'000) {
  return {{{}, {daily}}, fresh(), noon, {{"ci", tokens}}};
}

// -- tokens per minute --------------------------------------------------------------------------

TEST(ledger_tokens, a_crowd_has_what_the_limit_covers_and_no_more) {
  auto book = limited(1'000);
  auto served = 0;
  for (int i = 0; i < 256; ++i)
    served += book.reserve(order(1, 10), noon).why == ec::none ? 1 : 0;
  EXPECT_EQ(served, 100);
  EXPECT_EQ(book.open(), 100u);
  EXPECT_EQ(book.open_sum(), nanousd{100}); // who is refused has no money set aside either
}

TEST(ledger_tokens, a_refusal_says_what_is_left_and_when_to_come_again) {
  auto book = limited(600);
  auto made = book.reserve(order(1, 500), noon);
  EXPECT_EQ(made.tokens.limit, 600);
  EXPECT_EQ(made.tokens.remaining, 100);
  EXPECT_EQ(made.tokens.reset, 50s);
  auto refused = book.reserve(order(1, 200), noon);
  EXPECT_EQ(refused.why, ec::rate_limited);
  EXPECT_EQ(refused.retry_after, 10s);
  EXPECT_EQ(refused.tokens.remaining, 100);
  EXPECT_THAT(refused.message, HasSubstr("600 tokens per minute. 100 are left, and this request "
                                         "may use 200."));
  EXPECT_EQ(book.reserve(order(1, 200), noon + 10s).why, ec::none);
}

TEST(ledger_tokens, what_never_fits_is_not_to_be_asked_again) {
  auto book = limited(600);
  auto refused = book.reserve(order(1, 601), noon);
  EXPECT_EQ(refused.why, ec::rate_limited);
  EXPECT_LT(refused.retry_after, 0s);
  EXPECT_THAT(refused.message, HasSubstr("may use 601 tokens, more than this key's limit of 600 "
                                         "tokens per minute"));
}

TEST(ledger_tokens, a_charge_that_ends_gives_back_what_it_did_not_use) {
  struct row {
    charge_outcome how;
    int64_t used;
  };
  auto failed_with_usage = outcome(1, 3, 4);
  failed_with_usage.set(charge_flag::failed);
  auto joined = outcome(0, 30, 40);
  joined.set(charge_flag::joined);
  for (auto& x : {row{outcome(1, 30, 40), 70}, row{outcome(1, 300, 400), 700},
                  row{flagged(charge_flag::assumed), 500}, row{flagged(charge_flag::unsent), 0},
                  row{flagged(charge_flag::failed), 0}, row{failed_with_usage, 7}, row{joined, 0},
                  row{outcome(0), 500}}) { // answered, and nobody told what it used
    auto book = limited(1'000);
    auto made = book.reserve(order(1, 500), noon);
    ASSERT_EQ(book.settle(made.id, x.how, noon), ec::none);
    EXPECT_EQ(book.reserve(order(1, 1), noon).tokens.remaining, 1'000 - x.used - 1);
  }
}

TEST(ledger_tokens, other_keys_and_orders_that_count_nothing_are_not_held_up) {
  auto book = limited(10);
  ASSERT_EQ(book.reserve(order(1, 10), noon).why, ec::none);
  EXPECT_EQ(book.reserve(order(1, 0), noon).why, ec::none);
  auto other = order(1, 1'000);
  other.purpose.owner.key_id = "app";
  auto made = book.reserve(other, noon);
  EXPECT_EQ(made.why, ec::none);
  EXPECT_EQ(made.tokens.limit, 0);
}

TEST(ledger_tokens, a_budget_that_does_not_cover_takes_no_tokens) {
  auto book = limited(100, 5);
  EXPECT_EQ(book.reserve(order(6, 100), noon).why, ec::budget_exceeded);
  EXPECT_EQ(book.reserve(order(5, 100), noon).why, ec::none);
}

// -- what a verdict says ------------------------------------------------------------------------

TEST(ledger_standing, is_of_the_hard_budget_with_the_least_left) {
  budget_settings user;
  user.scope = budget_scope::user;
  user.name = "ann";
  user.limit = {50};
  auto soft = user;
  soft.scope = budget_scope::team;
  soft.name = "research";
  soft.limit = {1};
  soft.action = budget_action::alert;
  ledger_book book{{{user, soft}, {100}}, fresh(), noon};
  auto made = book.reserve(order(30), noon);
  EXPECT_TRUE(made.budget.limited);
  EXPECT_EQ(made.budget.limit, nanousd{50});
  EXPECT_EQ(made.budget.remaining, nanousd{20});
  EXPECT_EQ(made.budget.reset, 12h);
  auto refused = book.reserve(order(21), noon);
  EXPECT_EQ(refused.why, ec::budget_exceeded);
  EXPECT_EQ(refused.budget.remaining, nanousd{20});
}

TEST(ledger_standing, says_nothing_without_a_hard_budget) {
  budget_settings soft;
  soft.name = "acme";
  soft.action = budget_action::alert;
  ledger_book book{{{soft}, {100}}, fresh(), noon};
  EXPECT_FALSE(book.reserve(order(30), noon).budget.limited);
}

// -- alarms -------------------------------------------------------------------------------------

std::vector<uint32_t> percents(ledger_book& book) {
  std::vector<uint32_t> result;
  for (auto& x : book.take_alarms())
    result.push_back(x.percent);
  return result;
}

void spend(ledger_book& book, int64_t cost, wall_time now) {
  auto made = book.reserve(order(cost), now);
  ASSERT_EQ(made.why, ec::none);
  book.settle(made.id, outcome(cost, 1, 1), now);
}

TEST(ledger_alarms, a_budget_that_will_not_last_is_told_once_a_period) {
  ledger_book book{{{}, {1'000}}, fresh(), midnight};
  spend(book, 240, midnight + 5h); // within the first quarter nobody knows
  EXPECT_TRUE(percents(book).empty());
  spend(book, 10, midnight + 6h); // exactly what it may be
  EXPECT_TRUE(percents(book).empty());
  spend(book, 1, midnight + 6h);
  auto told = book.take_alarms();
  ASSERT_EQ(told.size(), 1u);
  EXPECT_EQ(told[0].percent, 0u);
  EXPECT_EQ(told[0].foreseen, nanousd{1'004});
  spend(book, 100, midnight + 6h);
  EXPECT_TRUE(percents(book).empty());
  spend(book, 600, midnight + 30h); // another day
  EXPECT_EQ(percents(book), (std::vector<uint32_t>{50, 0}));
}

TEST(ledger_alarms, what_was_told_is_not_told_again_after_a_restart) {
  ledger_book before{{{}, {1'000}}, fresh(), midnight};
  spend(before, 300, midnight + 6h);
  EXPECT_EQ(percents(before), (std::vector<uint32_t>{0}));
  auto contents = fresh();
  contents.accounts = before.take_changes(midnight + 6h).accounts;
  ledger_book after{{{}, {1'000}}, contents, midnight + 6h};
  spend(after, 10, midnight + 6h);
  EXPECT_TRUE(percents(after).empty());
}

TEST(ledger_alarms, a_budget_that_is_used_up_is_not_foreseen_any_more) {
  ledger_book book{{{}, {1'000}}, fresh(), midnight};
  spend(book, 1'000, noon);
  EXPECT_EQ(percents(book), (std::vector<uint32_t>{50, 80, 90, 100}));
}

TEST(ledger_alarms, the_largest_sums_stay_in_range) {
  constexpr nanousd most{std::numeric_limits<int64_t>::max()};
  EXPECT_EQ(foreseen_spending(midnight, midnight + 24h, most, noon), most);
  EXPECT_EQ(foreseen_spending(midnight, midnight + 24h, {1'000'000'000'000'000'000}, noon),
            nanousd{2'000'000'000'000'000'000});
  EXPECT_EQ(foreseen_spending(midnight, midnight + 24h, {7}, midnight + 25h), nanousd{7});
  EXPECT_EQ(foreseen_spending(midnight, midnight, {7}, noon), nanousd{});
}

// -- budgets that change ------------------------------------------------------------------------

TEST(ledger_changes, a_budget_that_is_set_counts_at_once_and_until_it_is_undone) {
  ledger_book book{{{}, {100}}, fresh(), noon};
  auto under_way = book.reserve(order(40), noon);
  auto lower = rule_of(budget_scope::tenant, "acme", 50);
  book.change({lower, false}, noon);
  EXPECT_EQ(book.tenants().front().limit, nanousd{50});
  EXPECT_EQ(book.reserve(order(11), noon).why, ec::budget_exceeded);
  EXPECT_EQ(book.reserve(order(10), noon).why, ec::none);
  EXPECT_EQ(book.settle(under_way.id, outcome(40, 1, 1), noon), ec::none);
  book.change({lower, true}, noon);
  EXPECT_EQ(book.reserve(order(50), noon).why, ec::none);
  EXPECT_EQ(book.reserve(order(1), noon).why, ec::budget_exceeded);
  auto changes = book.take_changes(noon);
  EXPECT_EQ(changes.budgets.size(), 2u);
  EXPECT_EQ(book.violations(), 0u);
}

TEST(ledger_changes, a_tenant_may_be_left_without_a_limit) {
  ledger_book book{{{}, {100}}, fresh(), noon};
  EXPECT_EQ(book.reserve(order(101), noon).why, ec::budget_exceeded);
  auto none = rule_of(budget_scope::tenant, "acme", 0);
  none.limited = false;
  book.change({none, false}, noon);
  EXPECT_EQ(book.reserve(order(1'000'000), noon).why, ec::none);
  book.take_changes(noon);
  EXPECT_EQ(book.violations(), 0u);
}

TEST(ledger_changes, a_budget_that_fits_no_more_leaves_its_account_without_a_limit) {
  ledger_book book{{{}, {100}}, fresh(), noon};
  auto user = rule_of(budget_scope::user, "ann", 10);
  book.change({user, false}, noon);
  EXPECT_EQ(book.reserve(order(11), noon).why, ec::budget_exceeded);
  book.change({user, true}, noon);
  EXPECT_EQ(book.reserve(order(11), noon).why, ec::none);
  for (auto& x : book.accounts({}))
    EXPECT_EQ(x.limited, x.scope == budget_scope::tenant);
}

TEST(ledger_changes, it_stands_in_the_place_of_the_configured_one_after_a_restart_too) {
  budget_settings configured;
  configured.name = "acme";
  configured.limit = {10};
  configured.zone = *time_zone::find("Europe/Berlin");
  auto contents = fresh();
  contents.budgets.push_back(rule_of(budget_scope::tenant, "acme", 500));
  ledger_book book{{{configured}, {100}}, contents, noon};
  ASSERT_EQ(book.budgets().size(), 1u);
  EXPECT_TRUE(book.budgets().front().at_run_time);
  EXPECT_EQ(book.reserve(order(500), noon).why, ec::none);
  EXPECT_TRUE(book.take_changes(noon).budgets.empty()); // it is on the disk already
}

TEST(ledger_changes, a_lower_limit_is_told_at_once_and_a_higher_one_is_passed_anew) {
  ledger_book book{{{}, {1'000}}, fresh(), midnight};
  spend(book, 90, midnight + 1h);
  EXPECT_TRUE(percents(book).empty());
  book.change({rule_of(budget_scope::tenant, "acme", 100), false}, midnight + 1h);
  EXPECT_EQ(percents(book), (std::vector<uint32_t>{50, 80, 90}));
  book.change({rule_of(budget_scope::tenant, "acme", 150), false}, midnight + 1h);
  EXPECT_TRUE(percents(book).empty());
  spend(book, 30, midnight + 1h);
  EXPECT_EQ(percents(book), (std::vector<uint32_t>{80}));
}

} // namespace
} // namespace sluice
