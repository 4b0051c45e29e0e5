#include "actors/ledger/budget_rules.hpp"

#include <gtest/gtest.h>

/// Which accounts a charge belongs to, in any zone and at any time.
namespace sluice {
namespace {

using namespace std::chrono_literals;
using std::chrono::sys_days;
using std::chrono::year;

constexpr wall_time noon = sys_days{year{2026} / 11 / 23} + 12h;
const charge_owner ann{"acme", "research", "ann", "ci"};

budget_settings budget_of(budget_scope scope, std::string name, int64_t limit,
                          const std::string& zone = "UTC") {
  budget_settings result;
  result.scope = scope;
  result.name = std::move(name);
  result.limit = {limit};
  result.zone = *time_zone::find(zone);
  return result;
}

std::vector<std::string> summary(const budget_rules& rules, const charge_owner& owner,
                                 const std::string& model = "m") {
  std::vector<std::string> result;
  for (auto& x : rules.accounts_of(owner, model, noon))
    result.push_back(std::string{to_string_view(x.scope)} + " " +
                     (x.limit ? std::to_string(x.limit->value) : "-"));
  return result;
}

using strings = std::vector<std::string>;

TEST(budget_rules, a_tenant_without_a_budget_has_the_daily_one) {
  EXPECT_EQ(summary({{}, {7}}, ann), (strings{"tenant 7", "key -"}));
}

TEST(budget_rules, a_budget_of_the_tenant_takes_its_place) {
  budget_rules rules{{budget_of(budget_scope::tenant, "acme", 9)}, {7}};
  EXPECT_EQ(summary(rules, ann), (strings{"tenant 9", "key -"}));
  EXPECT_EQ(summary(rules, {"other", "", "", "x"}), (strings{"tenant 7", "key -"}));
}

TEST(budget_rules, a_budget_of_another_period_leaves_the_day_counted) {
  auto month = budget_of(budget_scope::tenant, "*", 9);
  month.period = period_kind::month;
  EXPECT_EQ(summary({{month}, {7}}, ann), (strings{"tenant -", "tenant 9", "key -"}));
}

TEST(budget_rules, a_budget_of_one_model_leaves_the_daily_one) {
  auto dear = budget_of(budget_scope::tenant, "acme", 9);
  dear.model = "gpt-4o";
  EXPECT_EQ(summary({{dear}, {7}}, ann, "gpt-4o"), (strings{"tenant 7", "tenant 9", "key -"}));
  EXPECT_EQ(summary({{dear}, {7}}, ann, "m"), (strings{"tenant 7", "key -"}));
}

TEST(budget_rules, the_widest_scope_comes_first_and_who_has_no_team_has_no_budget_of_one) {
  budget_rules rules{{budget_of(budget_scope::key, "*", 1), budget_of(budget_scope::user, "*", 2),
                      budget_of(budget_scope::team, "*", 3)},
                     {7}};
  EXPECT_EQ(summary(rules, ann), (strings{"tenant 7", "team 3", "user 2", "key 1"}));
  EXPECT_EQ(summary(rules, {"acme", "", "", "ci"}), (strings{"tenant 7", "key 1"}));
}

TEST(budget_rules, names_of_one_tenant_are_not_those_of_another) {
  auto of_acme = budget_of(budget_scope::user, "ann", 2);
  of_acme.tenant = "acme";
  budget_rules rules{{of_acme}, {7}};
  EXPECT_EQ(summary(rules, ann), (strings{"tenant 7", "user 2", "key -"}));
  EXPECT_EQ(summary(rules, {"other", "", "ann", "x"}), (strings{"tenant 7", "key -"}));
  budget_rules every{{budget_of(budget_scope::user, "*", 2)}, {7}};
  auto here = every.accounts_of(ann, "m", noon).at(1);
  auto there = every.accounts_of({"other", "", "ann", "x"}, "m", noon).at(1);
  EXPECT_NE(account_key(here), account_key(there));
}

TEST(budget_rules, of_two_budgets_for_an_account_the_lower_holds) {
  auto all = budget_of(budget_scope::tenant, "*", 5);
  auto own = budget_of(budget_scope::tenant, "acme", 9);
  EXPECT_EQ(summary({{all, own}, {7}}, ann), (strings{"tenant 5", "key -"}));
  all.action = budget_action::alert; // a soft one does not undo a hard one
  EXPECT_EQ(summary({{all, own}, {7}}, ann), (strings{"tenant 9", "key -"}));
}

/// The begin of the account of `zone` at `at`.
wall_time begin_at(const budget_rules& rules, wall_time at) {
  for (auto& x : rules.accounts_of(ann, "m", at))
    if (x.limit)
      return x.begin;
  return {};
}

TEST(budget_rules, days_begin_at_midnight_there_also_when_clocks_are_changed) {
  // The nights before: the last Sunday of October, of March, and the first Sunday of November.
  struct night {
    const char* zone;
    sys_days day;
    std::chrono::hours offset; // of the midnight that begins it
    std::chrono::hours length;
  };
  for (auto& x : {night{"Europe/Berlin", sys_days{year{2026} / 10 / 25}, -2h, 25h},
                  night{"Europe/Berlin", sys_days{year{2026} / 3 / 29}, -1h, 23h},
                  night{"America/New_York", sys_days{year{2026} / 11 / 1}, 4h, 25h},
                  night{"Asia/Tokyo", sys_days{year{2026} / 10 / 25}, -9h, 24h}}) {
    budget_rules rules{{budget_of(budget_scope::tenant, "acme", 1, x.zone)}, {7}};
    wall_time begin = x.day + x.offset;
    EXPECT_EQ(begin_at(rules, begin), begin) << x.zone;
    EXPECT_EQ(begin_at(rules, begin + x.length - 1ms), begin) << x.zone;
    EXPECT_EQ(begin_at(rules, begin + x.length), begin + x.length) << x.zone;
    EXPECT_EQ(begin_at(rules, begin), begin) << x.zone << ", asked again for a time before";
    EXPECT_LT(begin_at(rules, begin - 1ms), begin) << x.zone;
  }
}

} // namespace
} // namespace sluice
