#include "storage/ledger_store.hpp"

#include "tests/support/ledger_fixture.hpp"

#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <random>
#include <sched.h>
#include <spawn.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace {

/// While it is set the disk of this process takes nothing for good.
std::atomic<bool> disk_fails = false;

int synced(long call, int file) {
  if (disk_fails) {
    errno = EIO;
    return -1;
  }
  return static_cast<int>(syscall(call, file));
}

} // namespace

// In the place of those of the C library, for RocksDB as well.
extern "C" int fsync(int file) {
  return synced(SYS_fsync, file);
}
extern "C" int fdatasync(int file) {
  return synced(SYS_fdatasync, file);
}

namespace sluice {
namespace {

namespace fs = std::filesystem;
using test::ledger_keeper;
using testing::AllOf;
using testing::HasSubstr;

class ledger_store_damage_test : public test::ledger_store_fixture {
protected:
  void TearDown() override { disk_fails = false; }

  uint64_t rows_found() {
    auto x = opened();
    auto found = findings(*x);
    EXPECT_TRUE(found.sound()) << found.discrepancies.front();
    return found.rows;
  }
  /// Names and sizes of what the database consists of.
  std::vector<std::string> listed() const {
    std::vector<std::string> result;
    for (auto& x : fs::directory_iterator{path})
      if (auto name = x.path().filename().string(); !name.starts_with("LOG"))
        result.push_back(name + " " + std::to_string(x.file_size()));
    std::ranges::sort(result);
    return result;
  }
};

TEST_F(ledger_store_damage_test, opens_after_a_write_that_broke_off) {
  fill(20);
  std::ofstream{log(), std::ios::app | std::ios::binary} << "the beginning of";
  EXPECT_EQ(rows_found(), 20u);
}

TEST_F(ledger_store_damage_test, opens_after_a_commit_broke_off_that_nobody_was_told_about) {
  fill(20);
  auto mark = *high_water::read(path);
  auto size = fs::file_size(log());
  {
    auto x = opened(); // writes a new log
    ledger_keeper keeper{*x};
    size = fs::file_size(log());
    mark = *high_water::read(path);
    ASSERT_FALSE(keeper.settled(1));
  }
  // As if the process had ended within the write: its bytes are there in part, the mark is not.
  auto whole = fs::file_size(log());
  ASSERT_GT(whole, size + 100);
  fs::resize_file(log(), size + 50);
  { ASSERT_TRUE(high_water::open(path, *mark)); }
  EXPECT_EQ(rows_found(), 20u);
}

TEST_F(ledger_store_damage_test, refuses_a_log_whose_end_was_acknowledged_and_is_gone) {
  fill(20);
  for (uint64_t cut : {1, 37, 700}) {
    fs::resize_file(log(), fs::file_size(log()) - cut);
    auto before = listed();
    for (int i = 0; i < 2; ++i)
      EXPECT_THAT(refusal(), AllOf(HasSubstr("is damaged or lacks its end"),
                                   HasSubstr("restored from a backup")));
    EXPECT_EQ(listed(), before) << "the evidence stays";
  }
}

TEST_F(ledger_store_damage_test, refuses_a_log_that_is_gone) {
  fill(20);
  fs::remove(log());
  EXPECT_THAT(refusal(), HasSubstr("storage failed"));
}

TEST_F(ledger_store_damage_test, refuses_an_empty_log) {
  fill(20);
  fs::resize_file(log(), 0);
  EXPECT_NE(refusal(), "");
}

TEST_F(ledger_store_damage_test, refuses_a_log_that_is_damaged_before_its_end) {
  fill(100);
  for (auto part : {2, 3, 5}) {
    auto at = fs::file_size(log()) / static_cast<uint64_t>(part);
    turn_byte(log(), at);
    auto before = listed();
    EXPECT_THAT(refusal(), HasSubstr("damaged"));
    EXPECT_EQ(listed(), before);
    turn_byte(log(), at);
  }
  EXPECT_EQ(rows_found(), 100u) << "once it is put right";
}

TEST_F(ledger_store_damage_test, loses_nothing_in_silence_whatever_byte_of_the_log_is_damaged) {
  fill(40);
  auto sound = (folder.path() / "sound").string();
  fs::copy(path, sound);
  std::mt19937_64 random{20261124};
  int refused = 0;
  for (int round = 0; round < 60; ++round) {
    fs::remove_all(path);
    fs::copy(sound, path);
    turn_byte(log(), random() % fs::file_size(log()));
    if (refusal() != "")
      ++refused;
    else
      ASSERT_EQ(rows_found(), 40u) << round;
  }
  EXPECT_GT(refused, 50);
}

TEST_F(ledger_store_damage_test, finds_what_is_missing_at_the_end_of_an_earlier_log) {
  std::vector<uint64_t> sizes; // of the first log after each commit
  {
    auto x = opened();
    ledger_keeper keeper{*x};
    auto commit = [&] {
      ledger_batch batch;
      batch.opened.push_back(keeper.next());
      batch.opened.back().purpose.request_id.assign(100'000, 'x'); // fills a memtable soon
      keeper.settle(batch, batch.opened.back());
      ASSERT_FALSE(x->commit(std::move(batch)));
    };
    for (; files(".log").size() == 1 && sizes.size() < 200; commit())
      sizes.push_back(fs::file_size(log()));
    for (int i = 0; i < 10; ++i)
      commit();
  }
  auto logs = files(".log");
  ASSERT_EQ(logs.size(), 2u);
  auto earlier = *std::ranges::min_element(logs);
  auto size = fs::file_size(earlier);
  EXPECT_EQ(size, sizes.back());
  auto sound = (folder.path() / "sound").string();
  fs::copy(path, sound);
  for (auto left : {size - 1, size - 3'000, sizes[sizes.size() - 2], sizes[sizes.size() - 3]}) {
    fs::resize_file(earlier, left);
    EXPECT_NE(refusal(), "") << left << " of " << size;
    fs::copy_file(fs::path{sound} / earlier.filename(), earlier,
                  fs::copy_options::overwrite_existing);
  }
  // Turned, a length can point behind the end, which looks as if the end were missing.
  for (uint64_t back = 1; back < 40'000; back += back < 300 ? 1 : 1'301) {
    turn_byte(earlier, size - back);
    EXPECT_NE(refusal(), "") << back << " before the end";
    turn_byte(earlier, size - back);
  }
  EXPECT_EQ(findings(*opened()).rows, sizes.size() + 10);
}

TEST_F(ledger_store_damage_test, goes_on_with_a_beginning_that_was_broken_off) {
  fs::create_directory(path);
  std::ofstream{fs::path{path} / "MANIFEST-000001"} << "begun";
  fill(1);
  EXPECT_EQ(rows_found(), 1u);
  fs::remove_all(path);
  {
    rocksdb::DB* made = nullptr;
    rocksdb::Options options;
    options.create_if_missing = true;
    ASSERT_TRUE(rocksdb::DB::Open(options, path, &made).ok());
    delete made; // without any family of ours
  }
  fill(1);
  EXPECT_EQ(rows_found(), 1u);
}

TEST_F(ledger_store_damage_test, answers_nothing_else_whatever_byte_of_a_file_is_damaged) {
  fill(300);
  {
    auto tables = raw();
    for (auto* x : {tables.meta, tables.open, tables.rows, tables.accounts, tables.days})
      ASSERT_TRUE(tables.db->Flush({}, x).ok());
  }
  auto sound = (folder.path() / "sound").string();
  fs::copy(path, sound);
  std::mt19937_64 random{20261125};
  int noticed = 0;
  for (int round = 0; round < 40; ++round) {
    fs::remove_all(path);
    fs::copy(sound, path);
    auto all = files(".sst");
    ASSERT_FALSE(all.empty());
    auto file = *std::ranges::max_element(all, {}, [](auto& x) { return fs::file_size(x); });
    turn_byte(file, random() % fs::file_size(file));
    auto x = ledger_store::open(path, {});
    auto found = x ? verify(**x) : caf::expected<ledger_findings>{x.error()};
    if (!found || !found->sound())
      ++noticed;
    else
      ASSERT_EQ(found->rows, 300u) << "a byte that nothing is read from";
    if (!found) {
      EXPECT_EQ(code_of(found.error()), ec::storage_failed);
    }
  }
  EXPECT_GT(noticed, 20);
}

TEST_F(ledger_store_damage_test, names_the_row_that_cannot_be_read) {
  fill(20);
  {
    auto tables = raw();
    ASSERT_TRUE(tables.db->Put({}, tables.rows, key_of(uint64_t{7}), "short").ok());
    ASSERT_TRUE(tables.db->Delete({}, tables.rows, key_of(uint64_t{9})).ok());
  }
  auto x = opened();
  EXPECT_EQ(x->rows(1, 6)->size(), 6u);
  auto short_one = x->rows(1, 20);
  ASSERT_FALSE(short_one);
  EXPECT_EQ(code_of(short_one.error()), ec::storage_failed);
  EXPECT_THAT(message_of(short_one.error()), HasSubstr("row 7 of the ledger cannot be read"));
  EXPECT_THAT(message_of(x->rows(8, 20).error()), HasSubstr("row 9 of the ledger is missing"));
  EXPECT_EQ(x->rows(10, 20)->size(), 11u);
}

TEST_F(ledger_store_damage_test, does_not_begin_without_an_account_or_day_or_open_charge) {
  fill(5);
  auto refused = [&](auto family, const std::string& key, std::string_view named) {
    {
      auto tables = raw();
      ASSERT_TRUE(tables.db->Put({}, tables.*family, key, "\x09").ok());
    }
    auto found = opened()->begin();
    ASSERT_FALSE(found);
    EXPECT_THAT(message_of(found.error()), HasSubstr(std::string{named}));
    auto tables = raw();
    ASSERT_TRUE(tables.db->Delete({}, tables.*family, key).ok());
  };
  refused(&ledger_tables::accounts, key_of(uint64_t{9}), "accounts");
  refused(&ledger_tables::days, key_of(std::chrono::sys_days{}), "days");
  refused(&ledger_tables::open, key_of(charge_id{1, 2, 3}), "open charges");
}

TEST_F(ledger_store_damage_test, names_what_stands_in_the_place_of_another) {
  fill(5);
  ledger_day day;
  day.day = std::chrono::sys_days{std::chrono::year{2026} / 2 / 3};
  {
    auto tables = raw();
    ASSERT_TRUE(
        tables.db->Put({}, tables.days, key_of(std::chrono::sys_days{}), encode_day(day)).ok());
  }
  auto x = opened();
  EXPECT_THAT(message_of(x->days().error()), HasSubstr("day 2026-02-03 of the ledger stands in"));
  EXPECT_FALSE(x->begin());
}

TEST_F(ledger_store_damage_test, does_not_begin_anew_over_what_is_left_of_a_ledger) {
  fill(20);
  fs::remove(fs::path{path} / "CURRENT");
  EXPECT_THAT(refusal(), HasSubstr("has lost its file CURRENT"));
  fs::remove(fs::path{path} / "HIGH_WATER");
  EXPECT_THAT(refusal(), HasSubstr("has lost its file CURRENT"));
}

TEST_F(ledger_store_damage_test, does_not_begin_anew_in_a_folder_that_was_emptied) {
  fill(20);
  for (auto& x : fs::directory_iterator{path})
    if (x.path().filename() != "HIGH_WATER")
      fs::remove_all(x.path());
  EXPECT_THAT(refusal(), HasSubstr("has lost its file CURRENT"));
}

TEST_F(ledger_store_damage_test, refuses_a_ledger_without_its_state_or_format) {
  fill(5);
  std::string state;
  {
    auto tables = raw();
    ASSERT_TRUE(tables.db->Get({}, tables.meta, "state", &state).ok());
    ASSERT_TRUE(tables.db->Delete({}, tables.meta, "state").ok());
  }
  EXPECT_THAT(refusal(), HasSubstr("the state of the ledger cannot be read"));
  {
    auto tables = raw();
    ASSERT_TRUE(tables.db->Put({}, tables.meta, "state", state).ok());
    ASSERT_TRUE(tables.db->Delete({}, tables.meta, "schema").ok());
  }
  EXPECT_THAT(refusal(), HasSubstr("the format of the ledger is missing"));
  fs::remove(fs::path{path} / "HIGH_WATER");
  EXPECT_THAT(refusal(), HasSubstr("the format of the ledger is missing"));
}

TEST_F(ledger_store_damage_test, trusts_a_ledger_without_a_mark_and_writes_one) {
  fill(5);
  auto mark = *high_water::read(path);
  fs::remove(fs::path{path} / "HIGH_WATER");
  EXPECT_EQ(rows_found(), 5u);
  EXPECT_EQ(*high_water::read(path), mark);
}

TEST_F(ledger_store_damage_test, refuses_a_mark_that_is_none) {
  fill(5);
  for (auto* text : {"", "5\n", "0000000000000000000x\n", "00000000000000000005\nmore"}) {
    std::ofstream{fs::path{path} / "HIGH_WATER"} << text;
    EXPECT_THAT(refusal(), HasSubstr("HIGH_WATER is damaged")) << text;
  }
}

TEST_F(ledger_store_damage_test, is_broken_for_good_once_the_disk_did_not_sync) {
  auto x = opened();
  ledger_keeper keeper{*x};
  ASSERT_FALSE(keeper.settled(10));
  disk_fails = true;
  ledger_batch batch;
  auto charge = keeper.next();
  keeper.settle(batch, charge);
  auto error = x->commit(std::move(batch));
  EXPECT_EQ(code_of(error), ec::storage_failed);
  disk_fails = false;
  for (int i = 0; i < 3; ++i) {
    ledger_batch further;
    further.opened.push_back(keeper.next());
    EXPECT_EQ(message_of(x->commit(std::move(further))), message_of(error));
  }
  EXPECT_EQ(x->rows(1, 100)->size(), 10u) << "what was acknowledged can still be read";
  EXPECT_EQ(code_of(x->back_up((folder.path() / "copy").string())), ec::storage_failed);
  x = nullptr;
  x = opened();
  auto found = findings(*x);
  EXPECT_TRUE(found.sound());
  EXPECT_GE(found.rows, 10u);
  EXPECT_LE(found.rows, 11u) << "of the last one nobody was told anything";
}

TEST_F(ledger_store_damage_test, does_not_begin_where_the_disk_does_not_sync) {
  fill(1);
  auto x = opened();
  disk_fails = true;
  EXPECT_FALSE(x->begin());
  disk_fails = false;
  EXPECT_FALSE(x->begin());
  x = nullptr;
  auto found = opened()->begin();
  ASSERT_TRUE(found);
  EXPECT_GE(found->incarnation, 2u);
}

/// Says in a process of its own what became of it.
enum disk_outcome { sound = 0, no_mount = 77 };

constexpr auto full_disk = "SLUICE_TEST_FULL_DISK";

/// A file system of this thread's process alone, gone with it.
bool mount_small(const char* at) {
  auto spaces = geteuid() == 0 ? CLONE_NEWNS : CLONE_NEWNS | CLONE_NEWUSER;
  return unshare(spaces) == 0 && mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
         mount("tmpfs", at, "tmpfs", 0, "size=24m") == 0;
}

TEST(ledger_full_disk_child_test, commits_until_nothing_is_left) {
  auto* at = std::getenv(full_disk);
  if (!at)
    GTEST_SKIP() << "the child of the test below";
  if (!mount_small(at))
    std::_Exit(no_mount);
  auto path = std::string{at} + "/ledger";
  auto x = ledger_store::open(path, {});
  ASSERT_TRUE(x);
  auto keeper = std::make_unique<ledger_keeper>(**x);
  // What another program needs of the disk; without it this test would write for seconds.
  auto filler = std::string{at} + "/filler";
  std::ofstream{filler} << std::string(16 * 1024 * 1024, 'f');
  uint64_t acknowledged = 0;
  caf::error error;
  for (; !error && acknowledged < 1'000'000; acknowledged += error ? 0 : 1) {
    ledger_batch batch;
    keeper->settle(batch, keeper->next());
    error = (*x)->commit(std::move(batch));
  }
  EXPECT_EQ(code_of(error), ec::storage_failed);
  EXPECT_THAT(message_of(error), HasSubstr("the disk is full"));
  EXPECT_GT(acknowledged, 100u);
  fs::remove(filler); // room again does not mend it
  for (int i = 0; i < 3; ++i) {
    ledger_batch batch;
    batch.opened.push_back(keeper->next());
    EXPECT_EQ(message_of((*x)->commit(std::move(batch))), message_of(error));
  }
  EXPECT_EQ((*x)->rows(acknowledged, 10)->size(), 1u);
  keeper = nullptr;
  *x = nullptr;
  x = ledger_store::open(path, {});
  ASSERT_TRUE(x) << message_of(x.error());
  auto found = verify(**x);
  ASSERT_TRUE(found);
  EXPECT_TRUE(found->sound()) << found->discrepancies.front();
  EXPECT_GE(found->rows, acknowledged);
  EXPECT_LE(found->rows, acknowledged + 1);
  std::_Exit(HasFailure() ? 1 : sound);
}

TEST_F(ledger_store_damage_test, keeps_all_that_was_acknowledged_when_the_disk_is_full) {
  ASSERT_EQ(setenv(full_disk, folder.path().c_str(), 1), 0);
  std::string name = "/proc/self/exe";
  std::string filter = "--gtest_filter=ledger_full_disk_child_test.*";
  std::string brief = "--gtest_brief=1";
  char* arguments[] = {name.data(), filter.data(), brief.data(), nullptr};
  pid_t process = 0;
  ASSERT_EQ(posix_spawn(&process, name.c_str(), nullptr, nullptr, arguments, environ), 0);
  unsetenv(full_disk);
  int status = 0;
  ASSERT_EQ(waitpid(process, &status, 0), process);
  ASSERT_TRUE(WIFEXITED(status)) << "ended by signal " << WTERMSIG(status);
  if (WEXITSTATUS(status) == no_mount)
    GTEST_SKIP() << "this process may not mount a small file system";
  EXPECT_EQ(WEXITSTATUS(status), sound);
}

} // namespace
} // namespace sluice
