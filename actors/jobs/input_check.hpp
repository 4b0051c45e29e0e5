#pragma once

#include "actors/jobs/job_line.hpp"

#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

namespace sluice {

struct input_limits {
  uint32_t lines_max = 0;
  uint64_t line_bytes_max = 0;
};

/// Reads an input file piece by piece: finds its lines, checks each, and returns them as records.
/// Empty lines are passed over.
class input_check {
public:
  input_check(std::string batch, line_rules rules, input_limits limits);

  /// The next piece of the file. Returns the lines that are whole, as changes of the store; none
  /// after the first mistake, for the batch has failed by then.
  store_changes feed(std::string_view piece);

  /// What the file ends with, if its last line has no end.
  store_changes finish();

  /// What is wrong; complete after `finish`, and never more than a person reads.
  const std::vector<batch_error>& errors() const { return errors_; }
  uint32_t lines() const { return lines_; }
  /// Nothing that follows would be looked at.
  bool given_up() const { return given_up_; }

private:
  void take(std::string_view text, store_changes& into);
  void complain(batch_error x);

  std::string batch_;
  line_rules rules_;
  input_limits limits_;
  line_reader reader_;
  std::string rest_; ///< of the last piece: the beginning of a line
  std::unordered_set<std::string> custom_ids_;
  std::vector<batch_error> errors_;
  uint32_t lines_ = 0;
  int64_t line_ = 0; ///< of the file, from 1
  bool given_up_ = false;
};

} // namespace sluice
