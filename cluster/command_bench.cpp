#include "cluster/bench/batching_bench.hpp"
#include "cluster/bench/cache_bench.hpp"
#include "cluster/bench/cache_capacity_bench.hpp"
#include "cluster/bench/cache_replay_rows.hpp"
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
  cache_capacity_options capacity;
  bool fill_up = false; ///< the benchmark of capacity
  cache_replay_options replay;
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

template <class Report>
int print(const caf::expected<Report>& report, bool json) {
  if (complain(report))
    return exit_failed;
  std::cout << (json ? to_json(*report) : to_text(*report));
  return exit_ok;
}

int bench_cache(bench_arguments& arguments) {
  auto say = say_unless_json(arguments.json);
  auto& [batching, cache, stream, capacity, fill_up, replay, json] = arguments;
  if (fill_up) {
    capacity.cache_size = stream.cache_size;
    return print(run_cache_capacity(capacity, say), json);
  }
  if (!replay.files.empty()) {
    replay.fill = cache.fill;
    replay.model = cache.model;
    replay.precision = cache.precision;
    replay.replay.error_rate_max = stream.error_rate_max;
    replay.replay.seed = stream.seed;
    return print(run_cache_replay(replay, say), json);
  }
  if (!stream.stream.empty()) {
    stream.model = cache.model;
    stream.precision = cache.precision;
    return print(run_cache_stream(stream, say), json);
  }
  return print(run_cache_bench(cache, say), json);
}

/// Where scripts/install_model.sh puts the encoder; SLUICE_MODEL names another place.
std::string model_default() {
  const auto* given = std::getenv("SLUICE_MODEL");
  return given ? given : "build/models/all-minilm-l6-v2";
}

/// Returns the option that chooses it, like the next one.
CLI::Option* add_capacity(CLI::App& cache, bench_arguments& arguments) {
  auto* capacity = cache.add_flag("--capacity", arguments.fill_up,
                                  "Fill all levels, look up in each and start again; wants some "
                                  "5 GB of disk for a while");
  auto& filled = arguments.capacity;
  cache.add_option("--entries", filled.entries, "Answers on the disk")
      ->needs(capacity)
      ->check(CLI::Range(uint64_t{100}, uint64_t{100'000'000}))
      ->capture_default_str();
  cache.add_option("--vectors", filled.vectors, "Of these, with a question that is compared with")
      ->needs(capacity)
      ->check(CLI::Range(uint64_t{1}, uint64_t{10'000'000}))
      ->capture_default_str();
  cache.add_option("--lookups", filled.lookups, "Of each kind")
      ->needs(capacity)
      ->check(CLI::Range(uint64_t{100}, uint64_t{100'000'000}))
      ->capture_default_str();
  cache
      .add_option("--folder", filled.folder,
                  "Where a folder is made and removed again; the "
                  "system's for temporary files where it is not said")
      ->needs(capacity);
  return capacity;
}

CLI::Option* add_replay(CLI::App& cache, bench_arguments& arguments) {
  auto& options = arguments.replay;
  auto* replay = cache.add_option("--replay", options.files,
                                  "Play would-be hits of these files to the error bound: lines {a, "
                                  "b, duplicate}; with --fill {text, label}");
  cache.add_option("--orders", options.replay.orders, "Of each kind")
      ->needs(replay)
      ->check(CLI::Range(1, 1'000))
      ->capture_default_str();
  cache.add_option("--repeat", options.replay.repeat, "How often each row comes")
      ->needs(replay)
      ->check(CLI::Range(1, 1'000))
      ->capture_default_str();
  cache.add_option("--similarity-min", options.similarity_min, "Below it nothing is judged")
      ->needs(replay)
      ->check(CLI::Range(0.0, 1.0))
      ->capture_default_str();
  cache
      .add_flag("--drift", options.replay.drift,
                "Also by turns right and wrong for a while; of several files the easy one first")
      ->needs(replay);
  cache
      .add_flag("--adversarial", options.replay.adversarial,
                "Also right until a region is trusted, and then wrong")
      ->needs(replay);
  return replay;
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
  auto* capacity = add_capacity(*cache, *arguments);
  capacity->excludes(pairs)->excludes(nearest)->excludes(stream);
  auto* replay = add_replay(*cache, *arguments);
  replay->excludes(pairs)->excludes(nearest)->excludes(stream)->excludes(capacity);
  fill->excludes(pairs);
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
