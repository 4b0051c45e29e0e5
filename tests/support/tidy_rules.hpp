#pragma once

#include <string>
#include <vector>

/// The house rules that a program can check, as functions of a file's path and text.
namespace sluice::test {

struct source_file {
  std::string path; ///< from the root of the repository, "runtime/ec.hpp"
  std::string text;
};

/// What is wrong with the file, one sentence each: "runtime/ec.hpp:12: …".
std::vector<std::string> tidy_complaints(const source_file& file);

/// At most; a file that is longer holds more than one thing.
inline constexpr size_t file_lines_max = 500;
/// Beyond it a file is named in the test's output: as a rule it should be shorter.
inline constexpr size_t file_lines_rule = 250;

size_t line_count(const std::string& text);

} // namespace sluice::test
