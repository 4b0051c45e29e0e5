#include "api/gateway/job_paths.hpp"

#include <array>

namespace sluice {

namespace {

struct row {
  std::string_view method;
  std::string_view before; ///< of the id
  std::string_view after;  ///< of the id
  bool has_id;
  job_operation what;
  std::string_view name;
  std::string_view allow;
};

using op = job_operation;

constexpr std::array<row, 9> table{{
    {"POST", "/v1/files", "", false, op::upload_file, "/v1/files", "GET, POST"},
    {"GET", "/v1/files", "", false, op::list_files, "/v1/files", "GET, POST"},
    {"GET", "/v1/files/", "", true, op::find_file, "/v1/files/{id}", "GET, DELETE"},
    {"DELETE", "/v1/files/", "", true, op::remove_file, "/v1/files/{id}", "GET, DELETE"},
    {"GET", "/v1/files/", "/content", true, op::read_file, "/v1/files/{id}/content", "GET"},
    {"POST", "/v1/batches", "", false, op::create_batch, "/v1/batches", "GET, POST"},
    {"GET", "/v1/batches", "", false, op::list_batches, "/v1/batches", "GET, POST"},
    {"GET", "/v1/batches/", "", true, op::find_batch, "/v1/batches/{id}", "GET"},
    {"POST", "/v1/batches/", "/cancel", true, op::cancel_batch, "/v1/batches/{id}/cancel", "POST"},
}};

/// The id in `path`; empty where the row is about other paths.
std::optional<std::string_view> id_in(std::string_view path, const row& x) {
  if (!x.has_id)
    return path == x.before ? std::optional{std::string_view{}} : std::nullopt;
  if (!path.starts_with(x.before) || !path.ends_with(x.after) ||
      path.size() <= x.before.size() + x.after.size())
    return std::nullopt;
  auto id = path.substr(x.before.size(), path.size() - x.before.size() - x.after.size());
  return id.find('/') == id.npos ? std::optional{id} : std::nullopt;
}

} // namespace

std::optional<job_path> match_job_path(std::string_view method, std::string_view path) {
  std::optional<job_path> result;
  for (auto& x : table) {
    auto id = id_in(path, x);
    if (!id)
      continue;
    if (!result)
      result = job_path{op::none, x.name, x.allow, *id};
    if (method == x.method)
      result->what = x.what;
  }
  return result;
}

} // namespace sluice
