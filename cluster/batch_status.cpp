#include "cluster/batch_status.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <cstdlib>
#include <optional>

namespace sluice {

namespace {

constexpr std::string_view prefix = "sluice_batch_";

struct sample {
  std::string name;
  std::map<std::string, std::string> labels;
  double value = 0;
};

/// One line of the text format: name{label="text",…} value. Escapes in label values are as in JSON
/// as far as the format has them.
std::optional<sample> read_sample(std::string_view line) {
  sample result;
  auto brace = line.find('{');
  if (!line.starts_with(prefix) || brace == std::string_view::npos)
    return std::nullopt;
  result.name = line.substr(prefix.size(), brace - prefix.size());
  auto at = brace + 1;
  while (at < line.size() && line[at] != '}') {
    auto equals = line.find("=\"", at);
    if (equals == std::string_view::npos)
      return std::nullopt;
    auto& value = result.labels[std::string{line.substr(at, equals - at)}];
    for (at = equals + 2; at < line.size() && line[at] != '"'; ++at) {
      if (line[at] == '\\' && at + 1 < line.size())
        ++at;
      value.push_back(line[at]);
    }
    at += at + 1 < line.size() && line[at + 1] == ',' ? 2 : 1;
  }
  if (at + 1 >= line.size())
    return std::nullopt;
  result.value = std::strtod(std::string{line.substr(at + 1)}.c_str(), nullptr);
  return result;
}

void put(batch_status& to, const sample& x) {
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
  if (auto found = numbers.find(x.name); found != numbers.end())
    to.*found->second = x.value;
  auto reason = x.labels.find("reason");
  if (reason == x.labels.end())
    return;
  if (x.name == "decisions_total")
    to.decisions[reason->second] = x.value;
  else if (x.name == "calls_limit_reason" && x.value == 1)
    to.calls_reason = reason->second;
}

double mean_size(const batch_status& x) {
  return x.calls > 0 ? x.requests / x.calls : 0;
}

} // namespace

std::vector<batch_status> read_batch_status(std::string_view metrics) {
  std::map<std::pair<std::string, std::string>, batch_status> found;
  while (!metrics.empty()) {
    auto end = std::min(metrics.find('\n'), metrics.size());
    auto x = read_sample(metrics.substr(0, end));
    metrics.remove_prefix(std::min(end + 1, metrics.size()));
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
