#include "storage/folder_watch.hpp"

#include "runtime/ec.hpp"
#include "tests/support/temporary_folder.hpp"

#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>

namespace sluice {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

class folder_watch_test : public testing::Test {
protected:
  folder_watch watch() {
    auto x = folder_watch::begin(folder.path().string());
    EXPECT_TRUE(x) << message_of(x.error());
    return std::move(*x);
  }
  void write(const std::string& name) { std::ofstream{folder.path() / name} << name; }
  static bool is_log(std::string_view name) { return name.ends_with(".log"); }

  test::temporary_folder folder;
};

TEST_F(folder_watch_test, tells_of_what_is_made_moved_and_removed_once) {
  write("1.log");
  auto x = watch();
  EXPECT_FALSE(x.changed(is_log)) << "it was there";
  write("2.log");
  EXPECT_TRUE(x.changed(is_log));
  EXPECT_FALSE(x.changed(is_log));
  fs::rename(folder.path() / "2.log", folder.path() / "2");
  EXPECT_TRUE(x.changed(is_log));
  fs::rename(folder.path() / "2", folder.path() / "3.log");
  EXPECT_TRUE(x.changed(is_log));
  fs::remove(folder.path() / "1.log");
  EXPECT_TRUE(x.changed(is_log));
  EXPECT_FALSE(x.changed(is_log));
}

TEST_F(folder_watch_test, sees_what_came_and_went) {
  auto x = watch();
  write("1.log");
  fs::remove(folder.path() / "1.log");
  EXPECT_TRUE(x.changed(is_log));
}

TEST_F(folder_watch_test, leaves_out_writes_and_files_that_do_not_matter) {
  write("1.log");
  auto x = watch();
  write("1.log");
  write("CURRENT");
  EXPECT_FALSE(x.changed(is_log));
}

TEST_F(folder_watch_test, finds_the_one_among_many) {
  auto x = watch();
  for (int i = 0; i < 2'000; ++i) // more than it reads at once
    write("file-with-a-name-" + std::to_string(i));
  write("1.log");
  EXPECT_TRUE(x.changed(is_log));
  EXPECT_FALSE(x.changed(is_log));
}

TEST_F(folder_watch_test, tells_of_the_folder_s_end) {
  auto x = watch();
  fs::remove_all(folder.path());
  EXPECT_TRUE(x.changed(is_log));
}

TEST_F(folder_watch_test, names_the_folder_that_is_not_there) {
  auto x = folder_watch::begin((folder.path() / "none").string());
  ASSERT_FALSE(x);
  EXPECT_THAT(message_of(x.error()), HasSubstr("none: No such file"));
}

} // namespace
} // namespace sluice
