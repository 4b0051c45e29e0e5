#pragma once

#include <csignal>

namespace sluice {

/// SIGTERM and SIGINT as something to wait for. Blocks them in the calling thread and in those it
/// starts afterwards.
class stop_signals {
public:
  stop_signals();
  /// Returns when one has come.
  void wait();
  /// The next one ends the process at once, with the exit code that a shell reports for the signal.
  void exit_at_next();

private:
  sigset_t set_;
};

} // namespace sluice
