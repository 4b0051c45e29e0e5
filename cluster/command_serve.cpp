#include "cluster/commands.hpp"
#include "cluster/listen_option.hpp"
#include "cluster/node.hpp"
#include "cluster/stop_signals.hpp"
#include "runtime/configuration_file.hpp"
#include "runtime/environment.hpp"

#include <CLI/CLI.hpp>

#include <iostream>
#include <memory>
#include <optional>

namespace sluice {

namespace {

struct serve_options {
  std::string config;
  std::string listen;
};

std::string first_model(const configuration& settings) {
  for (auto& x : settings.models)
    for (auto kind : x.endpoints)
      if (kind == endpoint::chat_completions)
        return x.name;
  return settings.models.empty() ? "MODEL" : settings.models.front().name;
}

void greet(const node& running, const configuration& settings) {
  std::cout << "listening on " << running.address() << "\n\nTry it:\n  curl " << running.address()
            << "/v1/chat/completions -H 'Content-Type: application/json'"
            << (settings.keys.empty() ? "" : " -H \"Authorization: Bearer $YOUR_KEY\"")
            << " \\\n    -d '{\"model\":\"" << first_model(settings)
            << "\",\"messages\":[{\"role\":\"user\",\"content\":\"Why is the sky blue?\"}]}'\n"
            << std::endl;
}

int serve(const serve_options& options) {
  listen_override over;
  if (!options.listen.empty()) {
    auto parsed = parse_listen(options.listen);
    if (!parsed) {
      std::cerr << "sluice: " << message_of(parsed.error()) << '\n';
      return exit_usage;
    }
    over = *parsed;
  }
  auto file = options.config.empty() ? std::nullopt : std::optional{options.config};
  auto read = load_configuration(file, process_environment(), over);
  if (!read.mistakes.empty()) {
    std::cerr << to_text(read.mistakes);
    return exit_configuration;
  }
  auto settings = std::make_shared<const configuration>(std::move(read.config));
  raise_descriptor_limit();
  stop_signals signals; // before the first thread, so that all inherit the mask
  auto running = node::start(settings);
  if (!running) {
    std::cerr << "sluice: " << message_of(running.error()) << '\n';
    return exit_failed;
  }
  greet(**running, *settings);
  signals.wait();
  signals.exit_at_next();
  (*running)->stop(settings->shutdown_grace);
  return (*running)->broken() ? exit_broken : exit_ok;
}

} // namespace

void add_serve(CLI::App& app, int& result) {
  auto options = std::make_shared<serve_options>();
  auto* command = app.add_subcommand("serve", "Start a node");
  command->add_option("-c,--config", options->config,
                      "Configuration file (YAML); without one: loopback, simulated models, and the "
                      "providers whose keys "
                      "are in the environment");
  command->add_option("-l,--listen", options->listen,
                      "ADDRESS:PORT, over the configuration; port 0 takes a free one");
  command->callback([options, &result] { result = serve(*options); });
}

} // namespace sluice
