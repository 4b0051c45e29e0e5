#pragma once

#include "actors/monitor/batch_metrics.hpp"
#include "actors/monitor/cache_metrics.hpp"
#include "actors/monitor/job_metrics.hpp"
#include "actors/monitor/metric_families.hpp"
#include "actors/monitor/process_stats.hpp"
#include "actors/monitor/recent_average.hpp"
#include "actors/monitor/request_counters.hpp"
#include "actors/monitor/spend_metrics.hpp"
#include "runtime/day_sum.hpp"
#include "runtime/messages.hpp"

#include <map>
#include <string>
#include <utility>
#include <vector>

namespace sluice {

struct metrics_settings {
  std::string version;             ///< of the program
  std::vector<std::string> models; ///< that callers may name; others are counted as "other"
  nanousd daily_budget;
};

/// All metrics of a node. Not thread-safe, knows no clock and no actor.
class request_metrics {
public:
  explicit request_metrics(const metrics_settings& settings);

  void add(const loop_report& x, steady_time now);
  void add(const upstream_report& x);
  void add(const merge_report& x);
  void add(const batch_report& x, steady_time now) { batches_.add(x, now); }
  void add(const jobs_report& x) { jobs_.add(x); }
  void add(const cache_report& x) { cache_.add(x); }
  void add(const keeper_report& x) { cache_.add(x); }
  void add(const ledger_report& x) { ledger_.add(x); }

  /// What is only known when somebody asks.
  struct moment {
    steady_time now;
    wall_time wall;
    process_stats process;
    uint64_t log_lines_dropped = 0; ///< since the start
  };
  /// Prometheus text format 0.0.4.
  std::string text(const moment& at);

private:
  struct loop_gauges {
    uint32_t connections = 0;
    uint32_t in_flight = 0;
  };
  struct merge_gauges {
    uint32_t flights = 0;
    uint32_t members = 0;
  };
  struct pool_gauges {
    uint32_t idle = 0;
    uint32_t busy = 0;
    uint32_t waiting = 0;
  };

  void set_node_gauges();
  void set_upstream_gauges();
  void set_moment(const moment& at);
  void set_process(const process_stats& x);

  prometheus::Registry registry_;
  request_families request_families_;
  node_families node_;
  batch_metrics batches_;
  job_metrics jobs_;
  cache_metrics cache_;
  spend_metrics ledger_;
  request_counters counters_;
  recent_average response_time_;
  day_sum spent_;
  nanousd daily_budget_;
  std::map<uint32_t, loop_gauges> loops_;
  std::map<uint32_t, merge_gauges> mergers_;
  /// By provider and loop.
  std::map<std::pair<std::string, uint32_t>, pool_gauges> pools_;
  /// By deployment and loop: whether the breaker lets calls through.
  std::map<std::pair<std::string, uint32_t>, bool> breakers_;
};

} // namespace sluice
