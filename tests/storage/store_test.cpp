#include "storage/store.hpp"

#include "runtime/ec.hpp"
#include "tests/support/temporary_folder.hpp"

#include <caf/all.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <random>

namespace sluice {
namespace {

using testing::HasSubstr;

class store_test : public ::testing::Test {
protected:
  std::unique_ptr<store> opened() {
    auto x = store::open(settings());
    EXPECT_TRUE(x) << message_of(x.error());
    return x ? std::move(*x) : nullptr;
  }
  storage_settings settings() const {
    storage_settings x;
    x.path = (folder.path() / "data").string();
    return x;
  }
  std::string refusal() const {
    auto x = store::open(settings());
    if (x)
      return "";
    EXPECT_EQ(code_of(x.error()), ec::storage_failed);
    return message_of(x.error());
  }
  static void write(store& to, store_changes changes) {
    auto done = to.write({{std::move(changes)}});
    EXPECT_TRUE(done) << message_of(done.error());
  }
  static std::vector<std::string> keys(store& from, store_scan query) {
    auto page = from.scan(query);
    EXPECT_TRUE(page);
    std::vector<std::string> result;
    if (page)
      for (auto& x : page->entries)
        result.push_back(x.key);
    return result;
  }
  static store_scan all(std::string prefix) {
    store_scan x;
    x.prefix = std::move(prefix);
    x.limit = 100;
    return x;
  }

  /// Turns a byte of the largest file whose name ends with `suffix` around.
  void damage(std::string_view suffix, double where) {
    std::filesystem::path largest;
    for (auto& x : std::filesystem::directory_iterator{settings().path})
      if (x.path().string().ends_with(suffix) &&
          (largest.empty() || x.file_size() > std::filesystem::file_size(largest)))
        largest = x.path();
    ASSERT_FALSE(largest.empty()) << suffix;
    auto at = static_cast<std::streamoff>(where *
                                          static_cast<double>(std::filesystem::file_size(largest)));
    std::fstream file{largest, std::ios::in | std::ios::out | std::ios::binary};
    file.seekg(at);
    auto byte = static_cast<char>(file.get() ^ 0x5a);
    file.seekp(at);
    file.put(byte);
  }

  test::temporary_folder folder;
};

TEST_F(store_test, keeps_what_was_written_over_a_restart) {
  auto x = opened();
  write(*x, {put("a", "1"), put("b", std::string("\0\xff", 2))});
  x.reset();
  x = opened();
  EXPECT_EQ(x->read("a")->value, "1");
  EXPECT_EQ(x->read("b")->value, std::string("\0\xff", 2));
  EXPECT_FALSE(x->read("c")->found);
}

TEST_F(store_test, makes_all_changes_in_their_order) {
  auto x = opened();
  write(*x, {put("pa", "1"), put("pb", "1"), put("q", "1")});
  write(*x, {erase_prefix("p"), put("pb", "2"), erase("q"), erase("never there")});
  EXPECT_EQ(keys(*x, all("")).size(), 2u) << "and the schema";
  EXPECT_EQ(x->read("pb")->value, "2");
}

TEST_F(store_test, removes_a_prefix_that_ends_in_the_last_byte) {
  auto x = opened();
  write(*x, {put("p\xff\xff", "1"), put("p\xff\xff\xff", "1"), put("q", "1")});
  write(*x, {erase_prefix("p\xff")});
  EXPECT_EQ(keys(*x, all("p")).size(), 0u);
  EXPECT_TRUE(x->read("q")->found);
}

TEST_F(store_test, scans_in_the_order_of_the_keys_either_way) {
  auto x = opened();
  write(*x, {put("k1", ""), put("k3", ""), put("k2", ""), put("j9", ""), put("l0", "")});
  EXPECT_EQ(keys(*x, all("k")), (std::vector<std::string>{"k1", "k2", "k3"}));
  auto query = all("k");
  query.direction = store_scan::order::backwards;
  EXPECT_EQ(keys(*x, query), (std::vector<std::string>{"k3", "k2", "k1"}));
  query.after = "k3";
  EXPECT_EQ(keys(*x, query), (std::vector<std::string>{"k2", "k1"}));
  query.after = "k25";
  EXPECT_EQ(keys(*x, query), (std::vector<std::string>{"k2", "k1"}));
  query.direction = store_scan::order::forwards;
  EXPECT_EQ(keys(*x, query), (std::vector<std::string>{"k3"}));
}

TEST_F(store_test, ends_a_page_at_either_limit_and_says_so) {
  auto x = opened();
  write(*x, {put("k1", "12345"), put("k2", "12345"), put("k3", "12345")});
  auto query = all("k");
  query.limit = 2;
  auto page = x->scan(query);
  EXPECT_EQ(page->entries.size(), 2u);
  EXPECT_TRUE(page->more);
  query.limit = 3;
  EXPECT_FALSE(x->scan(query)->more);
  query.bytes_max = 10;
  EXPECT_EQ(x->scan(query)->entries.size(), 2u);
  query.bytes_max = 1;
  EXPECT_EQ(x->scan(query)->entries.size(), 1u) << "one comes however large it is";
}

TEST_F(store_test, is_for_one_process_at_a_time) {
  auto x = opened();
  EXPECT_THAT(refusal(), HasSubstr("another process uses it"));
  x.reset();
  EXPECT_EQ(refusal(), "");
}

TEST_F(store_test, says_what_folder_it_cannot_use) {
  std::ofstream{settings().path} << "a file";
  EXPECT_THAT(refusal(), HasSubstr(settings().path));
}

TEST_F(store_test, makes_a_folder_for_its_owner_alone) {
  opened();
  auto rights = std::filesystem::status(settings().path).permissions();
  EXPECT_EQ(rights, std::filesystem::perms::owner_all);
}

TEST_F(store_test, refuses_what_a_newer_program_wrote) {
  auto x = opened();
  write(*x, {put("\x01schema", "2")});
  x.reset();
  EXPECT_THAT(refusal(), HasSubstr("format 2"));
}

TEST_F(store_test, opens_after_a_write_that_broke_off) {
  auto x = opened();
  write(*x, {put("a", "1")});
  x.reset();
  std::filesystem::path log;
  for (auto& entry : std::filesystem::directory_iterator{settings().path})
    if (entry.path().extension() == ".log")
      log = entry.path();
  ASSERT_FALSE(log.empty());
  std::ofstream{log, std::ios::app | std::ios::binary} << "the beginning of";
  EXPECT_EQ(opened()->read("a")->value, "1");
}

TEST_F(store_test, refuses_a_log_that_is_damaged_before_its_end) {
  auto x = opened();
  for (int i = 0; i < 200; ++i)
    write(*x, {put("k" + std::to_string(i), std::string(1'000, 'x'))});
  x.reset();
  damage(".log", 0.5);
  EXPECT_THAT(refusal(), HasSubstr("damaged"));
}

TEST_F(store_test, answers_nothing_else_in_place_of_what_is_damaged) {
  std::mt19937 bytes{1};
  std::string value(100'000, 'x');
  auto x = opened();
  for (int i = 0; i < 300; ++i) { // more than a memtable, so that it reaches a file
    for (auto& c : value)
      c = static_cast<char>(bytes());
    write(*x, {put("k" + std::to_string(1'000 + i), value)});
  }
  x.reset();
  damage(".sst", 0.4);
  auto again = store::open(settings());
  if (!again)
    return; // found at once, which is as good
  auto page = (*again)->scan(all("k"));
  auto failed = !page;
  for (int i = 0; i < 300; ++i)
    failed = failed || !(*again)->read("k" + std::to_string(1'000 + i));
  EXPECT_TRUE(failed);
}

} // namespace
} // namespace sluice
