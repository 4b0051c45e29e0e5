#pragma once

#include "api/sim/sim_run.hpp"

#include <caf/expected.hpp>

#include <functional>
#include <memory>
#include <string>

namespace sluice {

/// The line of the usage log for a call. The token counts are disjoint, as in `token_usage`.
std::string usage_log_line(const sim_plan& plan, const token_usage& used, sim_outcome outcome);

/// The file of what every call would bill. Lines are collected and written together; not
/// thread-safe.
class sim_usage_log {
public:
  /// Opens `path` for appending, so that a simulator that was started again adds to its bill. Fails
  /// with `io_failed`. `report` hears of the first write that fails; later lines are then lost.
  static caf::expected<std::unique_ptr<sim_usage_log>>
  open(const std::string& path, std::function<void(const std::string&)> report);

  sim_usage_log(const sim_usage_log&) = delete;
  sim_usage_log& operator=(const sim_usage_log&) = delete;
  /// Writes what is collected.
  ~sim_usage_log();

  /// Adds a line. True where it is the first since the last flush: then somebody has to flush.
  bool add(const std::string& line);
  void flush();

private:
  sim_usage_log(int descriptor, std::string path, std::function<void(const std::string&)> report);

  int descriptor_;
  std::string path_;
  std::function<void(const std::string&)> report_;
  std::string lines_;
  bool failed_ = false;
};

} // namespace sluice
