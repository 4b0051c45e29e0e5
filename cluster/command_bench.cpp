#include "cluster/bench/batching_bench.hpp"
#include "cluster/commands.hpp"
#include "runtime/ec.hpp"

#include <CLI/CLI.hpp>

#include <iostream>
#include <memory>

namespace sluice {

namespace {

struct bench_arguments {
  batching_bench_options batching;
  bool json = false;
};

int bench_batching(const bench_arguments& arguments) {
  auto say = [&](const std::string& text) {
    if (!arguments.json)
      std::cerr << text << '\n';
  };
  auto report = run_batching_bench(arguments.batching, say);
  if (!report) {
    std::cerr << "sluice: " << message_of(report.error()) << '\n';
    return exit_failed;
  }
  std::cout << (arguments.json ? to_json(*report, arguments.batching)
                               : to_text(*report, arguments.batching));
  return exit_ok;
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
}

} // namespace sluice
