#include "cluster/bench/cache_bench_rows.hpp"

#include "runtime/ec.hpp"

#include <nlohmann/json.hpp>

#include <fstream>
#include <optional>

namespace sluice {

namespace {

std::optional<std::string> text_of(const nlohmann::json& row, const char* key) {
  auto i = row.find(key);
  if (i == row.end() || !i->is_string())
    return std::nullopt;
  return i->get<std::string>();
}

std::optional<bool> truth_of(const nlohmann::json& row, const char* key) {
  auto i = row.find(key);
  if (i == row.end())
    return std::nullopt;
  if (i->is_boolean())
    return i->get<bool>();
  if (i->is_number_integer() && (*i == 0 || *i == 1))
    return *i == 1;
  return std::nullopt;
}

std::optional<question_pair> pair_of(const nlohmann::json& row) {
  auto origin = text_of(row, "origin");
  auto similar = text_of(row, "similar");
  if (origin && similar)
    return question_pair{*origin, *similar, true, {}};
  auto a = text_of(row, "a");
  auto b = text_of(row, "b");
  auto duplicate = truth_of(row, "duplicate");
  if (!a || !b || !duplicate)
    return std::nullopt;
  return question_pair{*a, *b, *duplicate, text_of(row, "category").value_or("")};
}

std::optional<labelled_question> labelled_of(const nlohmann::json& row) {
  auto text = text_of(row, "text");
  auto label = text_of(row, "label");
  if (!text || !label)
    return std::nullopt;
  return labelled_question{*text, *label};
}

/// `make` turns an object into a row, or into nothing where it is none. Blank lines are skipped.
template <class Row, class Make>
caf::expected<std::vector<Row>> read_rows(const std::filesystem::path& file,
                                          const std::string& expected, Make&& make) {
  std::ifstream in(file);
  if (!in)
    return make_error(ec::io_failed, file.string() + ": cannot be read");
  std::vector<Row> result;
  std::string line;
  for (size_t number = 1; std::getline(in, line); ++number) {
    if (line.find_first_not_of(" \t\r") == std::string::npos)
      continue;
    auto json = nlohmann::json::parse(line, nullptr, false);
    auto row = json.is_object() ? make(json) : std::optional<Row>{};
    if (!row)
      return make_error(ec::invalid_value, file.string() + ":" + std::to_string(number) +
                                               ": not an object with " + expected);
    result.push_back(std::move(*row));
  }
  if (result.empty())
    return make_error(ec::invalid_value, file.string() + ": has no rows");
  return result;
}

} // namespace

caf::expected<std::vector<question_pair>> read_pairs(const std::filesystem::path& file) {
  return read_rows<question_pair>(file, "a, b and duplicate, or origin and similar", pair_of);
}

caf::expected<std::vector<labelled_question>> read_labelled(const std::filesystem::path& file) {
  return read_rows<labelled_question>(file, "text and label", labelled_of);
}

} // namespace sluice
