#include "cluster/ledger_parts.hpp"

#include "actors/ledger/ledger_book.hpp"
#include "runtime/memory_ledger.hpp"

#include <gtest/gtest.h>

namespace sluice {
namespace {

using namespace std::chrono_literals;

constexpr wall_time noon = std::chrono::sys_days{std::chrono::year{2026} / 11 / 23} + 12h;

TEST(close_days, ends_what_was_open_and_closes_the_days_that_are_over) {
  memory_ledger ledger{{}};
  {
    ledger_book book{budget_rules{{}, {1'000}}, *ledger.begin(), noon};
    charge_order order;
    order.purpose.owner.tenant = "acme";
    order.most = {100};
    auto made = book.reserve(order, noon);
    book.reserve(order, noon);
    charge_outcome outcome;
    outcome.cost = {7};
    ASSERT_EQ(book.settle(made.id, outcome, noon), ec::none);
    ASSERT_FALSE(ledger.commit(book.take_changes(noon)));
  }
  ASSERT_EQ(ledger.open()->size(), 1u);
  ASSERT_FALSE(close_days(ledger, noon + 1h));
  EXPECT_TRUE(ledger.open()->empty());
  EXPECT_FALSE(ledger.days()->at(0).closed);
  ASSERT_FALSE(close_days(ledger, noon + 24h));
  auto day = ledger.days()->at(0);
  EXPECT_TRUE(day.closed);
  EXPECT_EQ(day.charges, 2u);
  EXPECT_EQ(day.spent, nanousd{107});
  EXPECT_EQ(day.last_row, 2u);
  ASSERT_FALSE(close_days(ledger, noon)); // by a clock that was put back
  EXPECT_TRUE(ledger.days()->at(0).closed);
}

} // namespace
} // namespace sluice
