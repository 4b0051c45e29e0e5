#pragma once

#include "runtime/ec.hpp"
#include "storage/ledger_check.hpp"
#include "storage/ledger_store.hpp"
#include "storage/ledger_tables.hpp"
#include "tests/support/sample_ledger.hpp"
#include "tests/support/temporary_folder.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

namespace sluice::test {

class ledger_store_fixture : public ::testing::Test {
protected:
  std::unique_ptr<ledger_store> opened() { return opened(path); }
  static std::unique_ptr<ledger_store> opened(const std::string& at) {
    auto x = ledger_store::open(at, {});
    EXPECT_TRUE(x) << message_of(x.error());
    return x ? std::move(*x) : nullptr;
  }
  /// Why it cannot be opened; empty where it can.
  std::string refusal() const {
    auto x = ledger_store::open(path, {});
    if (x)
      return "";
    EXPECT_EQ(code_of(x.error()), ec::storage_failed);
    return message_of(x.error());
  }
  /// A ledger with `count` rows, each of its own commit.
  void fill(size_t count) {
    auto x = opened();
    ledger_keeper keeper{*x};
    for (size_t i = 0; i < count; ++i)
      ASSERT_FALSE(keeper.settled(1));
  }
  /// The database without the store, to do harm.
  ledger_tables raw() const {
    auto x = open_ledger_tables(path, 1'000'000, ledger_access::write);
    EXPECT_TRUE(x);
    return x ? std::move(*x) : ledger_tables{};
  }
  static ledger_findings findings(const ledger_archive& x) {
    auto found = verify(x);
    EXPECT_TRUE(found) << message_of(found.error());
    return found ? *found : ledger_findings{};
  }
  std::vector<std::filesystem::path> files(std::string_view suffix) const {
    std::vector<std::filesystem::path> result;
    for (auto& x : std::filesystem::directory_iterator{path})
      if (x.path().string().ends_with(suffix))
        result.push_back(x.path());
    return result;
  }
  /// The log that is written to.
  std::filesystem::path log() const {
    auto logs = files(".log");
    EXPECT_FALSE(logs.empty());
    return logs.empty() ? std::filesystem::path{} : *std::ranges::max_element(logs);
  }
  static void turn_byte(const std::filesystem::path& file, uint64_t at) {
    std::fstream bytes{file, std::ios::in | std::ios::out | std::ios::binary};
    bytes.seekg(static_cast<std::streamoff>(at));
    auto byte = static_cast<char>(bytes.get() ^ 0x5a);
    bytes.seekp(static_cast<std::streamoff>(at));
    bytes.put(byte);
  }

  temporary_folder folder;
  std::string path = (folder.path() / "ledger").string();
};

} // namespace sluice::test
