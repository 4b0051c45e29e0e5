#include "actors/monitor/monitor_actor.hpp"
#include "tests/support/sample_record.hpp"

#include <benchmark/benchmark.h>

#include <cstdio>
#include <cstdlib>
#include <vector>

/// What a request costs in the monitor: the budget is 2 µs, for 28,000 requests a second on one
/// core must leave the core to the requests.
namespace sluice {
namespace {

/// A report as a busy loop sends it: 256 records of ten models, one in sixteen an error.
loop_report busy_report() {
  loop_report result;
  for (size_t i = 0; i < 256; ++i) {
    auto x = test::sample_record();
    x.model += std::to_string(i % 10);
    x.upstream_model += std::to_string(i % 10);
    x.request_id = "req_01890a5d-ac96-774b-bcce-" + std::to_string(100'000'000'000 + i);
    x.at += std::chrono::microseconds{35 * i};
    if (i % 16 == 0) {
      x.status = 502;
      x.error = ec::upstream_failed;
    }
    result.requests.push_back(std::move(x));
  }
  return result;
}

void count_per_record(benchmark::State& state, size_t records) {
  state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(records));
}

void bench_metrics(benchmark::State& state) {
  request_metrics metrics{{"bench", {}, {}}};
  auto report = busy_report();
  steady_time now{};
  for (auto _ : state)
    metrics.add(report, now);
  count_per_record(state, report.requests.size());
}
BENCHMARK(bench_metrics);

void bench_format(benchmark::State& state, log_format format) {
  request_log log{format};
  auto report = busy_report();
  std::string out;
  for (auto _ : state) {
    out.clear();
    for (const auto& x : report.requests)
      log.append(x, out);
    benchmark::DoNotOptimize(out.data());
  }
  count_per_record(state, report.requests.size());
}
BENCHMARK_CAPTURE(bench_format, json, log_format::json);
BENCHMARK_CAPTURE(bench_format, console, log_format::console);

/// All of it, written to the file that SLUICE_BENCH_LOG names; /dev/null without it.
void bench_take(benchmark::State& state, const char* format) {
  log_settings settings;
  settings.format = format;
  auto path = std::getenv("SLUICE_BENCH_LOG");
  settings.file = path ? path : "/dev/null";
  monitor_state monitor;
  monitor.start({"bench", {}, {}}, *node_log::open(settings));
  auto report = busy_report();
  steady_time now{};
  for (auto _ : state)
    benchmark::DoNotOptimize(monitor.take(report, now));
  count_per_record(state, report.requests.size());
}
BENCHMARK_CAPTURE(bench_take, json, "json");
BENCHMARK_CAPTURE(bench_take, console, "console");

void bench_scrape(benchmark::State& state) {
  request_metrics metrics{{"bench", {}, {}}};
  metrics.add(busy_report(), {});
  for (auto _ : state)
    benchmark::DoNotOptimize(metrics.text({}));
}
BENCHMARK(bench_scrape);

} // namespace
} // namespace sluice

BENCHMARK_MAIN();
