#include "actors/monitor/job_metrics.hpp"

namespace sluice {

job_metrics::job_metrics(prometheus::Registry& registry)
    : batches_(gauge(registry, "sluice_jobs_batches",
                     "Batches of /v1/batches that are not over, by status.")),
      ended_(counter(registry, "sluice_jobs_batches_ended_total",
                     "Batches of /v1/batches that ended, by status.")),
      in_work_(gauge(registry, "sluice_jobs_lines_in_work",
                     "Lines of batches under way here, and handed over to providers.")),
      lines_(counter(registry, "sluice_jobs_lines_total",
                     "Lines of batches reported, by who executed them.")),
      cost_(counter(registry, "sluice_jobs_cost_nanousd_total",
                    "What lines of batches cost, by who executed them.")),
      parts_(counter(registry, "sluice_jobs_parts_total", "Batches created at providers.")),
      taken_back_(counter(registry, "sluice_jobs_lines_taken_back_total",
                          "Lines handed over, not answered there, and executed here.")) {}

void job_metrics::add(const jobs_report& x) {
  for (auto& [status, count] : x.batches)
    batches_.Add({{"status", status}}).Set(count);
  in_work_.Add({{"way", "own"}}).Set(x.lines_under_way);
  in_work_.Add({{"way", "provider"}}).Set(x.lines_handed_over);
  for (auto& [status, count] : x.ended)
    ended_.Add({{"status", status}}).Increment(static_cast<double>(count));
  for (auto& by : x.lines) {
    lines_.Add({{"way", by.way}, {"outcome", "answered"}})
        .Increment(static_cast<double>(by.answered));
    lines_.Add({{"way", by.way}, {"outcome", "failed"}}).Increment(static_cast<double>(by.failed));
    cost_.Add({{"way", by.way}}).Increment(static_cast<double>(by.cost.value));
  }
  parts_.Add({}).Increment(static_cast<double>(x.parts_handed_over));
  taken_back_.Add({}).Increment(static_cast<double>(x.lines_taken_back));
}

} // namespace sluice
