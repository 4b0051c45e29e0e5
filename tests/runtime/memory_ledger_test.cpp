#include "runtime/memory_ledger.hpp"

#include "runtime/ec.hpp"
#include "tests/support/sample_ledger.hpp"

#include <gtest/gtest.h>

namespace sluice {
namespace {

using test::ledger_keeper;

memory_ledger::settings settings_of(uint64_t node, size_t rows_max = 100) {
  memory_ledger::settings x;
  x.node = node;
  x.rows_max = rows_max;
  return x;
}

TEST(memory_ledger_test, begins_an_incarnation_with_what_is_left_of_the_one_before) {
  memory_ledger x{settings_of(42)};
  ledger_keeper first{x};
  EXPECT_EQ(first.contents.node, 42u);
  EXPECT_EQ(first.contents.incarnation, 1u);
  ASSERT_FALSE(first.settled(3));
  auto left = first.next();
  ledger_batch batch;
  batch.now = test::ledger_begin + std::chrono::hours{1};
  batch.opened.push_back(left);
  ASSERT_FALSE(x.commit(std::move(batch)));
  ledger_keeper second{x};
  EXPECT_EQ(second.contents.incarnation, 2u);
  EXPECT_EQ(second.contents.latest, test::ledger_begin + std::chrono::hours{1});
  EXPECT_EQ(second.contents.open, std::vector{left});
  EXPECT_EQ(second.contents.accounts.size(), 3u);
  EXPECT_EQ(second.contents.days.size(), 1u);
}

TEST(memory_ledger_test, commits_nothing_before_it_has_begun) {
  memory_ledger x{settings_of(1)};
  EXPECT_EQ(code_of(x.commit({})), ec::storage_failed);
}

TEST(memory_ledger_test, numbers_rows_and_chains_them) {
  memory_ledger x{settings_of(1)};
  ledger_keeper keeper{x};
  ASSERT_FALSE(keeper.settled(5));
  auto rows = x.rows(2, 3);
  ASSERT_TRUE(rows);
  ASSERT_EQ(rows->size(), 3u);
  EXPECT_EQ(rows->front().number, 2u);
  EXPECT_EQ((*rows)[1].chain, *chain_next((*rows)[0].chain, (*rows)[1].bytes));
  EXPECT_TRUE(x.rows(6, 10)->empty());
}

TEST(memory_ledger_test, fills_in_where_a_day_was_closed) {
  memory_ledger x{settings_of(1)};
  ledger_keeper keeper{x};
  ASSERT_FALSE(keeper.settled(5));
  ASSERT_FALSE(keeper.close(std::chrono::floor<std::chrono::days>(test::ledger_begin)));
  auto days = x.days();
  ASSERT_TRUE(days);
  ASSERT_EQ(days->size(), 1u);
  EXPECT_EQ(days->front().last_row, 5u);
  EXPECT_EQ(days->front().chain, x.rows(5, 1)->front().chain);
  EXPECT_TRUE(ledger_keeper{x}.contents.days.empty());
}

TEST(memory_ledger_test, forgets_the_oldest_rows_at_its_bound) {
  memory_ledger x{settings_of(1, 4)};
  ledger_keeper keeper{x};
  ASSERT_FALSE(keeper.settled(4));
  EXPECT_EQ(x.rows(1, 100)->front().number, 1u);
  ASSERT_FALSE(keeper.settled(1));
  auto rows = x.rows(1, 100);
  EXPECT_EQ(rows->size(), 4u);
  EXPECT_EQ(rows->front().number, 2u);
}

TEST(memory_ledger_test, has_no_backup) {
  memory_ledger x{settings_of(1)};
  EXPECT_EQ(code_of(x.back_up("anywhere")), ec::invalid_value);
}

} // namespace
} // namespace sluice
