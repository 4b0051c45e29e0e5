#include "actors/monitor/metric_families.hpp"

namespace sluice {

using buckets = prometheus::Histogram::BucketBoundaries;

const buckets duration_buckets{0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1,
                               2.5,   5,     10,   30,    60,   120, 300,  600};
const buckets overhead_buckets{0.00005, 0.0001, 0.00015, 0.0002, 0.00025, 0.0003, 0.0004, 0.0005,
                               0.00075, 0.001,  0.0025,  0.005,  0.01,    0.025,  0.1,    1};
const buckets gen_ai_duration_buckets{0.01, 0.02, 0.04, 0.08,  0.16,  0.32,  0.64,
                                      1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92};
const buckets gen_ai_token_buckets{1,     4,     16,     64,      256,     1024,     4096,
                                   16384, 65536, 262144, 1048576, 4194304, 16777216, 67108864};
const buckets gen_ai_first_token_buckets{0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1,
                                         0.25,  0.5,   0.75, 1,    2.5,  5,    7.5,  10};
const buckets gen_ai_per_token_buckets{0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2,
                                       0.3,  0.4,   0.5,  0.75,  1,   2.5};

counter_family& counter(prometheus::Registry& to, const char* name, const char* help) {
  return prometheus::BuildCounter().Name(name).Help(help).Register(to);
}

gauge_family& gauge(prometheus::Registry& to, const char* name, const char* help) {
  return prometheus::BuildGauge().Name(name).Help(help).Register(to);
}

namespace {

histogram_family& histogram(prometheus::Registry& to, const char* name, const char* help) {
  return prometheus::BuildHistogram().Name(name).Help(help).Register(to);
}

} // namespace

request_families::request_families(prometheus::Registry& to)
    : requests(counter(to, "sluice_requests_total", "Requests answered or given up")),
      duration(histogram(to, "sluice_request_duration_seconds",
                         "From the last byte of the request until the last byte of the reply")),
      overhead(histogram(to, "sluice_overhead_seconds",
                         "Latency that Sluice added to answered requests: duration less the time "
                         "spent on upstreams")),
      attempts(counter(to, "sluice_upstream_attempts_total", "Calls made to upstreams")),
      retries(counter(to, "sluice_upstream_retries_total",
                      "Calls made again to a deployment that had failed")),
      fallbacks(
          counter(to, "sluice_upstream_fallbacks_total", "Deployments given up for the next one")),
      chunks(counter(to, "sluice_stream_chunks_total", "Stream events forwarded to clients")),
      request_bytes(counter(to, "sluice_request_bytes_total", "Bytes of requests")),
      response_bytes(counter(to, "sluice_response_bytes_total", "Bytes of replies")),
      usage_unknown(counter(to, "sluice_usage_unknown_total",
                            "Answered inference requests whose upstream did not tell the usage")),
      tokens(counter(to, "sluice_tokens_total", "Tokens by bucket; the buckets are disjoint")),
      cost(counter(to, "sluice_cost_nanousd_total", "Cost in nano-US-dollars")),
      merged(counter(to, "sluice_merged_requests_total",
                     "Requests answered with the upstream call of an equal request")),
      packed(counter(to, "sluice_packed_requests_total",
                     "Requests answered from a prompt that several shared")),
      pack_saved_tokens(counter(to, "sluice_pack_saved_input_tokens_total",
                                "Input tokens less than each of them alone, as estimated")),
      pack_lost_tokens(counter(to, "sluice_pack_lost_input_tokens_total",
                               "Input tokens of packed calls paid by requests that were asked "
                               "again")),
      pack_saved_calls(counter(to, "sluice_pack_saved_calls_total",
                               "Upstream calls less than each of them alone")),
      pack_reruns(counter(to, "sluice_pack_rerun_total",
                          "Requests asked again alone, as a packed call gave them no valid "
                          "answer")),
      distribution(counter(to, "model_distribution", "Requests by the model that answered")),
      server_duration(histogram(to, "gen_ai_server_request_duration_seconds",
                                "Inference requests as clients of this gateway see them")),
      server_first_token(histogram(to, "gen_ai_server_time_to_first_token_seconds",
                                   "Until the first byte of a streamed answer")),
      server_per_token(histogram(to, "gen_ai_server_time_per_output_token_seconds",
                                 "Time per output token after the first, of streamed answers")),
      client_duration(histogram(to, "gen_ai_client_operation_duration_seconds",
                                "Time spent on upstreams, retries and fallbacks included")),
      client_tokens(histogram(to, "gen_ai_client_token_usage", "Tokens of a request")) {}

node_families::node_families(prometheus::Registry& to)
    : build_info(gauge(to, "sluice_build_info", "Always 1; the version is a label")),
      accepted(counter(to, "sluice_connections_accepted_total", "Connections accepted")),
      refused(counter(to, "sluice_connections_refused_total",
                      "Connections refused because of a limit")),
      records_dropped(counter(to, "sluice_request_records_dropped_total",
                              "Requests neither counted nor logged because the monitor lagged")),
      log_lines_dropped(counter(to, "sluice_log_lines_dropped_total",
                                "Lines about the node lost because the log lagged")),
      series_overflow(counter(to, "sluice_series_overflow_total",
                              "Requests counted under \"other\" because there were too many "
                              "combinations of labels")),
      connections(gauge(to, "sluice_connections", "Client connections open")),
      in_flight(gauge(to, "sluice_requests_in_flight", "Requests in work")),
      upstream_connections(
          gauge(to, "sluice_upstream_connections", "Connections to a provider, idle or busy")),
      upstream_waiting(gauge(to, "sluice_upstream_waiting", "Calls that wait for a connection")),
      upstream_connects(counter(to, "sluice_upstream_connects_total", "Connections opened")),
      upstream_connect_failures(counter(to, "sluice_upstream_connect_failures_total",
                                        "Connections that could not be opened")),
      breakers_open(gauge(to, "sluice_upstream_breakers_open",
                          "I/O loops whose circuit breaker keeps calls from a deployment; 0 is "
                          "healthy")),
      merge_flights(
          gauge(to, "sluice_merge_flights", "Upstream calls under way that may be shared")),
      merge_members(gauge(to, "sluice_merge_members", "Requests that wait for these calls")),
      merge_calls(counter(to, "sluice_merge_calls_total", "Upstream calls made by mergers")),
      merge_joined(counter(to, "sluice_merge_joined_total",
                           "Requests that joined the call of another, answered or not")),
      merge_retries(counter(to, "sluice_merge_retries_total",
                            "Calls made again for those who had joined one that failed")),
      average_response_time(gauge(to, "avg_response_time",
                                  "Mean duration in milliseconds of inference requests of the last "
                                  "minute; NaN without any")),
      daily_cost(gauge(to, "daily_cost",
                       "US dollars spent since midnight UTC; without a ledger since the start "
                       "where that is later")),
      daily_budget(gauge(to, "daily_budget", "US dollars that may be spent a day")),
      process_started(gauge(to, "process_start_time_seconds", "Start, in Unix seconds")),
      process_resident(gauge(to, "process_resident_memory_bytes", "Resident memory")),
      process_virtual(gauge(to, "process_virtual_memory_bytes", "Virtual memory")),
      process_open_fds(gauge(to, "process_open_fds", "Open file descriptors")),
      process_max_fds(gauge(to, "process_max_fds", "Limit of open file descriptors")),
      process_threads(gauge(to, "process_threads", "Threads")),
      process_cpu(counter(to, "process_cpu_seconds_total", "User and system time")) {}

} // namespace sluice
