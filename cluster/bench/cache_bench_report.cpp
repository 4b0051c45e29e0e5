#include "cluster/bench/cache_bench.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace sluice {

namespace {

nlohmann::ordered_json json_of(const std::vector<scored_pair>& pairs, double threshold) {
  auto served = served_at(pairs, threshold);
  nlohmann::ordered_json result{
      {"auc", area_under_curve(pairs)},
      {"hit_at_1pct", hit_share_at(pairs, 0.01)},
      {"hit_at_2pct", hit_share_at(pairs, 0.02)},
      {"hit_at_5pct", hit_share_at(pairs, 0.05)},
      {"default", {{"hit_rate", served.hit_rate}, {"error_rate", served.error_rate}}}};
  for (const auto& [category, share] : wrongly_served(pairs, threshold))
    result["by_category"][category] = {{"wrongly_served", share}};
  return result;
}

void append(std::string& out, std::string_view who, const std::vector<scored_pair>& pairs,
            double threshold) {
  auto served = served_at(pairs, threshold);
  fmt::format_to(std::back_inserter(out),
                 "  {:<16}{:>8.4f}{:>9.1f} %{:>9.1f} %{:>9.1f} %{:>9.1f} %{:>9.2f} %\n", who,
                 area_under_curve(pairs), 100 * hit_share_at(pairs, 0.01),
                 100 * hit_share_at(pairs, 0.02), 100 * hit_share_at(pairs, 0.05),
                 100 * served.hit_rate, 100 * served.error_rate);
}

} // namespace

std::string to_text(const cache_bench_report& x) {
  auto out =
      fmt::format("{} rows, judged in {:.1f} us each; hits at 1, 2 and 5 % wrong, and at the "
                  "default\n"
                  "  {:<16}{:>8}{:>11}{:>11}{:>11}{:>11}{:>11}\n",
                  x.rows, x.judge_us(), "", "AUC", "1 %", "2 %", "5 %", "served", "wrong");
  append(out, "judge", x.judged, judge::threshold_default);
  append(out, "cosine 0.85", x.by_cosine, cosine_baseline);
  auto by_cosine = wrongly_served(x.by_cosine, cosine_baseline);
  for (const auto& [category, share] : wrongly_served(x.judged, judge::threshold_default))
    fmt::format_to(std::back_inserter(out), "  {}: {:.1f} % wrongly served, by cosine {:.1f} %\n",
                   category, 100 * share, 100 * by_cosine[category]);
  return out;
}

std::string to_json(const cache_bench_report& x) {
  auto result = json_of(x.judged, judge::threshold_default);
  result["rows"] = x.rows;
  result["judge_us"] = x.judge_us();
  result["threshold"] = judge::threshold_default;
  result["cosine_085"] = json_of(x.by_cosine, cosine_baseline);
  return result.dump(2) + "\n";
}

} // namespace sluice
