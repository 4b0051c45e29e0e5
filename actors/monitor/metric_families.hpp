#pragma once

#include "runtime/money.hpp"

#include <prometheus/counter.h>
#include <prometheus/family.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>

/// Names, helps and buckets of every metric; `docs/metrics.md` explains them. Names and buckets
/// `gen_ai_*` are OpenTelemetry's GenAI conventions in Prometheus spelling.
namespace sluice {

/// The only place where money becomes a floating-point number: a gauge that people read.
inline double usd(nanousd x) {
  return static_cast<double>(x.value) / 1e9;
}

using counter_family = prometheus::Family<prometheus::Counter>;
using gauge_family = prometheus::Family<prometheus::Gauge>;
using histogram_family = prometheus::Family<prometheus::Histogram>;

/// A family without series yet.
counter_family& counter(prometheus::Registry& to, const char* name, const char* help);
gauge_family& gauge(prometheus::Registry& to, const char* name, const char* help);

/// Seconds; from a cached answer to the default deadline of a request.
extern const prometheus::Histogram::BucketBoundaries duration_buckets;
/// Seconds; fine where the goal lies: at most 300 µs added at the 99th percentile.
extern const prometheus::Histogram::BucketBoundaries overhead_buckets;
/// Advised by the conventions for each of these.
extern const prometheus::Histogram::BucketBoundaries gen_ai_duration_buckets;
extern const prometheus::Histogram::BucketBoundaries gen_ai_token_buckets;
extern const prometheus::Histogram::BucketBoundaries gen_ai_first_token_buckets;
extern const prometheus::Histogram::BucketBoundaries gen_ai_per_token_buckets;

/// What each request adds to.
struct request_families {
  explicit request_families(prometheus::Registry& registry);

  counter_family& requests;
  histogram_family& duration;
  histogram_family& overhead;
  counter_family& attempts;
  counter_family& retries;
  counter_family& fallbacks;
  counter_family& chunks;
  counter_family& request_bytes;
  counter_family& response_bytes;
  counter_family& usage_unknown;
  counter_family& tokens;
  counter_family& cost;
  counter_family& merged;
  counter_family& packed;
  counter_family& pack_saved_tokens;
  counter_family& pack_lost_tokens;
  counter_family& pack_saved_calls;
  counter_family& pack_reruns;
  counter_family& distribution;
  histogram_family& server_duration;
  histogram_family& server_first_token;
  histogram_family& server_per_token;
  histogram_family& client_duration;
  histogram_family& client_tokens;
};

/// What is told about the node, its loops and its upstreams.
struct node_families {
  explicit node_families(prometheus::Registry& registry);

  gauge_family& build_info;
  counter_family& accepted;
  counter_family& refused;
  counter_family& records_dropped;
  counter_family& log_lines_dropped;
  counter_family& series_overflow;
  gauge_family& connections;
  gauge_family& in_flight;
  gauge_family& upstream_connections;
  gauge_family& upstream_waiting;
  counter_family& upstream_connects;
  counter_family& upstream_connect_failures;
  gauge_family& breakers_open;
  gauge_family& merge_flights;
  gauge_family& merge_members;
  counter_family& merge_calls;
  counter_family& merge_joined;
  counter_family& merge_retries;
  gauge_family& average_response_time;
  gauge_family& daily_cost;
  gauge_family& daily_budget;
  gauge_family& process_started;
  gauge_family& process_resident;
  gauge_family& process_virtual;
  gauge_family& process_open_fds;
  gauge_family& process_max_fds;
  gauge_family& process_threads;
  counter_family& process_cpu;
};

} // namespace sluice
