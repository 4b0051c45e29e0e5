#include "cluster/commands.hpp"
#include "runtime/version.hpp"

#include <CLI/CLI.hpp>

#include <csignal>
#include <iostream>

int main(int argc, char** argv) {
  using namespace sluice;
  // A client that goes away while we write is an error of that write, not the end of the process.
  std::signal(SIGPIPE, SIG_IGN);
  CLI::App app{"Sluice, a self-hosted LLM gateway"};
  app.set_version_flag("--version", version());
  app.require_subcommand(1);
  int result = exit_ok;
  add_serve(app, result);
  add_sim(app, result);
  add_check(app, result);
  add_batch(app, result);
  add_cache(app, result);
  add_ledger(app, result);
  add_budget(app, result);
  add_bench(app, result);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? exit_ok : exit_usage;
  } catch (const std::exception& error) {
    std::cerr << "sluice: " << error.what() << '\n';
    return exit_failed;
  }
  return result;
}
