#pragma once

#include "runtime/log.hpp"
#include "runtime/messages.hpp"
#include "runtime/timestamp.hpp"

#include <string>

namespace sluice {

/// Writes request records as log lines, for people (console) or for machines (one JSON object).
/// What a record does not know is left out. Every string is clipped and escaped, so that a caller
/// cannot forge a line. Not thread-safe.
class request_log {
public:
  explicit request_log(log_format format) : format_(format) {}

  /// Appends one line with its end to `out`.
  void append(const request_record& x, std::string& out);

private:
  void append_console(const request_record& x, std::string& out);
  void append_json(const request_record& x, std::string& out);

  log_format format_;
  timestamp_writer time_;
};

} // namespace sluice
