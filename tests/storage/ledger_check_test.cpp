#include "storage/ledger_check.hpp"

#include "runtime/memory_ledger.hpp"
#include "tests/support/ledger_fixture.hpp"

namespace sluice {
namespace {

using test::ledger_begin;
using test::ledger_keeper;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

const auto today = std::chrono::floor<std::chrono::days>(ledger_begin);
const auto tomorrow = ledger_begin + std::chrono::days{1};

class ledger_check_test : public test::ledger_store_fixture {
protected:
  /// Twelve rows of a day that is closed, eight of the next.
  void SetUp() override {
    auto x = opened();
    ledger_keeper keeper{*x};
    ASSERT_FALSE(keeper.settled(12));
    ASSERT_FALSE(keeper.close(today));
    ASSERT_FALSE(keeper.settled(8, tomorrow));
  }
  ledger_findings findings_now() { return findings(*opened()); }
  /// `change` gets the row and returns what takes the place of its stored bytes.
  template <class Change>
  void change_row(uint64_t number, Change change) {
    auto tables = raw();
    std::string bytes;
    ASSERT_TRUE(tables.db->Get({}, tables.rows, key_of(number), &bytes).ok());
    auto row = decode_stored_row(number, bytes);
    ASSERT_TRUE(row);
    ASSERT_TRUE(tables.db->Put({}, tables.rows, key_of(number), change(*row)).ok());
  }
  template <class Change>
  void change_account(uint32_t number, Change change) {
    auto tables = raw();
    std::string bytes;
    auto key = key_of(uint64_t{number});
    ASSERT_TRUE(tables.db->Get({}, tables.accounts, key, &bytes).ok());
    auto account = *decode_account(bytes);
    change(account);
    ASSERT_TRUE(tables.db->Put({}, tables.accounts, key, encode_account(account)).ok());
  }
  template <class Change>
  void change_day(std::chrono::sys_days which, Change change) {
    auto tables = raw();
    std::string bytes;
    ASSERT_TRUE(tables.db->Get({}, tables.days, key_of(which), &bytes).ok());
    auto day = *decode_day(bytes);
    change(day);
    ASSERT_TRUE(tables.db->Put({}, tables.days, key_of(which), encode_day(day)).ok());
  }
};

TEST_F(ledger_check_test, finds_nothing_in_a_sound_ledger) {
  auto found = findings_now();
  EXPECT_TRUE(found.sound());
  EXPECT_EQ(found.rows, 20u);
  EXPECT_EQ(found.accounts, 3u);
  EXPECT_EQ(found.days, 2u);
  nanousd sum;
  for (uint64_t n = 1; n <= 20; ++n)
    sum += cost_of(test::row_of(test::charge_of({1, 1, n})));
  EXPECT_EQ(found.sum, sum);
}

TEST_F(ledger_check_test, finds_nothing_in_an_empty_ledger) {
  auto x = opened((folder.path() / "empty").string());
  EXPECT_TRUE(findings(*x).sound());
  EXPECT_EQ(findings(*x).rows, 0u);
}

TEST_F(ledger_check_test, finds_a_row_whose_cost_was_changed) {
  change_row(5, [](numbered_row& x) {
    x.row.outcome.cost.value -= 100;
    return encode_stored_row(x.chain, encode_row(x.row));
  });
  auto found = findings_now();
  EXPECT_EQ(found.rows, 20u);
  EXPECT_THAT(found.discrepancies,
              ElementsAre(StartsWith("row 5: it does not fit the chain"), StartsWith("account 1: "),
                          StartsWith("account 3: "), StartsWith("day 2026-11-23: ")));
}

TEST_F(ledger_check_test, finds_a_row_whose_chain_was_made_to_fit) {
  auto x = opened();
  auto before = x->rows(4, 1)->front().chain;
  x = nullptr;
  change_row(5, [&](numbered_row& row) {
    row.row.outcome.counterfactual.value += 1; // in no sum
    auto bytes = encode_row(row.row);
    return encode_stored_row(*chain_next(before, bytes), bytes);
  });
  EXPECT_THAT(findings_now().discrepancies,
              ElementsAre(StartsWith("row 6: it does not fit the chain")));
}

TEST_F(ledger_check_test, finds_a_chain_that_was_made_anew_by_the_days_that_are_closed) {
  auto x = opened();
  auto rows = *x->rows(12, 9);
  auto chain = x->rows(11, 1)->front().chain;
  x = nullptr;
  for (auto& row : rows) {
    row.row.outcome.counterfactual.value += 1;
    auto bytes = encode_row(row.row);
    chain = *chain_next(chain, bytes);
    change_row(row.number, [&](numbered_row&) { return encode_stored_row(chain, bytes); });
  }
  EXPECT_THAT(findings_now().discrepancies,
              ElementsAre(StartsWith("day 2026-11-23: the chain that it was closed with")));
}

TEST_F(ledger_check_test, finds_a_missing_row_and_goes_on) {
  {
    auto tables = raw();
    ASSERT_TRUE(tables.db->Delete({}, tables.rows, key_of(uint64_t{7})).ok());
  }
  auto found = findings_now();
  EXPECT_EQ(found.rows, 19u);
  EXPECT_THAT(found.discrepancies,
              ElementsAre(AllOf(StartsWith("row 7: "), HasSubstr("is missing")),
                          StartsWith("account 1: "), StartsWith("account 3: "),
                          StartsWith("day 2026-11-23: ")));
}

TEST_F(ledger_check_test, finds_the_last_rows_missing) {
  {
    auto tables = raw();
    for (uint64_t n : {19, 20})
      ASSERT_TRUE(tables.db->Delete({}, tables.rows, key_of(n)).ok());
  }
  auto found = findings_now();
  EXPECT_EQ(found.rows, 18u);
  EXPECT_THAT(found.discrepancies.front(), StartsWith("row 19: "));
  EXPECT_THAT(found.discrepancies[1], StartsWith("row 20: "));
}

TEST_F(ledger_check_test, finds_a_row_that_cannot_be_read) {
  change_row(7, [](numbered_row&) { return std::string{"garbage"}; });
  EXPECT_THAT(findings_now().discrepancies.front(),
              AllOf(StartsWith("row 7: "), HasSubstr("damaged")));
}

TEST_F(ledger_check_test, finds_an_account_that_says_something_else_than_its_rows) {
  change_account(2, [](ledger_account& x) { ++x.charges; });
  EXPECT_THAT(findings_now().discrepancies, ElementsAre(StartsWith("account 2: ")));
  change_account(2, [](ledger_account& x) { --x.charges, x.spent.value += 1; });
  EXPECT_THAT(findings_now().discrepancies, ElementsAre(StartsWith("account 2: ")));
  change_account(2, [](ledger_account& x) { --x.spent.value, ++x.overrun.value; });
  EXPECT_THAT(findings_now().discrepancies, ElementsAre(StartsWith("account 2: ")));
}

TEST_F(ledger_check_test, finds_accounts_and_days_that_are_not_there) {
  {
    auto tables = raw();
    ASSERT_TRUE(tables.db->Delete({}, tables.accounts, key_of(uint64_t{3})).ok());
    ASSERT_TRUE(tables.db->Delete({}, tables.days, key_of(today)).ok());
  }
  EXPECT_THAT(findings_now().discrepancies, ElementsAre(StartsWith("account 3: rows name it"),
                                                        StartsWith("day 2026-11-23: there are")));
}

TEST_F(ledger_check_test, finds_a_day_that_says_something_else_than_its_rows) {
  change_day(today, [](ledger_day& x) { ++x.charges; });
  EXPECT_THAT(findings_now().discrepancies, ElementsAre(StartsWith("day 2026-11-23: its rows")));
  change_day(today, [](ledger_day& x) { --x.charges, ++x.spent.value; });
  EXPECT_THAT(findings_now().discrepancies, ElementsAre(StartsWith("day 2026-11-23: its rows")));
}

TEST_F(ledger_check_test, finds_a_day_that_was_closed_at_no_row) {
  change_day(today, [](ledger_day& x) { x.last_row = 21; });
  EXPECT_THAT(findings_now().discrepancies,
              ElementsAre(AllOf(HasSubstr("row 21"), HasSubstr("not there"))));
}

TEST_F(ledger_check_test, finds_a_row_of_a_day_that_was_closed_before) {
  auto x = opened();
  ledger_keeper keeper{*x};
  keeper.days[today] = x->days()->front();
  ASSERT_FALSE(keeper.settled(1));
  keeper.days[today].closed = false;
  auto found = findings(*x);
  EXPECT_THAT(found.discrepancies, testing::IsEmpty()) << "for it was closed once more";
  x = nullptr;
  change_day(today, [](ledger_day& day) { day.last_row = 12; });
  EXPECT_THAT(findings_now().discrepancies,
              testing::Contains(StartsWith("row 21: it is of day 2026-11-23, which was closed")));
}

TEST_F(ledger_check_test, lists_no_more_than_anybody_reads) {
  auto x = opened();
  ledger_keeper keeper{*x};
  for (int i = 0; i < 12; ++i)
    ASSERT_FALSE(keeper.settled(100, tomorrow));
  x = nullptr;
  {
    auto tables = raw();
    for (uint64_t n = 1; n <= 1'100; ++n)
      ASSERT_TRUE(tables.db->Delete({}, tables.rows, key_of(n)).ok());
  }
  auto found = findings_now();
  EXPECT_EQ(found.rows, 120u);
  EXPECT_EQ(found.discrepancies.size(), ledger_findings::listed_max);
  EXPECT_GE(found.discrepancies_more, 100u);
}

TEST_F(ledger_check_test, says_which_account_cannot_be_read) {
  {
    auto tables = raw();
    auto other = encode_account(test::account_of(9));
    ASSERT_TRUE(tables.db->Put({}, tables.accounts, key_of(uint64_t{2}), other).ok());
  }
  auto found = verify(*opened());
  ASSERT_FALSE(found);
  EXPECT_EQ(code_of(found.error()), ec::storage_failed);
  EXPECT_THAT(message_of(found.error()), HasSubstr("account 9"));
}

TEST_F(ledger_check_test, checks_what_is_kept_in_memory_as_well) {
  memory_ledger x{{}};
  ledger_keeper keeper{x};
  ASSERT_FALSE(keeper.settled(12));
  ASSERT_FALSE(keeper.close(today));
  ASSERT_FALSE(keeper.settled(8, tomorrow));
  auto found = findings(x);
  EXPECT_TRUE(found.sound());
  EXPECT_EQ(found.rows, 20u);
  memory_ledger::settings few;
  few.rows_max = 5;
  memory_ledger y{few};
  ledger_keeper other{y};
  ASSERT_FALSE(other.settled(8));
  EXPECT_EQ(findings(y).discrepancies.front(), "rows 1 to 3 are missing");
}

} // namespace
} // namespace sluice
