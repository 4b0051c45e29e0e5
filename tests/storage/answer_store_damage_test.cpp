#include "storage/answer_store.hpp"

#include "runtime/ec.hpp"
#include "tests/support/answer_fixture.hpp"

#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>

namespace sluice {
namespace {

namespace fs = std::filesystem;
using test::answer_of;
using testing::HasSubstr;

class answer_store_damage_test : public test::answer_store_fixture {
protected:
  static rocksdb::ColumnFamilyHandle* family(const answer_tables& x, size_t i) {
    return std::array{x.content, x.meta, x.use}[i];
  }
  void fill(uint64_t count) {
    auto x = opened();
    for (uint64_t i = 0; i < count; ++i)
      put(*x, answer_of(i));
  }
  /// Writes what is in memory into files, which a restart alone does not.
  void flush() {
    auto tables = raw();
    for (auto* x : {tables.totals, tables.content, tables.meta, tables.use})
      ASSERT_TRUE(tables.db->Flush({}, x).ok());
  }
  std::vector<fs::path> files(std::string_view in_name) {
    std::vector<fs::path> result;
    for (auto& x : fs::directory_iterator{settings.path})
      if (x.path().filename().string().find(in_name) != std::string::npos)
        result.push_back(x.path());
    return result;
  }
  std::vector<fs::path> moved() {
    std::vector<fs::path> result;
    for (auto& x : fs::directory_iterator{folder.path()})
      if (x.path().filename().string().starts_with("cache.damaged-"))
        result.push_back(x.path());
    return result;
  }
  void expect_begun_anew() {
    auto x = opened();
    ASSERT_TRUE(x);
    EXPECT_TRUE(opening.begun_anew);
    EXPECT_FALSE(opening.reason.empty());
    EXPECT_EQ(x->stats().entries, 0u);
    EXPECT_EQ(moved(), (std::vector<fs::path>{opening.moved_to}));
    put(*x, answer_of(1));
    x = nullptr;
    x = opened();
    EXPECT_FALSE(opening.begun_anew);
    EXPECT_TRUE(read(*x, answer_of(1).meta.key));
  }
};

TEST_F(answer_store_damage_test, serves_nothing_else_whatever_bit_is_turned) {
  constexpr uint64_t count = 40;
  fill(count);
  std::mt19937_64 random{20261123};
  for (int round = 0; round < 50; ++round) { // 2,000 bits in all, one for each entry and round
    auto tables = raw();
    std::vector<std::array<std::string, 3>> sound(count);
    for (uint64_t i = 0; i < count; ++i) {
      auto key = key_bytes(answer_of(i).meta.key);
      for (size_t f = 0; f < 3; ++f)
        ASSERT_TRUE(tables.db->Get({}, family(tables, f), key, &sound[i][f]).ok());
      auto f = random() % 3;
      auto bytes = sound[i][f];
      auto bit = random() % (bytes.size() * 8);
      bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ (1 << bit % 8));
      ASSERT_TRUE(tables.db->Put({}, family(tables, f), key, bytes).ok());
    }
    tables = answer_tables{};
    auto x = opened();
    auto left = present(*x, count); // fails where another answer is served
    auto all = scanned(*x);
    for (auto& meta : all)
      EXPECT_EQ(meta.encoding.size(), 48u);
    for (auto& key : hottest(*x, count))
      if (auto meta = x->describe(key, now); meta && *meta) {
        EXPECT_DOUBLE_EQ((*meta)->use.count, 1);
      }
    EXPECT_GT(x->stats().damaged, 0u);
    EXPECT_LT(left.size(), count);
    x = nullptr;
    fill(count);
  }
}

TEST_F(answer_store_damage_test, counts_and_removes_damage_in_answers) {
  fill(3);
  auto key = key_bytes(answer_of(1).meta.key);
  {
    auto tables = raw();
    ASSERT_TRUE(tables.db->Put({}, tables.content, key, "short").ok());
  }
  auto x = opened();
  EXPECT_EQ(present(*x, 3), (std::vector<uint64_t>{0, 2}));
  EXPECT_EQ(x->stats().damaged, 1u);
  EXPECT_EQ(x->stats().entries, 2u);
  EXPECT_EQ(present(*x, 3).size(), 2u);
  EXPECT_EQ(x->stats().damaged, 1u) << "once";
  EXPECT_EQ(scanned(*x).size(), 2u);
}

TEST_F(answer_store_damage_test, counts_and_removes_damage_in_what_is_known) {
  fill(3);
  {
    auto tables = raw();
    ASSERT_TRUE(tables.db->Put({}, tables.meta, key_bytes(answer_of(1).meta.key), "").ok());
    ASSERT_TRUE(tables.db->Put({}, tables.meta, "no fingerprint", "at all").ok());
  }
  auto x = opened();
  EXPECT_EQ(scanned(*x).size(), 2u);
  EXPECT_EQ(x->stats().damaged, 2u);
  EXPECT_EQ(present(*x, 3), (std::vector<uint64_t>{0, 2}));
}

TEST_F(answer_store_damage_test, refuses_the_record_of_another_key) {
  fill(2);
  {
    auto tables = raw();
    std::string other;
    auto from = key_bytes(answer_of(0).meta.key);
    auto to = key_bytes(answer_of(1).meta.key);
    ASSERT_TRUE(tables.db->Get({}, tables.content, from, &other).ok());
    ASSERT_TRUE(tables.db->Put({}, tables.content, to, other).ok());
  }
  auto x = opened();
  EXPECT_EQ(present(*x, 2), (std::vector<uint64_t>{0}));
  EXPECT_EQ(x->stats().damaged, 1u);
}

TEST_F(answer_store_damage_test, skips_and_drops_records_of_another_version) {
  fill(3);
  {
    auto tables = raw();
    auto content = key_bytes(answer_of(0).meta.key);
    auto meta = key_bytes(answer_of(1).meta.key);
    auto put = [&](rocksdb::ColumnFamilyHandle* to, answer_kind kind, const std::string& key) {
      ASSERT_TRUE(tables.db->Put({}, to, key, sealed(kind, key, "\x03 of a newer program")).ok());
    };
    put(tables.content, answer_kind::content, content);
    put(tables.meta, answer_kind::meta, meta);
  }
  auto x = opened();
  EXPECT_EQ(scanned(*x).size(), 2u);
  EXPECT_EQ(present(*x, 3), (std::vector<uint64_t>{2}));
  EXPECT_EQ(x->stats().foreign, 2u);
  EXPECT_EQ(x->stats().damaged, 0u);
  EXPECT_EQ(x->stats().entries, 1u);
}

TEST_F(answer_store_damage_test, counts_again_when_the_sums_are_damaged) {
  fill(20);
  auto x = opened();
  auto before = x->stats();
  x = nullptr;
  for (auto value : {"", "garbage"}) {
    auto tables = raw();
    ASSERT_TRUE(tables.db->Put({}, tables.totals, "totals", value).ok());
    tables = answer_tables{};
    x = opened();
    EXPECT_TRUE(opening.recounted);
    EXPECT_EQ(x->stats().entries, before.entries);
    EXPECT_EQ(x->stats().bytes, before.bytes);
    x = nullptr;
  }
  opened();
  EXPECT_FALSE(opening.recounted);
}

TEST_F(answer_store_damage_test, begins_anew_when_current_is_garbage) {
  fill(20);
  std::ofstream{fs::path{settings.path} / "CURRENT"} << "garbage";
  expect_begun_anew();
}

TEST_F(answer_store_damage_test, begins_anew_when_current_names_nothing) {
  fill(20);
  std::ofstream{fs::path{settings.path} / "CURRENT"} << "MANIFEST-999999\n";
  expect_begun_anew();
}

TEST_F(answer_store_damage_test, begins_anew_when_the_manifest_is_garbage) {
  fill(20);
  for (auto& x : files("MANIFEST-"))
    std::ofstream{x} << std::string(1'000, 'g');
  expect_begun_anew();
}

TEST_F(answer_store_damage_test, begins_anew_when_a_file_is_missing) {
  fill(20);
  flush();
  for (auto& x : files(".sst"))
    fs::remove(x);
  expect_begun_anew();
}

TEST_F(answer_store_damage_test, begins_anew_when_files_are_garbage) {
  fill(200);
  flush();
  for (auto& x : files(".sst"))
    std::ofstream{x} << std::string(fs::file_size(x), 'g');
  expect_begun_anew();
}

TEST_F(answer_store_damage_test, keeps_one_damaged_database_and_removes_older_ones) {
  for (int i = 0; i < 3; ++i) {
    fill(5);
    std::ofstream{fs::path{settings.path} / "CURRENT"} << "garbage";
    now += std::chrono::seconds{1};
    opened();
    EXPECT_TRUE(opening.begun_anew);
    EXPECT_EQ(moved(), (std::vector<fs::path>{opening.moved_to}));
    auto seconds = std::chrono::floor<std::chrono::seconds>(now).time_since_epoch().count();
    EXPECT_THAT(opening.moved_to, testing::EndsWith(".damaged-" + std::to_string(seconds)));
  }
}

TEST_F(answer_store_damage_test, serves_nothing_else_whatever_byte_of_a_file_is_damaged) {
  std::mt19937_64 random{7};
  for (int round = 0; round < 20; ++round) {
    fs::remove_all(settings.path);
    fill(150);
    if (round % 4 != 0)
      flush();
    auto all = files(round % 4 == 0 ? ".log" : ".sst");
    ASSERT_FALSE(all.empty());
    auto file = *std::ranges::max_element(all, {}, [](auto& x) { return fs::file_size(x); });
    ASSERT_GT(fs::file_size(file), 0u);
    auto at = static_cast<std::streamoff>(random() % fs::file_size(file));
    std::fstream bytes{file, std::ios::in | std::ios::out | std::ios::binary};
    bytes.seekg(at);
    auto byte = static_cast<char>(bytes.get() ^ 0x5a);
    bytes.seekp(at);
    bytes.put(byte);
    bytes.close();
    auto x = opened();
    ASSERT_TRUE(x);
    present(*x, 150);
    auto page = x->scan_meta({}, 1'000, now);
    if (page)
      continue;
    // What is known cannot be read any more: the next start begins anew.
    x = nullptr;
    opened();
    EXPECT_TRUE(opening.begun_anew);
  }
}

TEST_F(answer_store_damage_test, keeps_what_was_written_before_the_log_is_damaged) {
  fill(30);
  auto logs = files(".log");
  ASSERT_FALSE(logs.empty());
  auto log = *std::ranges::max_element(logs, {}, [](auto& x) { return fs::file_size(x); });
  auto half = fs::file_size(log) / 2;
  fs::resize_file(log, half);
  auto x = opened();
  EXPECT_FALSE(opening.begun_anew);
  auto left = present(*x, 30);
  ASSERT_FALSE(left.empty());
  EXPECT_LT(left.size(), 30u);
  for (size_t i = 0; i < left.size(); ++i)
    EXPECT_EQ(left[i], i) << "the first, without a gap";
  EXPECT_EQ(x->stats().entries, left.size()) << "the sums are of the same moment";
}

} // namespace
} // namespace sluice
