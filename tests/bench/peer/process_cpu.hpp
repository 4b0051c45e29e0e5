#pragma once

#include <sys/types.h>
#include <vector>

namespace sluice::bench {

/// Seconds of processor that the processes have used so far, in user and kernel mode together, in
/// steps of the kernel's clock tick (10 ms). Ends the program where one is not there: a gateway
/// that died has no figures.
double cpu_seconds(const std::vector<pid_t>& processes);

} // namespace sluice::bench
