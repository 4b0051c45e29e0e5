#include "storage/answer_store.hpp"

#include "tests/support/answer_fixture.hpp"

#include <cstdlib>
#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

namespace sluice {
namespace {

/// The folder, the first number and the descriptor of the writer's child.
constexpr auto variable = "SLUICE_TEST_ANSWER_WRITER";

constexpr int rounds = 50;
/// Numbers that a round can put at most; each round has its own.
constexpr uint64_t round_size = 100'000;

class answer_store_kill_test : public test::answer_store_fixture {
protected:
  struct writer {
    pid_t process = 0;
    int done = -1; ///< each number that was put, 8 bytes
  };

  /// This program again, as a process of its own that does nothing but the test below: a fork alone
  /// would be without the threads of RocksDB.
  writer start(uint64_t first) {
    int ends[2];
    EXPECT_EQ(pipe(ends), 0);
    // So that the writer ends with this process, however that ends.
    EXPECT_EQ(fcntl(ends[0], F_SETFD, FD_CLOEXEC), 0);
    auto order = settings.path + "," + std::to_string(first) + "," + std::to_string(ends[1]);
    EXPECT_EQ(setenv(variable, order.c_str(), 1), 0);
    std::string name = "/proc/self/exe";
    std::string filter = "--gtest_filter=answer_store_writer_test.*";
    std::string brief = "--gtest_brief=1";
    char* arguments[] = {name.data(), filter.data(), brief.data(), nullptr};
    writer result;
    EXPECT_EQ(posix_spawn(&result.process, name.c_str(), nullptr, nullptr, arguments, environ), 0);
    unsetenv(variable);
    close(ends[1]);
    result.done = ends[0];
    return result;
  }

  /// Lets it put `count` answers and kills it in the middle of what comes then. The number of those
  /// of which it was told that they are put.
  static uint64_t kill_after(const writer& x, uint64_t count) {
    uint64_t number = 0;
    uint64_t told = 0;
    while (told < count && ::read(x.done, &number, sizeof number) == sizeof number)
      ++told;
    EXPECT_EQ(told, count) << "the writer ended by itself";
    kill(x.process, SIGKILL);
    while (::read(x.done, &number, sizeof number) == sizeof number)
      ++told;
    close(x.done);
    int status = 0;
    waitpid(x.process, &status, 0);
    EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    return told;
  }
};

TEST(answer_store_writer_test, puts_until_it_is_killed) {
  auto* order = std::getenv(variable);
  if (!order)
    GTEST_SKIP() << "the child of the tests below";
  std::string words{order};
  auto comma = words.find(',');
  auto second = words.find(',', comma + 1);
  answer_store_settings settings;
  settings.path = words.substr(0, comma);
  auto number = std::stoull(words.substr(comma + 1, second - comma - 1));
  auto done = std::stoi(words.substr(second + 1));
  auto x = answer_store::open(settings, test::answer_day);
  ASSERT_TRUE(x);
  for (;; ++number) {
    auto entry = test::answer_of(number);
    // Large enough that memtables are written out and files compacted while it runs.
    for (uint64_t i = number % 40; i > 0; --i)
      entry.answer.content += entry.answer.content.substr(0, 1'000);
    if (x->store->put(entry, test::answer_day) || write(done, &number, sizeof number) < 0)
      return;
    if (number % 7 == 0 && x->store->get(entry.meta.key, test::answer_day) && number % 70 == 0 &&
        x->store->flush_uses())
      return;
  }
}

TEST_F(answer_store_kill_test, loses_nothing_that_was_put_when_its_process_is_killed) {
  auto seed = std::random_device{}();
  if (auto* wanted = std::getenv("SLUICE_TEST_SEED"))
    seed = static_cast<unsigned>(std::stoul(wanted));
  SCOPED_TRACE("SLUICE_TEST_SEED=" + std::to_string(seed));
  std::mt19937 random{seed};
  uint64_t entries = 0;
  for (uint64_t round = 0; round < rounds; ++round) {
    auto first = round * round_size;
    auto count = 1 + random() % 200;
    auto told = kill_after(start(first), count);
    auto x = opened();
    ASSERT_TRUE(x);
    ASSERT_FALSE(opening.begun_anew) << opening.reason;
    ASSERT_FALSE(opening.recounted) << "the sums are written with the answers";
    uint64_t found = 0;
    for (;; ++found) {
      auto expected = test::answer_of(first + found);
      auto answer = read(*x, expected.meta.key);
      if (!answer)
        break;
      ASSERT_TRUE(answer->answer.content.starts_with(expected.answer.content));
      ASSERT_EQ(answer->answer.usage, expected.answer.usage);
    }
    ASSERT_GE(found, told) << "what was put is there";
    ASSERT_LE(found, told + 1) << "and the one of which it could not tell any more";
    entries += found;
    auto stats = x->stats();
    ASSERT_EQ(stats.entries, entries);
    ASSERT_EQ(stats.damaged, 0u);
  }
  auto x = opened();
  auto all = scanned(*x, 500);
  EXPECT_EQ(all.size(), entries);
}

} // namespace
} // namespace sluice
