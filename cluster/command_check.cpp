#include "api/sim/sim_engine.hpp"
#include "api/upstream/openai_upstream.hpp"
#include "cluster/commands.hpp"
#include "runtime/configuration_file.hpp"
#include "runtime/environment.hpp"

#include <CLI/CLI.hpp>

#include <iostream>
#include <memory>
#include <optional>

namespace sluice {

namespace {

struct check_options {
  std::string config;
  bool json = false;
};

/// What only shows when the parts are made: fault rules, files of authorities. Opens and writes
/// nothing that `serve` would.
void try_parts(const configuration& config, const std::string& file,
               std::vector<mistake>& mistakes) {
  auto add = [&](std::string path, const caf::error& error) {
    mistakes.push_back({file, 0, std::move(path), message_of(error), {}});
  };
  auto simulation = config.simulation;
  simulation.usage_log.clear();
  if (auto engine = sim_engine::make(simulation); !engine)
    add("simulation.fault_rules", engine.error());
  for (auto& x : config.providers)
    if (x.kind != "simulated")
      if (auto target = make_provider_target(x, config.limits); !target)
        add("providers." + x.name, target.error());
}

int check(const check_options& options) {
  auto file = options.config.empty() ? std::nullopt : std::optional{options.config};
  auto read = load_configuration(file, process_environment());
  if (read.mistakes.empty())
    try_parts(read.config, file.value_or("environment"), read.mistakes);
  if (options.json)
    std::cout << to_json(read.mistakes) << '\n';
  else if (!read.mistakes.empty())
    std::cout << to_text(read.mistakes);
  else
    std::cout << "no mistakes: " << read.config.models.size() << " models, "
              << read.config.providers.size() << " providers, " << read.config.keys.size()
              << " keys\n";
  if (!options.json && read.mistakes.empty())
    for (auto& text : read.config.notices)
      std::cout << "note: " << text << '\n';
  return read.mistakes.empty() ? exit_ok : exit_configuration;
}

} // namespace

void add_check(CLI::App& app, int& result) {
  auto options = std::make_shared<check_options>();
  auto* command = app.add_subcommand("check", "Report every mistake in the configuration");
  command->add_option("-c,--config", options->config,
                      "Configuration file (YAML); without one the environment is checked");
  command->add_flag("--json", options->json, "Print one JSON object");
  command->callback([options, &result] { result = check(*options); });
}

} // namespace sluice
