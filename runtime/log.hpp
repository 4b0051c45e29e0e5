#pragma once

#include "runtime/configuration.hpp"

#include <caf/expected.hpp>

#include <cstdint>
#include <memory>

namespace spdlog {
class logger;
namespace details {
class thread_pool;
} // namespace details
} // namespace spdlog

namespace sluice {

enum class log_format : uint8_t { console, json };

/// The log of a node: one sink (standard error or a file, opened for appending), two loggers.
/// Made once by the composition root, and handed down; it outlives whoever holds a logger.
///
/// `lines` is for whoever has something to say about the node. It never blocks on the disk: a line
/// goes into a small queue that a thread of its own empties, and when the queue is full the oldest
/// line makes room. Lines are redacted (`runtime/redact.hpp`) and are one line each, whatever they
/// contain.
///
/// `requests` takes finished lines, many in one message, and writes them as they are, on the
/// caller's thread, in one piece. Only the monitor has it, for it has a thread of its own.
class node_log {
public:
  /// Fails with `io_failed` where the file cannot be opened, and with `bad_configuration` for an
  /// unknown format or level.
  static caf::expected<std::shared_ptr<node_log>> open(const log_settings& settings);

  node_log(const node_log&) = delete;
  node_log& operator=(const node_log&) = delete;
  /// Writes what is queued.
  ~node_log();

  const std::shared_ptr<spdlog::logger>& lines() const { return lines_; }
  /// Null where the settings want no request lines: switched off, or a level above info.
  const std::shared_ptr<spdlog::logger>& requests() const { return requests_; }
  log_format format() const { return format_; }
  /// Lines lost so far because the queue was full. Thread-safe.
  uint64_t lines_dropped() const;

private:
  node_log() = default;

  log_format format_ = log_format::console;
  std::shared_ptr<spdlog::details::thread_pool> queue_;
  std::shared_ptr<spdlog::logger> lines_;
  std::shared_ptr<spdlog::logger> requests_;
};

} // namespace sluice
