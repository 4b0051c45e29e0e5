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

int check(const check_options& options) {
  auto file = options.config.empty() ? std::nullopt : std::optional{options.config};
  auto read = load_configuration(file, process_environment());
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
