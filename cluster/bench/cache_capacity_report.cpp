#include "cluster/bench/cache_capacity_bench.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace sluice {

namespace {

/// 0 where there is nothing to compare with.
double ratio(double of, double to) {
  return to > 0 ? of / to : 0;
}

nlohmann::ordered_json json_of(const level_figures& x) {
  auto p50 = quantile(x.hits, 0.5);
  auto p99 = quantile(x.hits, 0.99);
  auto reference = quantile(x.reference, 0.5);
  return {{"hit_ms", {{"p50", p50}, {"p99", p99}}},
          {"reference_ms", {{"p50", reference}, {"p99", quantile(x.reference, 0.99)}}},
          {"ratio_p50", ratio(p50, reference)}};
}

void append(std::string& out, std::string_view who, const level_figures& x,
            std::string_view reference) {
  auto p50 = quantile(x.hits, 0.5);
  auto other = quantile(x.reference, 0.5);
  fmt::format_to(
      std::back_inserter(out),
      "  {:<4} hit {:>9.2f} us p50 {:>9.2f} us p99; {}: {:.2f} and {:.2f}; {:.3g} of it\n", who,
      1e3 * p50, 1e3 * quantile(x.hits, 0.99), reference, 1e3 * other,
      1e3 * quantile(x.reference, 0.99), ratio(p50, other));
}

} // namespace

std::string to_text(const cache_capacity_report& x) {
  auto out = fmt::format("{} entries, {} vectors\n", x.entries, x.vectors);
  append(out, "L1", x.l1, "unordered_map");
  append(out, "L2", x.l2, "scan of all vectors");
  append(out, "L3", x.l3, "plain RocksDB");
  fmt::format_to(
      std::back_inserter(out),
      "  L3 miss {:.2f} us p50, {:.2f} us p99; L2 found the nearest of all in {:.2f} %\n"
      "  inserts a second: L3 {:.0f}, L2 with L3 {:.0f}; plain RocksDB {:.0f}; {:.2f} and {:.3f} "
      "of it\n"
      "  memory, MiB: {:.0f} at the start, {:.0f} with the entries, {:.0f} with the vectors "
      "({:.0f} bytes each), {:.0f} after a start\n"
      "  disk, MiB: {:.0f} of {:.0f} before compression; plain RocksDB, without questions {:.0f}\n"
      "  a start: open {:.2f} s, search for the hottest {:.2f} s, {} answers into L1 {:.2f} s, {} "
      "vectors into L2 {:.1f} s\n"
      "  a step of it {:.2f} ms p50, {:.2f} ms p99, {:.2f} ms at most\n",
      1e3 * quantile(x.misses, 0.5), 1e3 * quantile(x.misses, 0.99), 100 * x.l2_recall,
      x.l3_inserts_per_s, x.l2_inserts_per_s, x.reference_inserts_per_s,
      ratio(x.l3_inserts_per_s, x.reference_inserts_per_s),
      ratio(x.l2_inserts_per_s, x.reference_inserts_per_s), x.rss_start_mib, x.rss_entries_mib,
      x.rss_vectors_mib, x.vector_bytes, x.rss_warm_mib, x.disk_mib, x.live_mib,
      x.reference_disk_mib, x.open_s, x.search_s, x.warmed_l1, x.l1_warm_s, x.warmed_l2,
      x.l2_warm_s, quantile(x.steps, 0.5), quantile(x.steps, 0.99), quantile(x.steps, 1));
  return out;
}

std::string to_json(const cache_capacity_report& x) {
  nlohmann::ordered_json result{
      {"entries", x.entries},
      {"vectors", x.vectors},
      {"l1", json_of(x.l1)},
      {"l2", json_of(x.l2)},
      {"l3", json_of(x.l3)},
      {"miss_ms", {{"p50", quantile(x.misses, 0.5)}, {"p99", quantile(x.misses, 0.99)}}},
      {"l2_recall", x.l2_recall},
      {"inserts_per_s",
       {{"l3", x.l3_inserts_per_s},
        {"l2", x.l2_inserts_per_s},
        {"reference", x.reference_inserts_per_s},
        {"ratio_l3", ratio(x.l3_inserts_per_s, x.reference_inserts_per_s)},
        {"ratio_l2", ratio(x.l2_inserts_per_s, x.reference_inserts_per_s)}}},
      {"rss_mib",
       {{"start", x.rss_start_mib},
        {"entries", x.rss_entries_mib},
        {"vectors", x.rss_vectors_mib},
        {"after_start", x.rss_warm_mib}}},
      {"vector_bytes", x.vector_bytes},
      {"disk_mib",
       {{"live", x.live_mib}, {"all", x.disk_mib}, {"reference", x.reference_disk_mib}}},
      {"start_s",
       {{"open", x.open_s}, {"search", x.search_s}, {"l1", x.l1_warm_s}, {"l2", x.l2_warm_s}}},
      {"start_step_ms",
       {{"p50", quantile(x.steps, 0.5)},
        {"p99", quantile(x.steps, 0.99)},
        {"max", quantile(x.steps, 1)}}}};
  return result.dump(2) + "\n";
}

} // namespace sluice
