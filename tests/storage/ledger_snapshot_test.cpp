#include "tests/support/ledger_fixture.hpp"

#include <atomic>
#include <random>
#include <thread>

namespace sluice {
namespace {

namespace fs = std::filesystem;
using test::ledger_begin;
using test::ledger_keeper;
using testing::HasSubstr;

class ledger_snapshot_test : public test::ledger_store_fixture {
protected:
  std::unique_ptr<const ledger_archive> snapshot() const { return snapshot(path); }
  static std::unique_ptr<const ledger_archive> snapshot(const std::string& at) {
    auto x = ledger_store::snapshot(at);
    EXPECT_TRUE(x) << message_of(x.error());
    return x ? std::move(*x) : nullptr;
  }
  static std::string refusal(const std::string& at) {
    auto x = ledger_store::snapshot(at);
    EXPECT_FALSE(x);
    return x ? "" : message_of(x.error());
  }
  /// Names, sizes, times and bytes of all files.
  std::vector<std::string> state_of_folder() const {
    std::vector<std::string> result;
    for (auto& x : fs::directory_iterator{path}) {
      std::ifstream in{x.path(), std::ios::binary};
      std::string bytes{std::istreambuf_iterator<char>{in}, {}};
      result.push_back(x.path().filename().string() + " " +
                       std::to_string(x.last_write_time().time_since_epoch().count()) + " " +
                       bytes);
    }
    std::ranges::sort(result);
    return result;
  }
  static uint64_t incarnation_of(const std::string& at) {
    auto found = opened(at)->begin();
    EXPECT_TRUE(found);
    return found ? found->incarnation : 0;
  }

  std::string copy = (folder.path() / "backups" / "copy").string();
};

TEST_F(ledger_snapshot_test, has_what_was_committed_while_the_ledger_is_in_use) {
  auto x = opened();
  ledger_keeper keeper{*x};
  ASSERT_FALSE(keeper.settled(10));
  auto left = keeper.next();
  ledger_batch batch;
  batch.now = left.reserved;
  batch.opened.push_back(left);
  ASSERT_FALSE(x->commit(std::move(batch)));
  auto seen = snapshot();
  ASSERT_FALSE(keeper.settled(5));
  EXPECT_EQ(findings(*seen).rows, 10u) << "what came later is not in it";
  EXPECT_TRUE(findings(*seen).sound());
  EXPECT_EQ(*seen->open(), std::vector{left});
  EXPECT_EQ(seen->accounts()->size(), x->accounts()->size());
  EXPECT_EQ(seen->days()->size(), x->days()->size());
  EXPECT_EQ(findings(*snapshot()).rows, 15u);
}

TEST_F(ledger_snapshot_test, changes_no_file_and_begins_no_incarnation) {
  fill(3);
  auto before = state_of_folder();
  EXPECT_EQ(findings(*snapshot()).rows, 3u);
  EXPECT_EQ(state_of_folder(), before);
  EXPECT_EQ(incarnation_of(path), 2u) << "the second, after the one that filled it";
}

TEST_F(ledger_snapshot_test, stays_readable_when_the_files_behind_it_are_gone) {
  fill(50);
  { // into a table, away from the log
    auto tables = raw();
    ASSERT_TRUE(tables.db->Flush({}, tables.rows).ok());
  }
  auto seen = snapshot();
  {
    auto tables = raw();
    ASSERT_TRUE(tables.db->CompactRange({}, tables.rows, nullptr, nullptr).ok());
  }
  for (auto& file : files(".sst"))
    fs::remove(file);
  EXPECT_EQ(findings(*seen).rows, 50u);
}

TEST_F(ledger_snapshot_test, is_whole_at_every_moment_of_a_ledger_that_replaces_its_files) {
  auto x = opened();
  ledger_keeper keeper{*x};
  ASSERT_FALSE(keeper.settled(1));
  std::atomic<bool> done = false;
  std::atomic<uint64_t> acknowledged = 1;
  std::thread writer{[&] {
    for (int i = 0; i < 150; ++i) { // 4 MiB fill a memtable: logs and tables come and go
      EXPECT_FALSE(keeper.settled(200));
      acknowledged += 200;
    }
    done = true;
  }};
  int taken = 0;
  do {
    uint64_t least = acknowledged;
    auto seen = ledger_store::snapshot(path);
    EXPECT_TRUE(seen) << message_of(seen.error());
    if (!seen)
      break;
    auto found = findings(**seen);
    EXPECT_TRUE(found.sound()) << found.discrepancies.front();
    EXPECT_GE(found.rows, least);
    ++taken;
  } while (!done);
  writer.join();
  EXPECT_EQ(findings(*snapshot()).rows, 30'001u);
  RecordProperty("snapshots", taken);
}

/// How many numbers from 1 on a family has without a gap, and how many there are.
std::pair<uint64_t, uint64_t> numbers_of(const ledger_tables& x, rocksdb::ColumnFamilyHandle* of) {
  std::unique_ptr<rocksdb::Iterator> i{x.db->NewIterator({}, of)};
  std::pair<uint64_t, uint64_t> result;
  for (i->SeekToFirst(); i->Valid(); i->Next(), ++result.second)
    if (i->key().ToStringView() == key_of(result.first + 1))
      ++result.first;
  EXPECT_TRUE(i->status().ok()) << i->status().ToString();
  return result;
}

TEST_F(ledger_snapshot_test, has_no_holes_where_logs_and_tables_are_replaced_all_the_time) {
  fill(0);
  auto tables = raw();
  ASSERT_TRUE(tables.db);
  constexpr int openings = 60;
  std::atomic<int> opened = 0;
  std::atomic<uint64_t> written = 0;
  std::thread writer{[&] {
    std::mt19937 random{30};
    std::uniform_int_distribution rounds{1, 6}; // fewer end before an opening does, or more
    for (int turn = 0; turn < openings; ++turn) {
      for (int round = rounds(random); round > 0; --round) {
        for (int i = 0; i < 400; ++i) { // each in two families, or in none
          rocksdb::WriteBatch batch;
          batch.Put(tables.rows, key_of(written + 1), "");
          batch.Put(tables.accounts, key_of(written + 1), "");
          EXPECT_TRUE(tables.db->Write({}, &batch).ok());
          ++written;
        }
        // A log and tables end, and earlier ones go.
        EXPECT_TRUE(tables.db->Flush({}, {tables.rows, tables.accounts}).ok());
        for (auto* family : {tables.rows, tables.accounts})
          EXPECT_TRUE(tables.db->CompactRange({}, family, nullptr, nullptr).ok());
      }
      opened.wait(turn);
    }
  }};
  int seen = 0;
  for (int i = 0; i < openings; ++i) {
    uint64_t least = written;
    auto x = open_ledger_snapshot(path);
    ++opened;
    opened.notify_one();
    if (!x) {
      EXPECT_THAT(message_of(x.error()), HasSubstr("faster than they are read"));
      continue;
    }
    ++seen;
    auto rows = numbers_of(*x, x->rows);
    EXPECT_EQ(rows.first, rows.second);
    EXPECT_GE(rows.first, least);
    EXPECT_EQ(numbers_of(*x, x->accounts), rows);
  }
  writer.join();
  EXPECT_GT(seen, 0);
  RecordProperty("seen", seen);
  RecordProperty("written", std::to_string(written));
}

TEST_F(ledger_snapshot_test, makes_no_ledger_where_there_is_none) {
  EXPECT_THAT(refusal(path), HasSubstr("there is no ledger in " + path));
  EXPECT_FALSE(fs::exists(path));
}

TEST_F(ledger_snapshot_test, refuses_a_ledger_that_lacks_acknowledged_commits) {
  fill(5);
  std::ofstream{fs::path{path} / "HIGH_WATER"} << "00000000000000009999\n";
  EXPECT_THAT(refusal(path), HasSubstr("commit 9999 was acknowledged"));
}

TEST_F(ledger_snapshot_test, shows_changed_rows_as_findings) {
  fill(5);
  {
    auto tables = raw();
    std::string bytes;
    ASSERT_TRUE(tables.db->Get({}, tables.rows, key_of(3), &bytes).ok());
    ASSERT_TRUE(tables.db->Put({}, tables.rows, key_of(2), bytes).ok());
  }
  auto found = findings(*snapshot());
  ASSERT_FALSE(found.sound());
  EXPECT_THAT(found.discrepancies.front(), HasSubstr("row 2"));
}

TEST_F(ledger_snapshot_test, its_backup_is_a_ledger_with_files_of_its_own) {
  auto x = opened();
  ledger_keeper keeper{*x};
  ASSERT_FALSE(keeper.settled(20));
  ASSERT_FALSE(keeper.close(std::chrono::floor<std::chrono::days>(ledger_begin)));
  auto seen = snapshot();
  ASSERT_FALSE(keeper.settled(5, ledger_begin + std::chrono::days{1}));
  auto error = seen->back_up(copy + "/");
  ASSERT_FALSE(error) << message_of(error);
  EXPECT_FALSE(fs::exists(copy + ".unfinished"));
  for (auto& file : fs::directory_iterator{copy})
    EXPECT_EQ(fs::hard_link_count(file), 1u) << file;
  EXPECT_EQ(fs::status(copy).permissions(), fs::perms::owner_all);
  auto copied = snapshot(copy);
  EXPECT_EQ(findings(*copied).rows, 20u);
  EXPECT_EQ(findings(*copied).chain, findings(*seen).chain);
  EXPECT_EQ(*copied->days(), *seen->days());
  EXPECT_EQ(*copied->accounts(), *seen->accounts());
}

TEST_F(ledger_snapshot_test, its_backup_can_be_restored) {
  fill(4);
  ASSERT_FALSE(snapshot()->back_up(copy));
  fill(2);
  auto restored = ledger_store::restore(copy, path);
  ASSERT_TRUE(restored) << message_of(restored.error());
  EXPECT_EQ(*restored, path + ".damaged-1");
  EXPECT_EQ(findings(*snapshot()).rows, 4u);
  EXPECT_EQ(findings(*snapshot(*restored)).rows, 6u);
  EXPECT_GT(incarnation_of(path), 1'000'000u);
  auto other = ledger_store::restore(copy, (folder.path() / "other").string());
  ASSERT_TRUE(other);
  EXPECT_EQ(*other, "") << "nothing was there";
}

TEST_F(ledger_snapshot_test, backs_up_over_nothing) {
  fill(1);
  fs::create_directories(copy);
  EXPECT_THAT(message_of(snapshot()->back_up(copy)), HasSubstr("is there already"));
  EXPECT_TRUE(fs::is_empty(copy));
  fs::remove(copy);
  fs::create_directories(copy + ".unfinished");
  EXPECT_THAT(message_of(snapshot()->back_up(copy)), HasSubstr("unfinished is there already"));
  EXPECT_FALSE(fs::exists(copy));
}

TEST_F(ledger_snapshot_test, backs_up_nothing_that_is_not_sound) {
  fill(2);
  {
    auto tables = raw();
    auto other = test::account_of(1);
    ASSERT_TRUE(
        tables.db->Put({}, tables.accounts, key_of(uint64_t{1}), encode_account(other)).ok());
  }
  EXPECT_THAT(message_of(snapshot()->back_up(copy)), HasSubstr("account 1"));
  EXPECT_FALSE(fs::exists(copy));
  EXPECT_FALSE(fs::exists(copy + ".unfinished"));
}

} // namespace
} // namespace sluice
