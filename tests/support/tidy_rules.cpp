#include "tests/support/tidy_rules.hpp"

#include <algorithm>
#include <cctype>
#include <initializer_list>
#include <sstream>
#include <string_view>

namespace sluice::test {

namespace {

using texts = std::initializer_list<std::string_view>;

bool starts_with_any(std::string_view text, texts prefixes) {
  return std::ranges::any_of(prefixes, [&](auto x) { return text.starts_with(x); });
}

bool ends_with_any(std::string_view text, texts suffixes) {
  return std::ranges::any_of(suffixes, [&](auto x) { return text.ends_with(x); });
}

bool is_cpp(std::string_view path) {
  return ends_with_any(path, {".cpp", ".hpp"});
}

bool is_test(std::string_view path) {
  return path.starts_with("tests/");
}

/// The files that run actors on asio loops; the only ones below `api` that know asio.
bool is_loop(std::string_view path) {
  return starts_with_any(path, {"runtime/loop_", "runtime/io_loop"});
}

/// The rules name the words that they ban.
bool is_tidy(std::string_view path) {
  return starts_with_any(path, {"tests/tidy_test.cpp", "tests/support/tidy_rules"});
}

bool is_word_char(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) || c == '_';
}

bool has_word(std::string_view text, std::string_view word) {
  for (auto i = text.find(word); i != std::string_view::npos; i = text.find(word, i + 1)) {
    auto end = i + word.size();
    if ((i == 0 || !is_word_char(text[i - 1])) && (end == text.size() || !is_word_char(text[end])))
      return true;
  }
  return false;
}

/// `line` without its comment. A colon before the slashes is an address.
std::string_view code_of(std::string_view line) {
  for (auto i = line.find("//"); i != std::string_view::npos; i = line.find("//", i + 1))
    if (i == 0 || line[i - 1] != ':')
      return line.substr(0, i);
  return line;
}

/// The folder that a file belongs to: its capability under `actors`, otherwise its first folder.
std::string_view folder_of(std::string_view path) {
  auto slash = path.find('/');
  auto first = path.substr(0, slash);
  if (first != "actors" || slash == std::string_view::npos)
    return first;
  return path.substr(0, path.find('/', slash + 1));
}

bool may_include(std::string_view from, std::string_view to) {
  if (from == to || to == "runtime" || from == "tests")
    return true;
  return from == "cluster" && (to == "storage" || to == "api" || to.starts_with("actors/"));
}

struct library_rule {
  std::string_view prefix;
  std::string_view home;
};

constexpr library_rule libraries[] = {
    {"rocksdb/", "storage"},
    {"boost/beast", "api"},
    {"caf/io", "cluster"},
    {"caf/openssl", "cluster"},
};

struct word_rule {
  std::string_view word;
  bool (*applies)(std::string_view path);
  std::string_view why;
};

bool is_unit_test(std::string_view path) {
  // What makes load has to keep time; what tests it need not.
  return is_test(path) && (!path.starts_with("tests/bench/") || path.ends_with("_test.cpp"));
}

bool is_off_loop(std::string_view path) {
  return !is_test(path) && !is_loop(path) && !starts_with_any(path, {"api/http/", "api/gateway/"});
}

bool is_decision(std::string_view path) {
  return path.starts_with("actors/") && path.find("_actor.") == std::string_view::npos;
}

bool is_product(std::string_view path) {
  return !is_test(path) && !path.starts_with("cluster/");
}

bool is_money(std::string_view path) {
  if (is_test(path))
    return false;
  auto name = path.substr(path.rfind('/') + 1);
  return starts_with_any(name, {"money", "price", "ledger", "cost", "nanousd"});
}

bool is_anywhere(std::string_view) {
  return true;
}

constexpr word_rule banned_words[] = {
    {"sleep_for", is_unit_test, "a test never sleeps to wait for something"},
    {"sleep_until", is_unit_test, "a test never sleeps to wait for something"},
    {"usleep", is_unit_test, "a test never sleeps to wait for something"},
    {"nanosleep", is_unit_test, "a test never sleeps to wait for something"},
    {"caf::infinite", is_off_loop, "only a loop's own deadline may watch a request"},
    {"steady_clock::now", is_decision, "the clock is an argument of a decision"},
    {"system_clock::now", is_decision, "the clock is an argument of a decision"},
    {"std::cout", is_product, "only the command line prints"},
    {"float", is_money, "money is never a floating-point number"},
    {"double", is_money, "money is never a floating-point number"},
    {"using namespace std;", is_anywhere, "names come from where they are"},
};

class checker {
public:
  explicit checker(const source_file& file) : file_(file) {}

  std::vector<std::string> run() {
    check_length();
    if (file_.path.ends_with(".hpp") && file_.text.find("#pragma once\n") == std::string::npos)
      complain("a header begins with #pragma once");
    if (!file_.text.empty() && file_.text.back() != '\n')
      complain("the last line has no end");
    std::istringstream in(file_.text);
    for (std::string line; std::getline(in, line);) {
      ++line_;
      check_line(line);
    }
    return std::move(complaints_);
  }

private:
  void complain(std::string_view what) {
    complaints_.push_back(file_.path + ":" + std::to_string(line_) + ": " + std::string{what});
  }

  void check_length() {
    if (ends_with_any(file_.path, {".cpp", ".hpp", ".py", ".cmake"}) &&
        line_count(file_.text) > file_lines_max)
      complain("more than " + std::to_string(file_lines_max) + " lines");
  }

  void check_line(std::string_view line) {
    if (ends_with_any(line, {" ", "\t", "\r"}))
      complain("blanks at the end of the line");
    if (is_tidy(file_.path))
      return;
    for (auto word : {"TODO", "FIXME", "XXX"})
      if (has_word(line, word))
        complain(std::string{word} + ": do it, or open an issue");
    if (!is_cpp(file_.path))
      return;
    check_lint_exception(line);
    auto code = code_of(line);
    for (const auto& rule : banned_words)
      if (rule.applies(file_.path) && has_word(code, rule.word))
        complain(std::string{rule.word} + ": " + std::string{rule.why});
    check_include(code);
  }

  void check_lint_exception(std::string_view line) {
    auto place = line.find("NOLINT");
    if (place == std::string_view::npos)
      return;
    auto reason = line.find("): ", place);
    if (reason == std::string_view::npos || line.size() < reason + 10)
      complain("NOLINT says which check and why: NOLINT(check): reason");
  }

  void check_include(std::string_view code) {
    constexpr std::string_view directive = "#include ";
    if (!code.starts_with(directive) || code.size() < directive.size() + 2)
      return;
    auto quote = code[directive.size()];
    auto name = code.substr(directive.size() + 1);
    name = name.substr(0, name.find_first_of("\">"));
    if (quote == '"')
      check_own_include(name);
    else if (!is_test(file_.path))
      check_library_include(name);
  }

  void check_own_include(std::string_view name) {
    if (is_test(file_.path))
      return;
    if (name.find('/') == std::string_view::npos)
      complain("includes name the path from the root");
    else if (!may_include(folder_of(file_.path), folder_of(name)))
      complain(std::string{folder_of(file_.path)} + " never includes " +
               std::string{folder_of(name)});
  }

  void check_library_include(std::string_view name) {
    auto folder = folder_of(file_.path);
    for (const auto& rule : libraries)
      if (name.starts_with(rule.prefix) && folder != rule.home)
        complain("only " + std::string{rule.home} + " includes " + std::string{rule.prefix});
    if (name.starts_with("boost/asio") && folder != "api" && folder != "cluster" &&
        !is_loop(file_.path))
      complain("only api, cluster and the loop files include boost/asio");
  }

  const source_file& file_;
  size_t line_ = 0;
  std::vector<std::string> complaints_;
};

} // namespace

std::vector<std::string> tidy_complaints(const source_file& file) {
  return checker{file}.run();
}

size_t line_count(const std::string& text) {
  return static_cast<size_t>(std::ranges::count(text, '\n'));
}

} // namespace sluice::test
