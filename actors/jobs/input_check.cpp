#include "actors/jobs/input_check.hpp"

namespace sluice {

namespace {

/// As many as fit on a screen: a file that is wrong is usually wrong in every line.
constexpr size_t errors_max = 50;

constexpr std::string_view byte_order_mark = "\xef\xbb\xbf";

} // namespace

input_check::input_check(std::string batch, line_rules rules, input_limits limits)
    : batch_(std::move(batch)), rules_(std::move(rules)), limits_(limits) {}

void input_check::complain(batch_error x) {
  x.line = line_;
  errors_.push_back(std::move(x));
  given_up_ = given_up_ || errors_.size() >= errors_max;
}

void input_check::take(std::string_view text, store_changes& into) {
  if (given_up_)
    return;
  ++line_;
  if (line_ == 1 && text.starts_with(byte_order_mark))
    text.remove_prefix(byte_order_mark.size());
  if (text.find_first_not_of(" \t\r") == text.npos)
    return;
  if (lines_ >= limits_.lines_max) {
    given_up_ = true;
    return complain({"too_many_requests",
                     "A batch has at most " + std::to_string(limits_.lines_max) + " requests.",
                     {},
                     0});
  }
  auto reading = reader_.read(text, rules_);
  if (reading.error)
    return complain(std::move(*reading.error));
  auto number = lines_++;
  reading.line.number = number;
  if (!custom_ids_.insert(reading.line.custom_id).second)
    return complain({"duplicate_custom_id",
                     "The custom_id '" + reading.line.custom_id + "' stands in an earlier line.",
                     "custom_id", 0});
  if (errors_.empty())
    into.push_back(put(line_key(batch_, number), to_record(reading.line)));
}

store_changes input_check::feed(std::string_view piece) {
  store_changes result;
  while (!given_up_) {
    auto end = piece.find('\n');
    if (rest_.size() + std::min(end, piece.size()) > limits_.line_bytes_max) {
      ++line_;
      complain({"invalid_json_line",
                "A line has at most " + std::to_string(limits_.line_bytes_max) + " bytes.",
                {},
                0});
      given_up_ = true;
      break;
    }
    rest_.append(piece.substr(0, end));
    if (end == piece.npos)
      break;
    take(rest_, result);
    rest_.clear();
    piece.remove_prefix(end + 1);
  }
  return result;
}

store_changes input_check::finish() {
  store_changes result;
  if (!rest_.empty())
    take(rest_, result);
  rest_.clear();
  if (lines_ == 0 && errors_.empty())
    errors_.push_back({"empty_file", "The input file has no requests.", {}, 0});
  return result;
}

} // namespace sluice
