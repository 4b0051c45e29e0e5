#include "actors/monitor/request_metrics.hpp"

#include <prometheus/text_serializer.h>

#include <algorithm>
#include <limits>
#include <sstream>

namespace sluice {

namespace {

double seconds(std::chrono::milliseconds x) {
  return std::chrono::duration<double>(x).count();
}

/// Brings a counter to a total that is counted elsewhere.
void raise_to(prometheus::Counter& counter, double total) {
  counter.Increment(std::max(total - counter.Value(), 0.0));
}

} // namespace

request_metrics::request_metrics(const metrics_settings& settings)
    : request_families_(registry_), node_(registry_), batches_(registry_), jobs_(registry_),
      cache_(registry_), ledger_(registry_), counters_(request_families_, settings.models),
      daily_budget_(settings.daily_budget) {
  node_.build_info.Add({{"version", settings.version}}).Set(1);
  // Counters that alert rules watch must be there before the first of what they count.
  node_.accepted.Add({});
  node_.refused.Add({});
  node_.records_dropped.Add({});
}

void request_metrics::add(const loop_report& x, steady_time now) {
  loops_[x.loop] = {x.connections, x.in_flight};
  node_.accepted.Add({}).Increment(static_cast<double>(x.accepted));
  node_.refused.Add({}).Increment(static_cast<double>(x.refused));
  node_.records_dropped.Add({}).Increment(static_cast<double>(x.requests_dropped));
  for (const auto& request : x.requests) {
    counters_.add(request);
    cache_.add(request, now);
    if (!request.inference)
      continue;
    if (!request.handed_over && request.origin == request_origin::caller)
      response_time_.add(request.duration, now);
    if (request.cost.value != 0)
      spent_.add(request.cost, request.at);
  }
}

void request_metrics::add(const upstream_report& x) {
  pools_[{x.provider, x.loop}] = {x.connections_idle, x.connections_busy, x.waiting};
  prometheus::Labels by{{"provider", x.provider}};
  node_.upstream_connects.Add(by).Increment(static_cast<double>(x.connects));
  node_.upstream_connect_failures.Add(by).Increment(static_cast<double>(x.connect_failures));
  for (const auto& [deployment, available] : x.available)
    breakers_[{deployment, x.loop}] = available;
}

void request_metrics::add(const merge_report& x) {
  mergers_[x.loop] = {x.flights, x.members};
  node_.merge_calls.Add({}).Increment(static_cast<double>(x.calls));
  node_.merge_joined.Add({}).Increment(static_cast<double>(x.joined));
  node_.merge_retries.Add({}).Increment(static_cast<double>(x.retried));
}

std::string request_metrics::text(const moment& at) {
  set_node_gauges();
  set_upstream_gauges();
  set_moment(at);
  batches_.set(at.now);
  cache_.set(at.now);
  set_process(at.process);
  std::ostringstream out;
  prometheus::TextSerializer{}.Serialize(out, registry_.Collect());
  return std::move(out).str();
}

void request_metrics::set_node_gauges() {
  loop_gauges sum;
  for (const auto& [loop, x] : loops_) {
    sum.connections += x.connections;
    sum.in_flight += x.in_flight;
  }
  node_.connections.Add({}).Set(sum.connections);
  node_.in_flight.Add({}).Set(sum.in_flight);
  merge_gauges merging;
  for (const auto& [loop, x] : mergers_) {
    merging.flights += x.flights;
    merging.members += x.members;
  }
  if (!mergers_.empty()) {
    node_.merge_flights.Add({}).Set(merging.flights);
    node_.merge_members.Add({}).Set(merging.members);
  }
  raise_to(node_.series_overflow.Add({}), static_cast<double>(counters_.overflowed()));
}

void request_metrics::set_upstream_gauges() {
  std::map<std::string, pool_gauges> pools;
  for (const auto& [key, x] : pools_) {
    auto& sum = pools[key.first];
    sum.idle += x.idle;
    sum.busy += x.busy;
    sum.waiting += x.waiting;
  }
  for (const auto& [provider, x] : pools) {
    node_.upstream_connections.Add({{"provider", provider}, {"state", "idle"}}).Set(x.idle);
    node_.upstream_connections.Add({{"provider", provider}, {"state", "busy"}}).Set(x.busy);
    node_.upstream_waiting.Add({{"provider", provider}}).Set(x.waiting);
  }
  std::map<std::string, uint32_t> open;
  for (const auto& [key, available] : breakers_)
    open[key.first] += available ? 0 : 1;
  for (const auto& [deployment, loops] : open)
    node_.breakers_open.Add({{"deployment", deployment}}).Set(loops);
}

void request_metrics::set_moment(const moment& at) {
  auto mean = response_time_.mean(at.now);
  node_.average_response_time.Add({}).Set(
      mean ? std::chrono::duration<double, std::milli>(*mean).count()
           : std::numeric_limits<double>::quiet_NaN());
  node_.daily_cost.Add({}).Set(
      usd(std::max(ledger_.daily_cost(at.wall).value_or(nanousd{}), spent_.value(at.wall))));
  node_.daily_budget.Add({}).Set(usd(daily_budget_));
  raise_to(node_.log_lines_dropped.Add({}), static_cast<double>(at.log_lines_dropped));
}

void request_metrics::set_process(const process_stats& x) {
  node_.process_started.Add({}).Set(seconds(x.started_at));
  node_.process_resident.Add({}).Set(static_cast<double>(x.resident_bytes));
  node_.process_virtual.Add({}).Set(static_cast<double>(x.virtual_bytes));
  node_.process_open_fds.Add({}).Set(static_cast<double>(x.open_fds));
  node_.process_max_fds.Add({}).Set(static_cast<double>(x.max_fds));
  node_.process_threads.Add({}).Set(static_cast<double>(x.threads));
  raise_to(node_.process_cpu.Add({}), seconds(x.cpu));
}

} // namespace sluice
