#pragma once

#include "actors/jobs/job_records.hpp"
#include "runtime/catalogue.hpp"

#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace sluice {

/// What the lines of a batch are held against.
struct line_rules {
  endpoint kind = endpoint::chat_completions;
  std::vector<std::string> models; ///< that the key may use; empty for all
  catalogue_ptr known;
};

/// A line, or what is wrong with it. `error.line` is left to who counts lines.
struct line_reading {
  job_line line;
  std::optional<batch_error> error;
};

/// Reads lines of an input file:
/// `{"custom_id": "a", "method": "POST", "url": "/v1/chat/completions", "body": {"model": …}}`.
/// Keeps its parsers' memory between lines.
class line_reader {
public:
  line_reader();
  ~line_reader();

  line_reading read(std::string_view text, const line_rules& rules);

private:
  struct parsers;
  std::unique_ptr<parsers> parsers_;
};

/// `line.body` with `model` in place of the model's name; every other byte as it came.
std::string body_for(const job_line& line, std::string_view model);

} // namespace sluice
