#include "tests/bench/peer/load.hpp"
#include "tests/bench/peer/upstream.hpp"

#include <CLI/CLI.hpp>

/// Both ends of the benchmark in one program: the instant upstream and the load. `passthrough`
/// runs it; docs/benchmarks.md says what is measured.
int main(int argc, char** argv) {
  using namespace sluice::bench;
  CLI::App app{"The ends of the passthrough benchmark: an instant upstream and a load"};
  app.require_subcommand(1);

  upstream_settings server;
  auto* upstream =
      app.add_subcommand("upstream", "answer chat completions at once; print the port");
  upstream->add_option("--port", server.port, "on 127.0.0.1; 0 lets the system choose");
  upstream->add_option("--events-per-write", server.events_per_write, "of a stream")
      ->check(CLI::Range(1, 4'096));

  load_settings load;
  uint32_t warm_up_ms = 1'000;
  uint32_t measured_ms = 5'000;
  uint32_t phase_us = 0;
  auto* client = app.add_subcommand("load", "send chat requests; print the result as JSON");
  client->add_option("--port", load.port, "of the gateway, on 127.0.0.1")->required();
  client->add_option("--connections", load.connections)->check(CLI::Range(1, 4'096));
  client->add_option("--rate", load.rate,
                     "requests a second, evenly paced; 0: as fast as answered");
  client->add_option("--phase-us", phase_us, "of the requests within the interval of --rate");
  client->add_option("--events", load.events, "stream answers of so many events, at least 2");
  client->add_option("--questions", load.questions,
                     "so many different requests, in turn; 0: no two are the same");
  client->add_option("--body-bytes", load.body_bytes, "of each answer; 0: as the first one has");
  client->add_option("--warm-up-ms", warm_up_ms);
  client->add_option("--measured-ms", measured_ms)->check(CLI::Range(10, 600'000));
  client->add_option("--model", load.model)->default_val("bench-model");
  client->add_option("--key", load.key)->default_val("sk-bench");
  client->add_option("--watch", load.watched, "processes whose processor time is measured");

  CLI11_PARSE(app, argc, argv);
  if (*upstream)
    run_upstream(server);
  load.warm_up = std::chrono::milliseconds{warm_up_ms};
  load.phase = std::chrono::microseconds{phase_us};
  load.measured = std::chrono::milliseconds{measured_ms};
  return run_load(load);
}
