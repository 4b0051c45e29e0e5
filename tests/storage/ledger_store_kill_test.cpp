#include "storage/ledger_store.hpp"

#include "tests/support/ledger_fixture.hpp"

#include <cstdlib>
#include <deque>
#include <fcntl.h>
#include <poll.h>
#include <random>
#include <set>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

namespace sluice {
namespace {

/// The folder and the descriptor of the writer's child.
constexpr auto variable = "SLUICE_TEST_LEDGER_WRITER";

constexpr int rounds = 50;
constexpr int beginnings = 30;

/// What the writer tells of a commit that was acknowledged: its incarnation, and up to which
/// numbers its charges are opened and settled.
struct told {
  uint64_t incarnation = 0;
  uint64_t opened_until = 0;
  uint64_t settled_until = 0;
};

class ledger_store_kill_test : public test::ledger_store_fixture {
protected:
  struct writer {
    pid_t process = 0;
    int done = -1; ///< each `told`
  };

  /// This program again, as a process of its own that does nothing but the test below: a fork alone
  /// would be without the threads of RocksDB.
  writer start() {
    int ends[2];
    EXPECT_EQ(pipe(ends), 0);
    // So that the writer ends with this process, however that ends.
    EXPECT_EQ(fcntl(ends[0], F_SETFD, FD_CLOEXEC), 0);
    auto order = path + "," + std::to_string(ends[1]);
    EXPECT_EQ(setenv(variable, order.c_str(), 1), 0);
    std::string name = "/proc/self/exe";
    std::string filter = "--gtest_filter=ledger_writer_test.*";
    std::string brief = "--gtest_brief=1";
    char* arguments[] = {name.data(), filter.data(), brief.data(), nullptr};
    writer result;
    EXPECT_EQ(posix_spawn(&result.process, name.c_str(), nullptr, nullptr, arguments, environ), 0);
    unsetenv(variable);
    close(ends[1]);
    result.done = ends[0];
    return result;
  }

  /// Lets it commit `count` times and kills it in the middle of what comes then. The last that was
  /// acknowledged.
  static told kill_after(const writer& x, uint64_t count) {
    told last;
    uint64_t commits = 0;
    for (told next; commits < count && ::read(x.done, &next, sizeof next) == sizeof next; ++commits)
      last = next;
    EXPECT_EQ(commits, count) << "the writer ended by itself";
    return kill_now(x, last);
  }
  /// Kills it after some milliseconds or its first commit, mostly while it opens the ledger.
  static told kill_while_it_begins(const writer& x, int milliseconds) {
    pollfd done{x.done, POLLIN, 0};
    poll(&done, 1, milliseconds);
    return kill_now(x, {});
  }
  static told kill_now(const writer& x, told last) {
    kill(x.process, SIGKILL);
    for (told next; ::read(x.done, &next, sizeof next) == sizeof next;)
      last = next;
    close(x.done);
    int status = 0;
    waitpid(x.process, &status, 0);
    EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    return last;
  }
  /// Printed where a test fails, and taken from the environment.
  static unsigned seed() {
    auto* wanted = std::getenv("SLUICE_TEST_SEED");
    return wanted ? static_cast<unsigned>(std::stoul(wanted)) : std::random_device{}();
  }
};

TEST(ledger_writer_test, commits_until_it_is_killed) {
  auto* order = std::getenv(variable);
  if (!order)
    GTEST_SKIP() << "the child of the test below";
  std::string words{order};
  auto comma = words.find(',');
  auto done = std::stoi(words.substr(comma + 1));
  auto x = ledger_store::open(words.substr(0, comma), {});
  ASSERT_TRUE(x) << message_of(x.error());
  test::ledger_keeper keeper{**x};
  std::mt19937_64 random{keeper.contents.incarnation};
  std::deque<open_charge> open;
  // What an earlier one left is settled first, as a start does.
  open.assign(keeper.contents.open.begin(), keeper.contents.open.end());
  told now{keeper.contents.incarnation, 0, 0};
  for (;;) {
    ledger_batch batch;
    batch.now = test::ledger_begin;
    for (auto count = 1 + random() % 8; count > 0; --count) {
      batch.opened.push_back(keeper.next());
      now.opened_until = batch.opened.back().id.number;
    }
    for (auto count = random() % 9; count > 0 && !open.empty(); --count) {
      keeper.settle(batch, open.front());
      if (open.front().id.incarnation == now.incarnation)
        now.settled_until = open.front().id.number;
      open.pop_front();
    }
    auto opened = batch.opened;
    if ((*x)->commit(std::move(batch)))
      return;
    open.insert(open.end(), opened.begin(), opened.end());
    if (write(done, &now, sizeof now) < 0)
      return;
  }
}

TEST_F(ledger_store_kill_test, has_each_acknowledged_charge_once_when_its_process_is_killed) {
  auto number = seed();
  SCOPED_TRACE("SLUICE_TEST_SEED=" + std::to_string(number));
  std::mt19937 random{number};
  uint64_t rows_before = 0;
  uint64_t incarnation = 0;
  for (int round = 0; round < rounds; ++round) {
    auto begins = round % 5 == 4;
    auto last = begins ? kill_while_it_begins(start(), static_cast<int>(random() % 80))
                       : kill_after(start(), 1 + random() % 80);
    auto x = opened();
    ASSERT_TRUE(x);
    if (last.incarnation != 0) {
      ASSERT_GT(last.incarnation, incarnation) << "each start begins one";
      incarnation = last.incarnation;
    }
    auto found = findings(*x);
    ASSERT_TRUE(found.sound()) << found.discrepancies.front();
    ASSERT_GE(found.rows, rows_before);
    rows_before = found.rows;
    auto rows = x->rows(1, UINT32_MAX);
    auto charges = x->open();
    ASSERT_TRUE(rows && charges);
    std::set<charge_id> settled;
    for (auto& row : *rows)
      ASSERT_TRUE(settled.insert(row.row.charge.id).second) << "row " << row.number << " again";
    std::set<charge_id> open;
    for (auto& charge : *charges) {
      ASSERT_TRUE(open.insert(charge.id).second);
      ASSERT_FALSE(settled.contains(charge.id)) << "open and settled";
    }
    auto node = rows->empty() ? charges->front().id.node : rows->front().row.charge.id.node;
    for (uint64_t n = 1; n <= last.opened_until; ++n) {
      charge_id id{node, incarnation, n};
      ASSERT_TRUE(settled.contains(id) || open.contains(id)) << "charge " << n << " is lost";
      ASSERT_TRUE(n > last.settled_until || settled.contains(id)) << "row of charge " << n;
    }
  }
}

TEST_F(ledger_store_kill_test, goes_on_wherever_its_beginning_was_broken_off) {
  auto number = seed();
  SCOPED_TRACE("SLUICE_TEST_SEED=" + std::to_string(number));
  std::mt19937 random{number};
  for (int round = 0; round < beginnings; ++round) {
    std::filesystem::remove_all(path);
    auto last = kill_while_it_begins(start(), static_cast<int>(random() % 80));
    auto x = opened();
    ASSERT_TRUE(x);
    ASSERT_TRUE(findings(*x).sound());
    auto found = x->begin();
    ASSERT_TRUE(found);
    ASSERT_GT(found->incarnation, last.incarnation);
    ASSERT_NE(found->node, 0u);
  }
}

} // namespace
} // namespace sluice
