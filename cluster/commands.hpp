#pragma once

namespace CLI {
class App;
}

namespace sluice {

/// Exit codes of the program; those above 2 follow sysexits.h.
enum exit_code : int {
  exit_ok = 0,
  exit_failed = 1,         ///< could not do what it was asked
  exit_usage = 2,          ///< the command line is wrong
  exit_broken = 75,        ///< EX_TEMPFAIL: the disk took no more; start it again when it does
  exit_configuration = 78, ///< EX_CONFIG: the configuration has mistakes
};

/// Each adds its subcommand to `app`; running it sets `result` to the exit code.
void add_serve(CLI::App& app, int& result);
void add_sim(CLI::App& app, int& result);
void add_check(CLI::App& app, int& result);
void add_batch(CLI::App& app, int& result);
void add_cache(CLI::App& app, int& result);
void add_ledger(CLI::App& app, int& result);
void add_budget(CLI::App& app, int& result);
void add_bench(CLI::App& app, int& result);

} // namespace sluice
