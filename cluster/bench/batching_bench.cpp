#include "cluster/bench/batching_bench.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <array>

namespace sluice {

namespace {

/// The pairs that the adjuster has to beat.
constexpr std::array<uint32_t, 4> fixed_sizes{1, 8, 16, 32};
constexpr std::array fixed_waits{std::chrono::milliseconds{0}, std::chrono::milliseconds{80}};

std::string name_of(const batching_comparison& x) {
  if (x.rate > 0)
    return fmt::format("open loop, {:g} req/s", x.rate);
  return fmt::format("closed loop, {:.0f} % near-duplicates", x.duplicates * 100);
}

caf::error compare(batching_comparison& x, batching_load load,
                   const batching_bench_options& options) {
  load.warm_up = load.requests / options.warm_up_part;
  auto run = [&](batching_result& into) -> caf::error {
    auto result = play(load, options.upstream);
    if (!result)
      return result.error();
    into = *result;
    return caf::none;
  };
  if (auto error = run(x.direct))
    return error;
  load.batching.emplace();
  if (auto error = run(x.batched))
    return error;
  for (auto size : fixed_sizes)
    for (auto wait : fixed_waits) {
      load.batching = adjuster_settings{};
      load.batching->fixed = true;
      load.batching->size_max = size;
      load.batching->wait_max = wait;
      batching_result result;
      if (auto error = run(result))
        return error;
      if (x.best_size > 0 && result.mean_ms >= x.best_fixed.mean_ms)
        continue;
      x.best_fixed = result;
      x.best_size = size;
      x.best_wait = wait;
    }
  return caf::none;
}

double change(double to, double from) {
  return from > 0 ? to / from - 1 : 0;
}

nlohmann::ordered_json json_of(const batching_result& x) {
  return {{"requests", x.requests},
          {"rps", x.requests_per_s},
          {"mean_ms", x.mean_ms},
          {"p50_ms", x.p50_ms},
          {"p99_ms", x.p99_ms},
          {"calls", x.calls},
          {"calls_per_request", x.calls_per_request},
          {"batch_size_mean", x.batch_size_mean},
          {"merged_share", x.merged_share},
          {"bill_nanousd", x.bill.value},
          {"failed", x.failed}};
}

nlohmann::ordered_json json_of(const batching_comparison& x) {
  nlohmann::ordered_json result;
  if (x.rate > 0) {
    result["rate"] = x.rate;
  } else {
    result["duplicates"] = x.duplicates;
    result["direct_rps"] = x.direct.requests_per_s;
    result["batched_rps"] = x.batched.requests_per_s;
    result["mean_latency_change"] = change(x.batched.mean_ms, x.direct.mean_ms);
    result["calls_per_request"] = x.batched.calls_per_request;
  }
  result["direct_mean_ms"] = x.direct.mean_ms;
  result["batched_mean_ms"] = x.batched.mean_ms;
  result["direct_p99_ms"] = x.direct.p99_ms;
  result["batched_p99_ms"] = x.batched.p99_ms;
  result["best_fixed_mean_ms"] = x.best_fixed.mean_ms;
  result["best_fixed"] = {{"size", x.best_size}, {"wait_ms", x.best_wait.count()}};
  result["cost_change"] =
      change(static_cast<double>(x.batched.calls), static_cast<double>(x.direct.calls));
  result["direct"] = json_of(x.direct);
  result["batched"] = json_of(x.batched);
  return result;
}

void append_row(std::string& out, std::string_view who, const batching_result& x) {
  fmt::format_to(std::back_inserter(out),
                 "  {:<18}{:>9.2f}{:>12.1f}{:>12.1f}{:>12.1f}{:>8}{:>8.1f}{:>8.1f} %\n", who,
                 x.requests_per_s, x.mean_ms, x.p50_ms, x.p99_ms, x.calls, x.batch_size_mean,
                 x.merged_share * 100);
}

void append(std::string& out, const batching_comparison& x) {
  out += name_of(x) + "\n";
  append_row(out, "direct", x.direct);
  append_row(out, "batched", x.batched);
  append_row(out, fmt::format("best fixed {}/{}", x.best_size, x.best_wait.count()), x.best_fixed);
  fmt::format_to(
      std::back_inserter(out),
      "  batched against direct: throughput {:+.1f} %, mean latency {:+.1f} %, p99 {:+.1f} "
      "%, cost by the call {:+.1f} %; mean against best fixed {:+.1f} %\n\n",
      100 * change(x.batched.requests_per_s, x.direct.requests_per_s),
      100 * change(x.batched.mean_ms, x.direct.mean_ms),
      100 * change(x.batched.p99_ms, x.direct.p99_ms),
      100 * change(static_cast<double>(x.batched.calls), static_cast<double>(x.direct.calls)),
      100 * change(x.batched.mean_ms, x.best_fixed.mean_ms));
}

} // namespace

caf::expected<batching_report>
run_batching_bench(const batching_bench_options& options,
                   const std::function<void(const std::string&)>& say) {
  batching_report result;
  for (auto share : options.duplicates) {
    batching_comparison x;
    x.duplicates = share;
    say(name_of(x));
    batching_load load;
    load.clients = options.clients;
    load.requests = options.closed_requests;
    load.duplicates = share;
    load.seed = options.seed;
    if (auto error = compare(x, load, options))
      return error;
    result.closed.push_back(std::move(x));
  }
  for (auto rate : options.rates) {
    batching_comparison x;
    x.rate = rate;
    say(name_of(x));
    batching_load load;
    load.rate = rate;
    load.requests = options.open_requests;
    load.seed = options.seed;
    if (auto error = compare(x, load, options))
      return error;
    result.open.push_back(std::move(x));
  }
  return result;
}

std::string to_text(const batching_report& x, const batching_bench_options& options) {
  auto base = static_cast<double>(options.upstream.base.count()) / 1e3;
  auto per_prompt = static_cast<double>(options.upstream.per_prompt.count()) / 1e3;
  auto out = fmt::format(
      "One upstream, one call at a time, T(n) = {:.1f} + {:.1f} n ms; {} clients "
      "in the closed loop, Poisson arrivals in the open one; simulated time, warmed up.\n"
      "Published: direct 3.15 req/s, batched 13.02 req/s (+312.9 %), latency "
      "-35.8 %, cost -87.5 %.\n\n  {:<18}{:>9}{:>12}{:>12}{:>12}{:>8}{:>8}{:>10}\n",
      base, per_prompt, options.clients, "", "req/s", "mean ms", "p50 ms", "p99 ms", "calls",
      "size", "merged");
  for (auto& each : x.closed)
    append(out, each);
  for (auto& each : x.open)
    append(out, each);
  return out;
}

std::string to_json(const batching_report& x, const batching_bench_options& options) {
  nlohmann::ordered_json result;
  result["upstream"] = {
      {"base_ms", static_cast<double>(options.upstream.base.count()) / 1e3},
      {"per_prompt_ms", static_cast<double>(options.upstream.per_prompt.count()) / 1e3},
      {"slots", 1}};
  result["clients"] = options.clients;
  result["seed"] = options.seed;
  result["closed"] = nlohmann::ordered_json::array();
  for (auto& each : x.closed)
    result["closed"].push_back(json_of(each));
  result["open"] = nlohmann::ordered_json::array();
  for (auto& each : x.open)
    result["open"].push_back(json_of(each));
  return result.dump(2) + "\n";
}

} // namespace sluice
