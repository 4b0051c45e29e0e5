#pragma once

#include <caf/expected.hpp>

#include <filesystem>
#include <string>
#include <vector>

namespace sluice {

/// Two questions and whether they have the same answer.
struct question_pair {
  std::string a;
  std::string b;
  bool duplicate = false;
  std::string category;
};

/// A question and the name of its answer; "oos" has none.
struct labelled_question {
  std::string text;
  std::string label;
};

/// Lines of JSON: {"a", "b", "duplicate": 0 | 1 | bool, "category"?}, or {"origin", "similar"} for
/// pairs that are duplicates. Errors: `io_failed`, and `invalid_value` naming file and line.
caf::expected<std::vector<question_pair>> read_pairs(const std::filesystem::path& file);

/// Lines of JSON: {"text", "label"}. Errors as above.
caf::expected<std::vector<labelled_question>> read_labelled(const std::filesystem::path& file);

} // namespace sluice
