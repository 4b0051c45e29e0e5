#include "actors/monitor/batch_metrics.hpp"

#include <cmath>
#include <limits>

namespace sluice {

namespace {

/// Over which `batch_throughput` is an average: the alert on it watches five minutes.
constexpr double memory_s = 60;

} // namespace

batch_metrics::batch_metrics(prometheus::Registry& registry)
    : throughput_(gauge(registry, "batch_throughput",
                        "Requests a second that went to upstreams through batchers, over the last "
                        "minute.")),
      calls_(counter(registry, "sluice_batch_calls_total", "Upstream calls made by batchers.")),
      requests_(counter(registry, "sluice_batch_requests_total", "Requests in those calls.")),
      divided_(counter(registry, "sluice_batch_divided_total",
                       "Calls refused for one of their requests and sent again in halves.")),
      overloads_(counter(registry, "sluice_batch_overloads_total",
                         "Calls that the upstream had no room for.")),
      reruns_(counter(registry, "sluice_batch_reruns_total",
                      "Requests asked again alone, as a packed call gave them no valid answer.")),
      decisions_(counter(registry, "sluice_batch_decisions_total",
                         "Calls begun, by the adjuster's reason for that moment.")),
      waiting_(gauge(registry, "sluice_batch_waiting", "Requests that wait for their call.")),
      in_flight_(gauge(registry, "sluice_batch_calls_in_flight", "Calls under way.")),
      size_limit_(gauge(registry, "sluice_batch_size_limit", "Requests in a call at most.")),
      calls_limit_(gauge(registry, "sluice_batch_calls_limit", "Calls side by side at most.")),
      calls_reason_(gauge(registry, "sluice_batch_calls_limit_reason",
                          "1 for the reason of that limit, 0 for the others so far.")),
      base_(
          gauge(registry, "sluice_batch_latency_base_seconds", "a of T(n) = a + b n, as learned.")),
      per_item_(gauge(registry, "sluice_batch_latency_per_item_seconds",
                      "b of T(n) = a + b n, as learned.")) {
  throughput_.Add({});
}

void batch_metrics::add(const batch_report& x, steady_time now) {
  auto endpoint = std::string{path_of(x.kind)};
  if (x.pack == packing::allowed) // beside the batcher of the same chats
    endpoint += " packed";
  prometheus::Labels by{{"deployment", x.deployment}, {"endpoint", endpoint}};
  auto count = [&](counter_family& family, uint64_t n) {
    family.Add(by).Increment(static_cast<double>(n));
  };
  count(calls_, x.calls);
  count(requests_, x.requests);
  count(divided_, x.divided);
  count(overloads_, x.overloads);
  if (x.pack == packing::allowed)
    count(reruns_, x.reruns);
  waiting_.Add(by).Set(x.waiting);
  in_flight_.Add(by).Set(x.in_flight);
  size_limit_.Add(by).Set(x.size_limit);
  calls_limit_.Add(by).Set(x.calls_limit);
  base_.Add(by).Set(std::chrono::duration<double>(x.base).count());
  per_item_.Add(by).Set(std::chrono::duration<double>(x.per_item).count());
  auto with_reason = by;
  for (auto& [reason, n] : x.decisions) {
    with_reason["reason"] = reason;
    decisions_.Add(with_reason).Increment(static_cast<double>(n));
  }
  for (std::string_view reason : {"start", "trying more", "no slower side by side",
                                  "slower side by side", "upstream overloaded"}) {
    with_reason["reason"] = reason;
    calls_reason_.Add(with_reason).Set(reason == x.calls_reason ? 1 : 0);
  }
  recent_ = decayed(now) + static_cast<double>(x.requests);
  recent_at_ = now;
  seen_ = true;
}

double batch_metrics::decayed(steady_time now) const {
  return recent_ * std::exp(-std::chrono::duration<double>(now - recent_at_).count() / memory_s);
}

void batch_metrics::set(steady_time now) {
  // Where nothing is batched at all an alert on too little of it must not fire.
  throughput_.Add({}).Set(seen_ ? decayed(now) / memory_s
                                : std::numeric_limits<double>::quiet_NaN());
}

} // namespace sluice
