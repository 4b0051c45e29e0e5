#include "cluster/batch_status.hpp"

#include "cluster/node_metrics.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace sluice {

namespace {

constexpr std::string_view prefix = "sluice_batch_";

void put(batch_status& to, const metric_sample& x) {
  static const std::map<std::string, double batch_status::*> numbers{
      {"calls_total", &batch_status::calls},
      {"requests_total", &batch_status::requests},
      {"divided_total", &batch_status::divided},
      {"overloads_total", &batch_status::overloads},
      {"reruns_total", &batch_status::reruns},
      {"waiting", &batch_status::waiting},
      {"calls_in_flight", &batch_status::in_flight},
      {"size_limit", &batch_status::size_limit},
      {"calls_limit", &batch_status::calls_limit},
      {"latency_base_seconds", &batch_status::base_s},
      {"latency_per_item_seconds", &batch_status::per_item_s}};
  if (auto found = numbers.find(x.name.substr(prefix.size())); found != numbers.end())
    to.*found->second = x.value;
  auto reason = x.labels.find("reason");
  if (reason == x.labels.end())
    return;
  if (x.name == "sluice_batch_decisions_total")
    to.decisions[reason->second] = x.value;
  else if (x.name == "sluice_batch_calls_limit_reason" && x.value == 1)
    to.calls_reason = reason->second;
}

double mean_size(const batch_status& x) {
  return x.calls > 0 ? x.requests / x.calls : 0;
}

} // namespace

std::vector<batch_status> read_batch_status(std::string_view metrics) {
  std::map<std::pair<std::string, std::string>, batch_status> found;
  for (std::string_view line; next_line(metrics, line);) {
    if (!line.starts_with(prefix))
      continue;
    auto x = read_sample(line);
    if (!x || x->labels["deployment"].empty())
      continue;
    auto& to = found[{x->labels["deployment"], x->labels["endpoint"]}];
    to.deployment = x->labels["deployment"];
    to.endpoint = x->labels["endpoint"];
    put(to, *x);
  }
  std::vector<batch_status> result;
  for (auto& [key, x] : found)
    result.push_back(std::move(x));
  return result;
}

std::string to_text(const std::vector<batch_status>& all) {
  if (all.empty())
    return "No batcher has made a call yet.\n";
  std::string out;
  for (auto& x : all) {
    fmt::format_to(std::back_inserter(out),
                   "{} {}\n  {:.0f} calls for {:.0f} requests (mean size {:.2f}), {:.0f} waiting, "
                   "{:.0f} calls under way, {:.0f} divided, {:.0f} refused as too much\n"
                   "  at most {:.0f} requests in a call and {:.0f} calls side by side ({})\n",
                   x.deployment, x.endpoint, x.calls, x.requests, mean_size(x), x.waiting,
                   x.in_flight, x.divided, x.overloads, x.size_limit, x.calls_limit,
                   x.calls_reason);
    if (x.reruns > 0)
      fmt::format_to(std::back_inserter(out), "  {:.0f} asked again alone\n", x.reruns);
    if (x.base_s + x.per_item_s > 0)
      fmt::format_to(std::back_inserter(out), "  T(n) = {:.2f} + {:.2f} n ms\n", x.base_s * 1e3,
                     x.per_item_s * 1e3);
    for (auto& [reason, count] : x.decisions)
      fmt::format_to(std::back_inserter(out), "  {:>8.0f}  {}\n", count, reason);
  }
  return out;
}

std::string to_json(const std::vector<batch_status>& all) {
  auto result = nlohmann::ordered_json::array();
  for (auto& x : all) {
    nlohmann::ordered_json each{{"deployment", x.deployment},
                                {"endpoint", x.endpoint},
                                {"calls", x.calls},
                                {"requests", x.requests},
                                {"mean_size", mean_size(x)},
                                {"waiting", x.waiting},
                                {"calls_in_flight", x.in_flight},
                                {"divided", x.divided},
                                {"overloads", x.overloads},
                                {"reruns", x.reruns},
                                {"size_limit", x.size_limit},
                                {"calls_limit", x.calls_limit},
                                {"calls_limit_reason", x.calls_reason},
                                {"base_ms", x.base_s * 1e3},
                                {"per_item_ms", x.per_item_s * 1e3},
                                {"decisions", x.decisions}};
    result.push_back(std::move(each));
  }
  return result.dump(2) + "\n";
}

} // namespace sluice
