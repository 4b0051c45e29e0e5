#include "actors/monitor/process_stats.hpp"

#include <array>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <sys/resource.h>
#include <system_error>
#include <unistd.h>

namespace sluice {

namespace {

/// Takes the next word of `text`, reading it as a number; 0 where it is none.
int64_t next_number(std::string_view& text) {
  auto begin = text.find_first_not_of(' ');
  if (begin == std::string_view::npos)
    return 0;
  text.remove_prefix(begin);
  auto end = std::min(text.find_first_of(" \n"), text.size());
  int64_t result = 0;
  std::from_chars(text.data(), text.data() + end, result);
  text.remove_prefix(end);
  return result;
}

std::string read_text(const char* path) {
  std::ifstream in(path);
  return (std::ostringstream{} << in.rdbuf()).str();
}

int64_t count_entries(const char* path) {
  std::error_code error;
  int64_t result = 0;
  for (std::filesystem::directory_iterator i(path, error), end; !error && i != end;
       i.increment(error))
    ++result;
  return result;
}

} // namespace

process_stats parse_proc_stat(std::string_view text, const proc_units& units) {
  process_stats result;
  auto name_end = text.rfind(')');
  if (name_end == std::string_view::npos || units.ticks_per_second <= 0)
    return result;
  text.remove_prefix(name_end + 1);
  // Fields 3 to 24 of proc(5), so that field n stands at n - 3.
  std::array<int64_t, 22> fields{};
  for (auto& x : fields)
    x = next_number(text);
  auto millis = [&](int64_t ticks) {
    return std::chrono::milliseconds{ticks * 1'000 / units.ticks_per_second};
  };
  result.cpu = millis(fields[14 - 3] + fields[15 - 3]);
  result.threads = fields[20 - 3];
  result.started_at = std::chrono::seconds{units.boot_unix_seconds} + millis(fields[22 - 3]);
  result.virtual_bytes = fields[23 - 3];
  result.resident_bytes = fields[24 - 3] * units.page_bytes;
  return result;
}

int64_t parse_boot_time(std::string_view text) {
  constexpr std::string_view key = "\nbtime ";
  auto place = text.find(key);
  if (place == std::string_view::npos)
    return 0;
  text.remove_prefix(place + key.size());
  return next_number(text);
}

process_stats read_process_stats() {
  proc_units units{::sysconf(_SC_CLK_TCK), ::sysconf(_SC_PAGESIZE),
                   parse_boot_time(read_text("/proc/stat"))};
  auto result = parse_proc_stat(read_text("/proc/self/stat"), units);
  result.open_fds = count_entries("/proc/self/fd");
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY)
    result.max_fds = static_cast<int64_t>(limit.rlim_cur);
  return result;
}

} // namespace sluice
