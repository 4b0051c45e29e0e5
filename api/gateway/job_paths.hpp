#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sluice {

/// What can be asked about files and batches.
enum class job_operation : uint8_t {
  none, ///< the path is ours, the method is not
  upload_file,
  list_files,
  find_file,
  remove_file,
  read_file,
  create_batch,
  list_batches,
  find_batch,
  cancel_batch,
};

struct job_path {
  job_operation what = job_operation::none;
  std::string_view name;  ///< the path template, for metrics: a literal
  std::string_view allow; ///< the methods that it takes: a literal
  std::string_view id;    ///< of the file or batch, as it stands in the path
};

/// Empty where `path` is about neither files nor batches.
std::optional<job_path> match_job_path(std::string_view method, std::string_view path);

} // namespace sluice
