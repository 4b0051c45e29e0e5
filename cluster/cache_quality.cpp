#include "cluster/cache_quality.hpp"

#include "cluster/node_metrics.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace sluice {

namespace {

constexpr std::string_view prefix = "sluice_cache_";
constexpr std::string_view space_prefix = "sluice_cache_namespace_";

void put(namespace_quality& to, std::string_view name, metric_sample& x) {
  static const std::map<std::string_view, double namespace_quality::*> numbers{
      {"saved_nanousd", &namespace_quality::saved_nanousd},
      {"saved_tokens", &namespace_quality::saved_tokens},
      {"entries", &namespace_quality::entries},
      {"served", &namespace_quality::served},
      {"verified", &namespace_quality::verified},
      {"wrong", &namespace_quality::wrong},
      {"probability_min", &namespace_quality::probability_min},
      {"verified_share", &namespace_quality::verified_share}};
  if (auto at = numbers.find(name); at != numbers.end())
    to.*at->second = x.value;
  else if (name == "requests")
    to.requests[x.labels["level"]] = x.value;
  else if (name == "error_rate" && x.labels["of"] == "estimate")
    to.error_rate = x.value;
  else if (name == "error_rate" && x.labels["of"] == "from")
    to.error_rate_from = x.value;
  else if (name == "error_rate" && x.labels["of"] == "to")
    to.error_rate_to = x.value;
}

void put(cache_quality& to, std::string_view name, metric_sample& x) {
  static const std::map<std::string_view, double cache_quality::*> numbers{
      {"saved_nanousd_total", &cache_quality::saved_nanousd},
      {"saved_tokens_total", &cache_quality::saved_tokens},
      {"damaged_total", &cache_quality::damaged},
      {"failures_total", &cache_quality::failures}};
  static const std::map<std::string_view, std::map<std::string, double> cache_quality::*> levels{
      {"entries", &cache_quality::entries},
      {"bytes", &cache_quality::bytes},
      {"lookups_total", &cache_quality::lookups}};
  if (auto at = numbers.find(name); at != numbers.end())
    to.*at->second = x.value;
  else if (auto level = levels.find(name); level != levels.end())
    (to.*level->second)[x.labels["level"]] = x.value;
}

constexpr double usd = 1e9;

} // namespace

cache_quality read_cache_quality(std::string_view metrics) {
  cache_quality result;
  std::map<std::string, namespace_quality> spaces;
  for (std::string_view line; next_line(metrics, line);) {
    if (!line.starts_with(prefix))
      continue;
    auto x = read_sample(line);
    if (!x)
      continue;
    std::string_view name = x->name;
    if (!name.starts_with(space_prefix)) {
      put(result, name.substr(prefix.size()), *x);
      continue;
    }
    auto& to = spaces[x->labels["namespace"]];
    to.name = x->labels["namespace"];
    put(to, name.substr(space_prefix.size()), *x);
  }
  for (auto& [name, x] : spaces)
    result.namespaces.push_back(std::move(x));
  return result;
}

std::string to_text(const cache_quality& x, bool namespaces) {
  if (x.lookups.empty() && x.entries.empty())
    return "The cache is off, or nobody has asked it yet.\n";
  std::string out;
  auto to = std::back_inserter(out);
  for (auto& [level, count] : x.entries) {
    auto bytes = x.bytes.find(level);
    fmt::format_to(to, "{}: {:.0f} entries, {:.1f} MiB\n", level, count,
                   bytes == x.bytes.end() ? 0.0 : bytes->second / (1024.0 * 1024.0));
  }
  for (auto& [level, count] : x.lookups)
    fmt::format_to(to, "{:>8.0f} requests {}\n", count,
                   level == "none" ? std::string{"not answered"} : "answered by " + level);
  fmt::format_to(to, "saved {:.0f} tokens, {:.6f} USD; {:.0f} damaged, {:.0f} failures\n",
                 x.saved_tokens, x.saved_nanousd / usd, x.damaged, x.failures);
  for (auto& each : x.namespaces) {
    if (!namespaces)
      break;
    fmt::format_to(to, "\nnamespace {}\n ", each.name);
    for (auto& [level, count] : each.requests)
      fmt::format_to(to, " {} {:.0f}", level, count);
    fmt::format_to(to,
                   "\n  {:.0f} questions compared with; {:.0f} answers given by meaning\n"
                   "  {:.0f} samples verified, {:.0f} wrong; {:.1f} % of would-be hits are "
                   "verified now\n",
                   each.entries, each.served, each.verified, each.wrong, 100 * each.verified_share);
    if (each.probability_min > 1)
      fmt::format_to(to, "  nothing is given by meaning now\n");
    else
      fmt::format_to(
          to,
          "  given from a probability of {:.3f} on; error rate {:.2f} % (95 %: {:.2f} to "
          "{:.2f})\n",
          each.probability_min, 100 * each.error_rate, 100 * each.error_rate_from,
          100 * each.error_rate_to);
    fmt::format_to(to, "  saved {:.0f} tokens, {:.6f} USD\n", each.saved_tokens,
                   each.saved_nanousd / usd);
  }
  return out;
}

std::string to_json(const cache_quality& x, bool namespaces) {
  nlohmann::ordered_json result{
      {"entries", x.entries},           {"bytes", x.bytes},
      {"lookups", x.lookups},           {"saved_nanousd", x.saved_nanousd},
      {"saved_tokens", x.saved_tokens}, {"damaged", x.damaged},
      {"failures", x.failures}};
  if (!namespaces)
    return result.dump(2) + "\n";
  result["namespaces"] = nlohmann::ordered_json::array();
  for (auto& each : x.namespaces)
    result["namespaces"].push_back(nlohmann::ordered_json{
        {"namespace", each.name},
        {"requests", each.requests},
        {"entries", each.entries},
        {"served", each.served},
        {"verified", each.verified},
        {"wrong", each.wrong},
        {"error_rate", {each.error_rate, each.error_rate_from, each.error_rate_to}},
        {"probability_min", each.probability_min},
        {"verified_share", each.verified_share},
        {"saved_nanousd", each.saved_nanousd},
        {"saved_tokens", each.saved_tokens}});
  return result.dump(2) + "\n";
}

} // namespace sluice
