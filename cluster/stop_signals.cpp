#include "cluster/stop_signals.hpp"

#include <unistd.h>

#include <thread>

namespace sluice {

stop_signals::stop_signals() {
  sigemptyset(&set_);
  sigaddset(&set_, SIGTERM);
  sigaddset(&set_, SIGINT);
  pthread_sigmask(SIG_BLOCK, &set_, nullptr);
}

void stop_signals::wait() {
  int which = 0;
  while (sigwait(&set_, &which) != 0) {
  }
}

void stop_signals::exit_at_next() {
  // Never joined: it waits for something that may not come, and ends with the process.
  std::thread{[set = set_] {
    int which = 0;
    if (sigwait(&set, &which) == 0)
      _exit(128 + which);
  }}.detach();
}

} // namespace sluice
