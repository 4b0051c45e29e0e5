#include "cluster/batch_status.hpp"
#include "cluster/commands.hpp"
#include "cluster/node_metrics.hpp"
#include "runtime/ec.hpp"

#include <CLI/CLI.hpp>

#include <iostream>
#include <memory>

namespace sluice {

namespace {

struct batch_arguments {
  std::string url = default_node_url;
  bool json = false;
};

int show_status(const batch_arguments& arguments) {
  auto metrics = fetch_metrics(arguments.url);
  if (!metrics) {
    std::cerr << "sluice: " << message_of(metrics.error()) << '\n';
    return code_of(metrics.error()) == ec::bad_argument ? exit_usage : exit_failed;
  }
  auto status = read_batch_status(*metrics);
  std::cout << (arguments.json ? to_json(status) : to_text(status));
  return exit_ok;
}

} // namespace

void add_batch(CLI::App& app, int& result) {
  auto* command = app.add_subcommand("batch", "What the batchers of a running node do");
  command->require_subcommand(1);
  auto arguments = std::make_shared<batch_arguments>();
  auto* status = command->add_subcommand(
      "status", "Size, calls side by side, learned latency and the reasons of each batcher");
  status->add_option("--url", arguments->url, "The node")->capture_default_str();
  status->add_flag("--json", arguments->json, "One JSON list in place of the text");
  status->callback([arguments, &result] { result = show_status(*arguments); });
}

} // namespace sluice
