#include "tests/bench/peer/process_cpu.hpp"

#include "tests/bench/peer/sockets.hpp"

#include <fstream>
#include <sstream>
#include <string>
#include <unistd.h>

namespace sluice::bench {

namespace {

double cpu_seconds(pid_t process) {
  std::ifstream file{"/proc/" + std::to_string(process) + "/stat"};
  std::string line;
  if (!std::getline(file, line))
    fail("a watched process is gone");
  // The second field is the program's name in parentheses and may hold anything; utime and stime
  // are the 14th and 15th of the line.
  std::istringstream fields{line.substr(line.rfind(')') + 1)};
  std::string skipped;
  for (int field = 3; field < 14; ++field)
    fields >> skipped;
  double user = 0;
  double kernel = 0;
  fields >> user >> kernel;
  return (user + kernel) / static_cast<double>(::sysconf(_SC_CLK_TCK));
}

} // namespace

double cpu_seconds(const std::vector<pid_t>& processes) {
  double result = 0;
  for (auto process : processes)
    result += cpu_seconds(process);
  return result;
}

} // namespace sluice::bench
