#include "storage/seed_file.hpp"

#include "runtime/ec.hpp"
#include "tests/support/temporary_folder.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

namespace sluice {

namespace {

TEST(seed_file_test, is_drawn_once_and_kept) {
  test::temporary_folder folder;
  auto first = seed_of(folder.path().string());
  ASSERT_TRUE(first);
  EXPECT_EQ(*seed_of(folder.path().string()), *first);
  auto rights = std::filesystem::status(folder.path() / "SEED").permissions();
  EXPECT_EQ(rights, std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
  test::temporary_folder other;
  EXPECT_NE(*seed_of(other.path().string()), *first);
}

TEST(seed_file_test, one_that_cannot_be_understood_is_drawn_anew) {
  test::temporary_folder folder;
  for (auto* text : {"", "12", "not sixteen digit"}) {
    std::ofstream{folder.path() / "SEED"} << text;
    auto drawn = seed_of(folder.path().string());
    ASSERT_TRUE(drawn) << text;
    EXPECT_EQ(*seed_of(folder.path().string()), *drawn);
  }
}

TEST(seed_file_test, says_what_is_wrong_with_the_folder) {
  auto none = seed_of("/nowhere/at/all");
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error(), make_error(ec::storage_failed));
  EXPECT_NE(message_of(none.error()).find("/nowhere/at/all/SEED"), std::string::npos);
}

} // namespace

} // namespace sluice
