#pragma once

#include "actors/jobs/job_part.hpp"
#include "actors/jobs/part_results.hpp"
#include "runtime/time.hpp"

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace sluice {

/// Lines of a batch for one deployment that are being gathered into a part.
struct part_gathering {
  std::vector<uint32_t> lines;
  uint64_t bytes = 0;
  steady_time since{};
};

/// What a line's result is written down with.
struct part_line {
  std::string custom_id;
  std::string model;
};

/// A part that the jobs actor is busy with. Holds the body of its file while that is sent, and the
/// names of its lines while results are read; otherwise numbers only.
struct part_run {
  explicit part_run(job_part x) : state(std::move(x)) {}

  job_part state;
  bool busy = false; ///< the store is asked for it
  part_action doing = part_action::forget;
  uint64_t call = 0; ///< under way; 0 where none
  deadline until;    ///< of the call
  steady_time due{}; ///< of the next step
  std::chrono::milliseconds pause{0};
  steady_time trouble_since{}; ///< of failures in a row; zero after an answer
  uint32_t failures = 0;       ///< in a row
  bool ending = false;         ///< its batch is
  steady_time ending_since{};
  std::string body;       ///< of the upload, while it grows
  std::string list_after; ///< of a search: where the next page begins
  uint32_t pages = 0;     ///< of it, seen

  // Results.
  std::optional<std::map<uint32_t, part_line>> names; ///< of the lines that have none yet
  std::optional<part_results> reader;
  std::vector<part_result> results; ///< read, not written down
  uint64_t owed = 0;                ///< credit for the bytes that were read
  bool writing = false;
  bool read_over = false;
};

} // namespace sluice
