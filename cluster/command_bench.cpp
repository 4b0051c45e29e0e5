#include "cluster/bench/batching_bench.hpp"
#include "cluster/bench/cache_bench.hpp"
#include "cluster/bench/cache_stream_bench.hpp"
#include "cluster/commands.hpp"
#include "runtime/ec.hpp"

#include <CLI/CLI.hpp>

#include <cstdlib>
#include <iostream>
#include <map>
#include <memory>

namespace sluice {

namespace {

struct bench_arguments {
  batching_bench_options batching;
  cache_bench_options cache;
  cache_stream_options stream;
  bool json = false;
};

/// Progress for people; one JSON object stands alone.
auto say_unless_json(bool json) {
  return [json](const std::string& text) {
    if (!json)
      std::cerr << text << '\n';
  };
}

template <class Report>
bool complain(const caf::expected<Report>& report) {
  if (report)
    return false;
  std::cerr << "sluice: " << message_of(report.error()) << '\n';
  return true;
}

int bench_batching(const bench_arguments& arguments) {
  auto report = run_batching_bench(arguments.batching, say_unless_json(arguments.json));
  if (complain(report))
    return exit_failed;
  std::cout << (arguments.json ? to_json(*report, arguments.batching)
                               : to_text(*report, arguments.batching));
  return exit_ok;
}

int bench_stream(const bench_arguments& arguments) {
  auto report = run_cache_stream(arguments.stream, say_unless_json(arguments.json));
  if (complain(report))
    return exit_failed;
  std::cout << (arguments.json ? to_json(*report) : to_text(*report));
  return exit_ok;
}

int bench_cache(bench_arguments& arguments) {
  if (!arguments.stream.stream.empty()) {
    arguments.stream.model = arguments.cache.model;
    arguments.stream.precision = arguments.cache.precision;
    return bench_stream(arguments);
  }
  auto report = run_cache_bench(arguments.cache, say_unless_json(arguments.json));
  if (complain(report))
    return exit_failed;
  std::cout << (arguments.json ? to_json(*report) : to_text(*report));
  return exit_ok;
}

/// Where scripts/install_model.sh puts the encoder; SLUICE_MODEL names another place.
std::string model_default() {
  const auto* given = std::getenv("SLUICE_MODEL");
  return given ? given : "build/models/all-minilm-l6-v2";
}

void add_cache(CLI::App& command, const std::shared_ptr<bench_arguments>& arguments, int& result) {
  auto* cache = command.add_subcommand(
      "cache",
      "What the cache by meaning would serve, rightly and wrongly, beside similarity alone");
  auto& options = arguments->cache;
  options.model = model_default();
  auto* pairs = cache->add_option("--pairs", options.pairs, "Lines {a, b, duplicate}");
  auto* fill = cache->add_option("--fill", options.fill, "Lines {text, label} that are stored");
  auto* nearest =
      cache->add_option("--nearest", options.nearest, "Lines {text, label} that are asked");
  auto& played = arguments->stream;
  auto* stream = cache->add_option("--stream", played.stream,
                                   "high, mixed or low, drawn from --questions; or lines {text, "
                                   "label} that are asked one after the other");
  cache->add_option("--questions", played.questions, "Lines {a, b, duplicate}")->needs(stream);
  cache->add_option("--size", played.size, "Questions of a stream that is drawn")
      ->check(CLI::Range(1, 1'000'000))
      ->capture_default_str();
  cache->add_option("--seed", played.seed, "Of a stream that is drawn, and of what is verified")
      ->capture_default_str();
  cache->add_option("--cache-size", played.cache_size, "Answers in memory")->capture_default_str();
  cache->add_option("--error-rate-max", played.error_rate_max, "Of answers by meaning")
      ->check(CLI::Range(0.0, 1.0))
      ->capture_default_str();
  stream->excludes(pairs)->excludes(nearest);
  fill->needs(nearest)->excludes(pairs);
  nearest->needs(fill)->excludes(pairs);
  cache->add_flag("--json", arguments->json, "One JSON object in place of the table");
  cache->add_option("--model", options.model, "Folder of the encoder")->capture_default_str();
  cache->add_option("--precision", options.precision, "Of the encoder")
      ->transform(CLI::CheckedTransformer(std::map<std::string, encoder_precision>{
          {"fp32", encoder_precision::fp32}, {"int8", encoder_precision::int8}}));
  cache->add_option("--features", options.features, "For training: write what is weighed here");
  cache->add_option("--weights", options.weights, "For training: in place of those built in");
  cache->callback([arguments, &result] { result = bench_cache(*arguments); });
}

} // namespace

void add_bench(CLI::App& app, int& result) {
  auto* command = app.add_subcommand("bench", "Run a reference workload and print its figures");
  command->require_subcommand(1);
  auto arguments = std::make_shared<bench_arguments>();
  auto* batching = command->add_subcommand(
      "batching", "Batching and merging against direct calls, on the simulated provider and a "
                  "virtual clock");
  auto& options = arguments->batching;
  batching->add_flag("--json", arguments->json, "One JSON object in place of the tables");
  batching->add_option("--clients", options.clients, "Clients of the closed loop")
      ->check(CLI::Range(1, 1'000))
      ->capture_default_str();
  batching->add_option("--requests", options.closed_requests, "Requests of each closed loop")
      ->check(CLI::Range(100, 1'000'000))
      ->capture_default_str();
  batching->add_option("--open-requests", options.open_requests, "Requests of each open loop")
      ->check(CLI::Range(100, 1'000'000))
      ->capture_default_str();
  batching->add_option("--seed", options.seed, "Of arrivals and duplicates")->capture_default_str();
  batching->callback([arguments, &result] { result = bench_batching(*arguments); });
  add_cache(*command, arguments, result);
}

} // namespace sluice
