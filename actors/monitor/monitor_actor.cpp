#include "actors/monitor/monitor_actor.hpp"

#include <spdlog/logger.h>

namespace sluice {

void monitor_state::start(const metrics_settings& settings, std::shared_ptr<node_log> to) {
  metrics.emplace(settings);
  log = std::move(to);
  if (log && log->requests())
    lines.emplace(log->format());
}

uint32_t monitor_state::take(const loop_report& x, steady_time now) {
  metrics->add(x, now);
  if (lines && !x.requests.empty()) {
    batch.clear();
    for (const auto& request : x.requests)
      lines->append(request, batch);
    log->requests()->log(spdlog::level::info, spdlog::string_view_t{batch.data(), batch.size()});
  }
  return static_cast<uint32_t>(x.requests.size());
}

std::string monitor_state::text(steady_time now, wall_time wall) {
  return metrics->text({now, wall, read_process_stats(), log ? log->lines_dropped() : 0});
}

monitor_actor::behavior_type monitor(monitor_actor::stateful_pointer<monitor_state> self,
                                     const metrics_settings& settings,
                                     std::shared_ptr<node_log> log) {
  self->state.start(settings, std::move(log));
  return {
      [self](const loop_report& x) -> uint32_t { return self->state.take(x, self->clock().now()); },
      [self](const upstream_report& x) { self->state.metrics->add(x); },
      [self](const merge_report& x) { self->state.metrics->add(x); },
      [self](const cache_report& x) { self->state.metrics->add(x); },
      [self](const keeper_report& x) { self->state.metrics->add(x); },
      [self](const ledger_report& x) { self->state.metrics->add(x); },
      [self](const batch_report& x) { self->state.metrics->add(x, self->clock().now()); },
      [self](const jobs_report& x) { self->state.metrics->add(x); },
      [self](const metrics_query&) -> std::string {
        // The wall clock only names the day that `daily_cost` belongs to.
        return self->state.text(self->clock().now(), std::chrono::system_clock::now());
      },
  };
}

} // namespace sluice
