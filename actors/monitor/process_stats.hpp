#pragma once

#include "runtime/time.hpp"

#include <cstdint>
#include <string_view>

namespace sluice {

/// What the operating system says about this process. Zero where it says nothing.
struct process_stats {
  int64_t resident_bytes = 0;
  int64_t virtual_bytes = 0;
  int64_t open_fds = 0;
  int64_t max_fds = 0;
  int64_t threads = 0;
  std::chrono::milliseconds cpu{0};        ///< user and system, since the start
  std::chrono::milliseconds started_at{0}; ///< since the Unix epoch
};

/// The units of /proc/self/stat, which the kernel tells at run time.
struct proc_units {
  int64_t ticks_per_second = 100;
  int64_t page_bytes = 4096;
  int64_t boot_unix_seconds = 0; ///< `btime` of /proc/stat
};

/// Reads the text of /proc/self/stat (proc(5)). The name of the program may contain blanks and
/// brackets. Leaves zeros where the text is not as expected.
process_stats parse_proc_stat(std::string_view text, const proc_units& units);

/// `btime` in the text of /proc/stat; 0 where there is none.
int64_t parse_boot_time(std::string_view text);

/// Reads /proc: some small reads that need no disk.
process_stats read_process_stats();

} // namespace sluice
