#include "storage/ledger_store.hpp"

#include "tests/support/ledger_fixture.hpp"

#include <thread>

namespace sluice {
namespace {

namespace fs = std::filesystem;
using test::ledger_begin;
using test::ledger_keeper;
using testing::HasSubstr;

const auto today = std::chrono::floor<std::chrono::days>(ledger_begin);

class ledger_store_test : public test::ledger_store_fixture {};

TEST_F(ledger_store_test, begins_with_nothing_and_a_node_of_its_own) {
  auto x = opened();
  auto found = x->begin();
  ASSERT_TRUE(found);
  EXPECT_NE(found->node, 0u);
  EXPECT_EQ(found->incarnation, 1u);
  EXPECT_TRUE(found->open.empty() && found->accounts.empty() && found->days.empty());
  EXPECT_TRUE(x->rows(1, 10)->empty());
  auto other = ledger_store::open((folder.path() / "other").string(), {});
  ASSERT_TRUE(other);
  EXPECT_NE((*other)->begin()->node, found->node);
}

TEST_F(ledger_store_test, begins_an_incarnation_with_each_start) {
  uint64_t node = 0;
  for (uint64_t i = 1; i <= 3; ++i) {
    auto found = opened()->begin();
    ASSERT_TRUE(found);
    EXPECT_EQ(found->incarnation, i);
    EXPECT_TRUE(node == 0 || node == found->node);
    node = found->node;
  }
}

TEST_F(ledger_store_test, commits_nothing_before_it_has_begun) {
  auto x = opened();
  ledger_batch batch;
  batch.opened.push_back(test::charge_of({1, 1, 1}));
  EXPECT_EQ(code_of(x->commit(std::move(batch))), ec::storage_failed);
}

TEST_F(ledger_store_test, has_all_that_was_committed_after_a_restart) {
  auto x = opened();
  ledger_keeper keeper{*x};
  ASSERT_FALSE(keeper.settled(10));
  auto left = keeper.next(ledger_begin + std::chrono::hours{5});
  ledger_batch batch;
  batch.now = left.reserved;
  batch.opened.push_back(left);
  ASSERT_FALSE(x->commit(std::move(batch)));
  auto rows = x->rows(1, 100);
  auto accounts = x->accounts();
  auto days = x->days();
  x = nullptr;
  x = opened();
  ledger_keeper again{*x};
  EXPECT_EQ(again.contents.latest, left.reserved);
  EXPECT_EQ(again.contents.open, std::vector{left});
  EXPECT_EQ(again.contents.accounts, *accounts);
  EXPECT_EQ(again.accounts, keeper.accounts);
  EXPECT_EQ(again.contents.days, *days);
  EXPECT_EQ(*x->open(), std::vector{left});
  auto same = x->rows(1, 100);
  ASSERT_EQ(same->size(), 10u);
  for (size_t i = 0; i < 10; ++i) {
    EXPECT_EQ((*same)[i].number, i + 1);
    EXPECT_EQ((*same)[i].row, (*rows)[i].row);
    EXPECT_EQ((*same)[i].chain, (*rows)[i].chain);
    EXPECT_EQ((*same)[i].row, test::row_of((*same)[i].row.charge));
  }
}

TEST_F(ledger_store_test, the_time_of_the_last_commit_does_not_go_back) {
  auto x = opened();
  ledger_keeper keeper{*x};
  ASSERT_FALSE(keeper.settled(1, ledger_begin + std::chrono::hours{2}));
  ASSERT_FALSE(keeper.settled(1, ledger_begin));
  x = nullptr;
  EXPECT_EQ(opened()->begin()->latest,
            ledger_begin + std::chrono::hours{2} + std::chrono::seconds{3});
}

TEST_F(ledger_store_test, an_empty_commit_is_none) {
  auto x = opened();
  ledger_keeper keeper{*x};
  EXPECT_FALSE(x->commit({}));
}

TEST_F(ledger_store_test, a_charge_that_is_opened_and_ended_at_once_is_not_open) {
  auto x = opened();
  ledger_keeper keeper{*x};
  ledger_batch batch;
  batch.opened.push_back(keeper.next());
  keeper.settle(batch, batch.opened.back());
  ASSERT_FALSE(x->commit(std::move(batch)));
  EXPECT_TRUE(x->open()->empty());
  EXPECT_EQ(x->rows(1, 10)->size(), 1u);
}

TEST_F(ledger_store_test, reads_rows_from_a_number_on_and_at_most_so_many) {
  fill(20);
  auto x = opened();
  auto rows = x->rows(7, 5);
  ASSERT_EQ(rows->size(), 5u);
  EXPECT_EQ(rows->front().number, 7u);
  EXPECT_EQ(rows->back().number, 11u);
  EXPECT_EQ(x->rows(18, 100)->size(), 3u);
  EXPECT_TRUE(x->rows(21, 100)->empty());
  EXPECT_TRUE(x->rows(1, 0)->empty());
}

TEST_F(ledger_store_test, goes_on_with_numbers_and_chain_after_a_restart) {
  fill(3);
  fill(3);
  auto x = opened();
  auto rows = x->rows(1, 100);
  ASSERT_EQ(rows->size(), 6u);
  auto chain = chain_begin();
  for (auto& row : *rows) {
    EXPECT_EQ(row.bytes, encode_row(row.row));
    chain = *chain_next(chain, row.bytes);
    EXPECT_EQ(row.chain, chain) << row.number;
  }
}

TEST_F(ledger_store_test, fills_in_where_a_day_was_closed) {
  auto x = opened();
  ledger_keeper keeper{*x};
  ASSERT_FALSE(keeper.close(today - std::chrono::days{1}));
  ASSERT_FALSE(keeper.settled(4));
  ASSERT_FALSE(keeper.close(today));
  ASSERT_FALSE(keeper.settled(2, ledger_begin + std::chrono::days{1}));
  auto days = x->days();
  ASSERT_EQ(days->size(), 3u);
  EXPECT_EQ((*days)[0].last_row, 0u);
  EXPECT_EQ((*days)[0].chain, chain_begin());
  EXPECT_EQ((*days)[1].last_row, 4u);
  EXPECT_EQ((*days)[1].chain, x->rows(4, 1)->front().chain);
  EXPECT_FALSE((*days)[2].closed);
  EXPECT_TRUE(findings(*x).sound());
  x = nullptr;
  auto left = opened()->begin()->days;
  ASSERT_EQ(left.size(), 1u) << "of those that are not closed";
  EXPECT_EQ(left.front(), (*days)[2]);
}

TEST_F(ledger_store_test, keeps_the_budgets_that_were_set) {
  budget_rule team{
      budget_scope::team,       "search", "acme", "gpt-4o", period_kind::week, "Europe/Berlin",
      budget_action::downgrade, true,     {5},    true};
  auto tenant = team;
  tenant.scope = budget_scope::tenant;
  auto raised = team;
  raised.limit = {6};
  raised.zone = "UTC";
  auto x = opened();
  ASSERT_TRUE(x->begin());
  for (auto& rule : {team, tenant, raised}) {
    ledger_batch batch;
    batch.budgets.push_back({rule, false});
    ASSERT_FALSE(x->commit(std::move(batch)));
  }
  x = nullptr;
  x = opened();
  auto contents = x->begin();
  ASSERT_TRUE(contents);
  ASSERT_EQ(contents->budgets.size(), 2U);
  for (auto& rule : {tenant, raised})
    EXPECT_EQ(std::ranges::count(contents->budgets, rule), 1);
  ledger_batch batch;
  batch.budgets.push_back({raised, true});
  ASSERT_FALSE(x->commit(std::move(batch)));
  x = nullptr;
  EXPECT_EQ(opened()->begin()->budgets, std::vector{tenant});
}

TEST_F(ledger_store_test, is_for_one_process_at_a_time) {
  auto x = opened();
  EXPECT_THAT(refusal(), HasSubstr("another process uses it"));
  x.reset();
  EXPECT_EQ(refusal(), "");
}

TEST_F(ledger_store_test, makes_a_folder_for_its_owner_alone) {
  opened();
  EXPECT_EQ(fs::status(path).permissions(), fs::perms::owner_all);
}

TEST_F(ledger_store_test, refuses_what_a_newer_program_wrote) {
  fill(1);
  {
    auto tables = raw();
    ASSERT_TRUE(tables.db->Put({}, tables.meta, "schema", "2").ok());
    ASSERT_TRUE(tables.db->Put({}, tables.meta, "state", "\x02 and so on").ok());
  }
  EXPECT_THAT(refusal(), HasSubstr("format 2"));
}

TEST_F(ledger_store_test, reads_while_another_thread_commits) {
  auto x = opened();
  ledger_keeper keeper{*x};
  std::atomic<bool> done = false;
  std::thread reader{[&] {
    uint64_t from = 1;
    while (!done) {
      auto rows = x->rows(from, 7);
      ASSERT_TRUE(rows) << message_of(rows.error());
      for (auto& row : *rows)
        ASSERT_EQ(row.number, from++);
      ASSERT_TRUE(x->accounts());
      ASSERT_TRUE(x->days());
    }
  }};
  for (int i = 0; i < 200; ++i)
    ASSERT_FALSE(keeper.settled(3));
  done = true;
  reader.join();
}

TEST_F(ledger_store_test, a_backup_has_all_that_was_committed_before) {
  auto x = opened();
  ledger_keeper keeper{*x};
  ASSERT_FALSE(keeper.settled(20));
  auto copy = (folder.path() / "backups" / "1").string();
  ASSERT_FALSE(x->back_up(copy));
  ASSERT_FALSE(keeper.settled(5));
  EXPECT_EQ(code_of(x->back_up(copy)), ec::storage_failed) << "it is there already";
  EXPECT_EQ(fs::status(copy).permissions(), fs::perms::owner_all);
  auto found = opened(copy);
  ASSERT_TRUE(found);
  EXPECT_EQ(findings(*found).rows, 20u);
  EXPECT_TRUE(findings(*found).sound());
}

TEST_F(ledger_store_test, a_backup_made_while_commits_go_on_is_of_one_moment) {
  auto x = opened();
  ledger_keeper keeper{*x};
  ASSERT_FALSE(keeper.settled(20));
  std::atomic<int> made = 0;
  std::thread copier{[&] {
    for (int i = 0; i < 5; ++i, ++made)
      ASSERT_FALSE(x->back_up((folder.path() / std::to_string(i)).string()));
  }};
  while (made < 5)
    ASSERT_FALSE(keeper.settled(3));
  copier.join();
  uint64_t before = 0;
  for (int i = 0; i < 5; ++i) {
    auto copy = opened((folder.path() / std::to_string(i)).string());
    ASSERT_TRUE(copy);
    auto found = findings(*copy);
    EXPECT_TRUE(found.sound()) << found.discrepancies.front();
    EXPECT_GE(found.rows, before);
    before = found.rows;
  }
}

class ledger_restore_test : public test::ledger_store_fixture {
protected:
  void SetUp() override {
    auto x = opened();
    ledger_keeper keeper{*x};
    ASSERT_FALSE(keeper.settled(20));
    ASSERT_FALSE(x->back_up(copy));
    ASSERT_FALSE(keeper.settled(5));
    node = keeper.contents.node;
  }
  std::vector<std::string> names() const {
    std::vector<std::string> result;
    for (auto& x : fs::directory_iterator{folder.path()})
      result.push_back(x.path().filename().string());
    std::ranges::sort(result);
    return result;
  }

  std::string copy = (folder.path() / "copy").string();
  uint64_t node = 0;
};

TEST_F(ledger_restore_test, takes_the_place_of_the_ledger_which_is_moved_aside) {
  for (int i = 0; i < 2; ++i)
    ASSERT_TRUE(ledger_store::restore(copy, path + "/"));
  EXPECT_EQ(names(),
            (std::vector<std::string>{"copy", "ledger", "ledger.damaged-1", "ledger.damaged-2"}));
  auto x = opened();
  EXPECT_EQ(findings(*x).rows, 20u);
  auto found = x->begin();
  EXPECT_EQ(found->node, node);
  EXPECT_GT(found->incarnation, 1'000'000u) << "for that of the backup has been used since";
  auto before = opened(path + ".damaged-1");
  EXPECT_EQ(findings(*before).rows, 25u);
}

TEST_F(ledger_restore_test, restores_where_nothing_is) {
  auto other = (folder.path() / "other").string();
  ASSERT_TRUE(ledger_store::restore(copy, other));
  EXPECT_EQ(findings(*opened(other)).rows, 20u);
  EXPECT_EQ(names(), (std::vector<std::string>{"copy", "ledger", "other"}));
}

TEST_F(ledger_restore_test, the_backup_stays_as_it_was) {
  auto list = [&] {
    std::vector<std::string> result;
    for (auto& x : fs::directory_iterator{copy})
      result.push_back(x.path().filename().string() + " " + std::to_string(x.file_size()));
    std::ranges::sort(result);
    return result;
  };
  auto before = list();
  ASSERT_TRUE(ledger_store::restore(copy, path));
  EXPECT_EQ(list(), before);
}

TEST_F(ledger_restore_test, refuses_a_ledger_in_use) {
  auto x = opened();
  auto error = ledger_store::restore(copy, path).error();
  EXPECT_THAT(message_of(error), HasSubstr("another process uses it"));
  EXPECT_EQ(findings(*x).rows, 25u);
}

TEST_F(ledger_restore_test, refuses_what_is_no_backup) {
  auto error = ledger_store::restore((folder.path() / "nothing").string(), path).error();
  EXPECT_THAT(message_of(error), HasSubstr("there is no backup"));
  EXPECT_EQ(findings(*opened()).rows, 25u);
}

TEST_F(ledger_restore_test, refuses_a_backup_whose_rows_say_something_else) {
  {
    auto tables = open_ledger_tables(copy, 0, ledger_access::write);
    ASSERT_TRUE(tables);
    auto other = test::account_of(1);
    ASSERT_TRUE(
        tables->db->Put({}, tables->accounts, key_of(uint64_t{1}), encode_account(other)).ok());
  }
  auto error = ledger_store::restore(copy, path).error();
  EXPECT_THAT(message_of(error), HasSubstr("account 1"));
  EXPECT_EQ(names(), (std::vector<std::string>{"copy", "ledger"}));
  EXPECT_EQ(findings(*opened()).rows, 25u);
}

TEST_F(ledger_restore_test, refuses_a_backup_with_a_damaged_file) {
  for (auto& x : fs::directory_iterator{copy})
    if (x.path().extension() == ".sst") {
      auto bytes = x.path().string() + ".copy"; // files are shared with the ledger itself
      fs::copy_file(x.path(), bytes);
      fs::rename(bytes, x.path());
      turn_byte(x.path(), 20);
    }
  auto error = ledger_store::restore(copy, path).error();
  EXPECT_EQ(code_of(error), ec::storage_failed);
  EXPECT_EQ(names(), (std::vector<std::string>{"copy", "ledger"}));
  EXPECT_EQ(findings(*opened()).rows, 25u);
}

} // namespace
} // namespace sluice
