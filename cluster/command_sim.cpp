#include "api/http/listener.hpp"
#include "api/sim/sim_handler.hpp"
#include "cluster/commands.hpp"
#include "cluster/listen_option.hpp"
#include "cluster/node.hpp"
#include "cluster/stop_signals.hpp"

#include <CLI/CLI.hpp>

#include <boost/asio/post.hpp>

#include <cmath>
#include <iostream>
#include <memory>
#include <thread>

namespace sluice {

namespace {

struct sim_arguments {
  std::string listen = "127.0.0.1:8081"; // beside the gateway's own default
  double call_base_ms = 0;
  double per_prompt_ms = 0;
  double per_output_token_ms = 0;
  simulation_settings settings;
  bool known_models_only = false;
};

std::chrono::microseconds microseconds_of(double ms) {
  return std::chrono::microseconds{std::llround(ms * 1000)};
}

int fail(const caf::error& error, int code = exit_failed) {
  std::cerr << "sluice: " << message_of(error) << '\n';
  return code;
}

int simulate(sim_arguments& arguments) {
  auto where = parse_listen(arguments.listen);
  if (!where)
    return fail(where.error(), exit_usage);
  listen_settings listen;
  listen.address = where->address.value_or(listen.address);
  listen.port = where->port.value_or(listen.port);
  auto& settings = arguments.settings;
  settings.call_base = microseconds_of(arguments.call_base_ms);
  settings.per_prompt = microseconds_of(arguments.per_prompt_ms);
  settings.per_output_token = microseconds_of(arguments.per_output_token_ms);
  sim_options options;
  options.any_model = !arguments.known_models_only;
  options.report = [](const std::string& text) { std::cerr << "sluice: " << text << '\n'; };
  auto engine = sim_engine::make(settings, std::move(options));
  if (!engine)
    return fail(engine.error(),
                code_of(engine.error()) == ec::bad_configuration ? exit_usage : exit_failed);
  raise_descriptor_limit();
  stop_signals signals;
  io_loop loop{0};
  auto port = open_port(loop, listen);
  if (!port)
    return fail(port.error());
  boost::system::error_code ignored;
  auto address = address_text(listen.address, port->local_endpoint(ignored).port());
  limit_settings limits;
  sim_handler handler{loop.context(), *engine};
  http_listener listener{loop, limits, std::make_shared<http_admission>(limits), handler};
  listener.accept(std::move(*port));
  std::thread thread{[&] { loop.run(); }};
  std::cout << "simulated upstream, every answer is made up\nlistening on " << address << std::endl;
  signals.wait();
  signals.exit_at_next();
  boost::asio::post(loop.context(), [&] {
    listener.close();
    loop.stop();
  });
  thread.join();
  (*engine)->flush_log();
  return exit_ok;
}

} // namespace

void add_sim(CLI::App& app, int& result) {
  auto arguments = std::make_shared<sim_arguments>();
  auto& x = *arguments;
  auto* command =
      app.add_subcommand("sim", "Serve the simulated upstream alone, for tests and benchmarks");
  command->add_option("-l,--listen", x.listen, "ADDRESS:PORT; port 0 takes a free one")
      ->capture_default_str();
  command->add_option("--call-base-ms", x.call_base_ms, "Time a call takes, whatever is in it")
      ->check(CLI::NonNegativeNumber);
  command->add_option("--per-prompt-ms", x.per_prompt_ms, "and for each prompt in it")
      ->check(CLI::NonNegativeNumber);
  command
      ->add_option("--per-output-token-ms", x.per_output_token_ms,
                   "and for each token of the answer")
      ->check(CLI::NonNegativeNumber);
  command->add_option("--slots", x.settings.slots, "Calls served at once; 0 for no limit");
  command->add_option("--queue", x.settings.queue_max, "Calls that may wait for a slot")
      ->capture_default_str();
  command->add_option("--scale", x.settings.scale, "Of the clock: 0.01 is a hundred times faster")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  command->add_option("--seed", x.settings.seed, "Of answers and faults")->capture_default_str();
  command
      ->add_option("--fault", x.settings.fault_rules,
                   "A fault rule; may be given several times (docs/simulator.md)")
      ->take_all()
      ->expected(1);
  command->add_option("--usage-log", x.settings.usage_log, "File that gets one JSON line a call");
  command->add_flag("--known-models-only", x.known_models_only,
                    "Refuse models that are not simulated ones");
  command->callback([arguments, &result] { result = simulate(*arguments); });
}

} // namespace sluice
