#include "tests/support/tidy_rules.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <set>
#include <sstream>

/// Lints the tree. A rule that needs an exception gets it in `tests/support/tidy_rules.cpp`, with
/// its reason.
namespace sluice::test {
namespace {

namespace fs = std::filesystem;

const fs::path root = SLUICE_SOURCE_DIR;

const std::set<std::string> text_endings{".cpp",   ".hpp",  ".py",   ".md",  ".txt",
                                         ".cmake", ".json", ".yaml", ".yml", ".mjs"};

/// Where nothing is ours: outputs, packages and their lists, fixtures and recorded inputs.
const std::set<std::string> foreign_folders{
    "build", "data", "node_modules", "__pycache__", "fixtures", "requirements", "corpus"};

bool is_foreign(const fs::path& folder) {
  auto name = folder.filename().string();
  return name.starts_with('.') || foreign_folders.contains(name);
}

std::vector<source_file> read_tree() {
  std::vector<source_file> result;
  for (fs::recursive_directory_iterator i(root), end; i != end; ++i) {
    if (i->is_directory()) {
      if (is_foreign(i->path()))
        i.disable_recursion_pending();
      continue;
    }
    auto name = i->path().filename().string();
    if (name.starts_with('.') || !text_endings.contains(i->path().extension().string()))
      continue;
    std::ifstream in(i->path());
    auto text = (std::ostringstream{} << in.rdbuf()).str();
    result.push_back({fs::relative(i->path(), root).generic_string(), std::move(text)});
  }
  std::ranges::sort(result, {}, &source_file::path);
  return result;
}

TEST(tidy_test, the_tree_keeps_the_house_rules) {
  auto files = read_tree();
  ASSERT_GT(files.size(), 10u) << "no tree at " << root;
  for (const auto& file : files)
    for (const auto& complaint : tidy_complaints(file))
      ADD_FAILURE() << complaint;
}

TEST(tidy_test, long_files_are_named) {
  for (const auto& file : read_tree())
    if (auto lines = line_count(file.text);
        lines > file_lines_rule && (file.path.ends_with(".cpp") || file.path.ends_with(".hpp")))
      std::cout << "note: " << file.path << " has " << lines << " lines\n";
}

TEST(tidy_test, every_folder_says_what_it_is) {
  std::set<fs::path> folders;
  for (const auto& file : read_tree())
    folders.insert(fs::path{file.path}.parent_path());
  for (const auto& folder : folders) {
    // `tests/runtime` tests `runtime`: what is to say stands there.
    auto mirrored = folder.parent_path() == "tests" && fs::exists(root / folder.filename());
    EXPECT_TRUE(mirrored || fs::exists(root / folder / "README.md")) << folder;
  }
}

struct planted {
  const char* path;
  const char* text;
};

class tidy_rule_test : public testing::TestWithParam<planted> {};

TEST_P(tidy_rule_test, finds_what_was_planted) {
  auto complaints = tidy_complaints({GetParam().path, GetParam().text});
  EXPECT_EQ(complaints.size(), 1u) << GetParam().path << ": " << GetParam().text;
}

INSTANTIATE_TEST_SUITE_P(
    tidy, tidy_rule_test,
    testing::Values(planted{"runtime/x.hpp", "int x;\n"},
                    planted{"runtime/x.cpp", "#include \"actors/routing/router.hpp\"\n"},
                    planted{"actors/routing/x.cpp", "#include \"actors/monitor/y.hpp\"\n"},
                    planted{"actors/routing/x.cpp", "#include \"api/http/y.hpp\"\n"},
                    planted{"actors/routing/x.cpp", "#include \"storage/y.hpp\"\n"},
                    planted{"api/http/x.cpp", "#include \"cluster/y.hpp\"\n"},
                    planted{"api/http/x.cpp", "#include \"y.hpp\"\n"},
                    planted{"cluster/x.cpp", "#include <rocksdb/db.h>\n"},
                    planted{"cluster/x.cpp", "#include <boost/beast/http.hpp>\n"},
                    planted{"runtime/x.cpp", "#include <boost/asio/post.hpp>\n"},
                    planted{"runtime/x.cpp", "#include <caf/io/all.hpp>\n"},
                    planted{"tests/runtime/x_test.cpp", "std::this_thread::sleep_for(1s);\n"},
                    planted{"tests/bench/x_test.cpp", "::usleep(1);\n"},
                    planted{"actors/routing/x_actor.cpp", "self->request(y, caf::infinite);\n"},
                    planted{"actors/routing/x.cpp", "auto t = steady_clock::now();\n"},
                    planted{"runtime/x.cpp", "std::cout << 1;\n"},
                    planted{"runtime/money.cpp", "double x;\n"},
                    planted{"runtime/x.cpp", "int x; // TODO more\n"},
                    planted{"docs/x.md", "FIXME\n"}, planted{"runtime/x.cpp", "int x; // NOLINT\n"},
                    planted{"docs/x.md", "text \n"}, planted{"docs/x.md", "text"}));

class tidy_allowance_test : public testing::TestWithParam<planted> {};

TEST_P(tidy_allowance_test, lets_pass) {
  for (const auto& complaint : tidy_complaints({GetParam().path, GetParam().text}))
    ADD_FAILURE() << complaint;
}

INSTANTIATE_TEST_SUITE_P(
    tidy, tidy_allowance_test,
    testing::Values(
        planted{"cluster/x.cpp", "#include \"actors/monitor/y.hpp\"\n"},
        planted{"actors/routing/x.cpp", "#include \"actors/routing/y.hpp\"\n"},
        planted{"runtime/loop_actor.hpp", "#pragma once\n#include <boost/asio/io_context.hpp>\n"},
        planted{"api/http/x.cpp", "#include <boost/beast/http.hpp>\ncaf::infinite\n"},
        planted{"tests/api/x_test.cpp", "#include <boost/beast/http.hpp>\n"},
        planted{"tests/bench/load.cpp", "std::this_thread::sleep_for(1s);\n"},
        planted{"actors/routing/x_actor.cpp", "steady_clock::now();\n"},
        planted{"cluster/main.cpp", "std::cout << \"http://x\";\n"},
        planted{"runtime/money.hpp", "#pragma once\n// never a double\n"},
        planted{"runtime/x.cpp", "int x; // NOLINT(check): because it is generated\n"}));

TEST(tidy_test, a_file_at_the_limit_passes_and_one_beyond_does_not) {
  std::string text;
  for (size_t i = 0; i < file_lines_max; ++i)
    text += "\n";
  EXPECT_TRUE(tidy_complaints({"runtime/x.cpp", text}).empty());
  EXPECT_FALSE(tidy_complaints({"runtime/x.cpp", text + "\n"}).empty());
}

} // namespace
} // namespace sluice::test
