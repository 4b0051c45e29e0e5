#pragma once

#include "actors/monitor/request_log.hpp"
#include "actors/monitor/request_metrics.hpp"
#include "runtime/actors.hpp"
#include "runtime/log.hpp"

#include <memory>
#include <optional>
#include <string>

namespace sluice {

/// Counts and logs what the loops tell.
///
/// The composition root spawns one a node, detached: writing the request log may block, so it has a
/// thread of its own. It owns the metrics and writes the request log. Loops hold credit: each
/// `loop_report` is answered when its lines are written, so a log that blocks makes the loops drop
/// records (which is counted) instead of filling this mailbox. It asks nobody anything and keeps no
/// handle: a peer that dies only stops reporting. It stops when the composition root sends it an
/// exit message, after the loops have stopped.
struct monitor_state {
  static inline const char* name = "monitor";

  void start(const metrics_settings& settings, std::shared_ptr<node_log> to);
  uint32_t take(const loop_report& x, steady_time now);
  std::string text(steady_time now, wall_time wall);

  std::optional<request_metrics> metrics;
  std::optional<request_log> lines; ///< empty where no request lines are wanted
  std::shared_ptr<node_log> log;
  std::string batch; ///< lines of one report; keeps its memory from report to report
};

/// `log` may be null: then nothing is logged.
monitor_actor::behavior_type monitor(monitor_actor::stateful_pointer<monitor_state> self,
                                     const metrics_settings& settings,
                                     std::shared_ptr<node_log> log);

} // namespace sluice
