#pragma once

#include "runtime/inspect.hpp"
#include "runtime/messages.hpp"
#include "runtime/shared_body.hpp"

#include <cstdint>
#include <string>
#include <vector>

/// What is asked of the deferred jobs: files and batches as OpenAI defines them. Times are Unix
/// seconds, 0 where something has not happened.
namespace sluice {

/// A file of a tenant.
struct file_object {
  std::string id;
  std::string tenant;
  std::string filename;
  std::string purpose; ///< "batch" of uploads, "batch_output" of what batches wrote
  uint64_t bytes = 0;
  int64_t created_at = 0;
  std::string batch; ///< that wrote it; empty for uploads
};

/// Keeps `content` as a file.
struct file_upload {
  std::string tenant;
  std::string filename;
  std::string purpose;
  shared_body content;
};

struct file_query {
  std::string tenant;
  std::string id;
};

/// Removes a file; the answer is what it was.
struct file_removal {
  std::string tenant;
  std::string id;
};

/// The order of a list by creation.
enum class list_order : uint8_t { newest_first, oldest_first };

struct file_list_query {
  std::string tenant;
  std::string purpose; ///< empty for all
  std::string after;   ///< id of the last one seen; empty for the beginning
  uint32_t limit = 0;
  list_order order = list_order::newest_first;
};

struct file_page {
  std::vector<file_object> files;
  bool more = false;
};

/// Asks for the next piece of a file, so that nobody holds the whole of it.
struct file_content_query {
  std::string tenant;
  std::string id;
  int64_t after = -1; ///< number of the last piece seen
};

struct file_content {
  std::string bytes;
  int64_t last = -1; ///< number of the last piece in `bytes`
  bool more = false;
};

enum class batch_status : uint8_t {
  validating,
  failed, ///< the input file is not valid
  in_progress,
  finalizing, ///< time is up: what was not executed is being written down as expired
  completed,
  expired,
  cancelling,
  cancelled,
};

/// OpenAI's name of `x`.
std::string_view to_string_view(batch_status x);

/// Whether nothing happens any more.
bool is_over(batch_status x);

/// What is wrong with an input file.
struct batch_error {
  std::string code;
  std::string message;
  std::string param;
  int64_t line = 0; ///< from 1; 0 where it is about the file
};

/// Who asked, for records and charges, and what the key may be used for.
struct job_owner {
  std::string tenant;
  std::string team;
  std::string user;
  std::string key_id;
  std::vector<std::string> models; ///< allowed; empty for all
};

/// A batch: its requests, one a line of the input file, and what has become of them.
struct batch_object {
  std::string id;
  job_owner owner;
  endpoint kind = endpoint::chat_completions;
  batch_status status = batch_status::validating;
  std::string input_file_id;
  std::string output_file_id; ///< chosen at creation; shown when the file is there
  std::string error_file_id;  ///< likewise
  uint64_t output_bytes = 0;
  uint64_t error_bytes = 0;
  int64_t created_at = 0;
  int64_t in_progress_at = 0;
  int64_t expires_at = 0;
  int64_t finalizing_at = 0;
  int64_t completed_at = 0;
  int64_t failed_at = 0;
  int64_t expired_at = 0;
  int64_t cancelling_at = 0;
  int64_t cancelled_at = 0;
  uint32_t total = 0;
  uint32_t completed = 0;
  uint32_t failed = 0;
  token_usage usage;
  nanousd cost;
  std::string metadata; ///< a JSON object, or empty
  std::vector<batch_error> errors;
};

/// Starts a batch over an uploaded file.
struct batch_creation {
  job_owner owner;
  endpoint kind = endpoint::chat_completions;
  std::string input_file_id;
  std::string metadata;
};

struct batch_query {
  std::string tenant;
  std::string id;
};

/// Executes no further line; the answer says how it stands.
struct batch_cancellation {
  std::string tenant;
  std::string id;
};

/// The newest first.
struct batch_list_query {
  std::string tenant;
  std::string after;
  uint32_t limit = 0;
};

struct batch_page {
  std::vector<batch_object> batches;
  bool more = false;
};

#define SLUICE_INSPECT(type, ...)                                                                  \
  template <class Inspector>                                                                       \
  typename Inspector::result_type inspect(Inspector& f, type& x) {                                 \
    return f(caf::meta::type_name("sluice::" #type), __VA_ARGS__);                                 \
  }

SLUICE_INSPECT(file_object, x.id, x.tenant, x.filename, x.purpose, x.bytes, x.created_at, x.batch)
SLUICE_INSPECT(file_upload, x.tenant, x.filename, x.purpose, x.content)
SLUICE_INSPECT(file_query, x.tenant, x.id)
SLUICE_INSPECT(file_removal, x.tenant, x.id)
SLUICE_INSPECT(file_list_query, x.tenant, x.purpose, x.after, x.limit, x.order)
SLUICE_INSPECT(file_page, x.files, x.more)
SLUICE_INSPECT(file_content_query, x.tenant, x.id, x.after)
SLUICE_INSPECT(file_content, x.bytes, x.last, x.more)
SLUICE_INSPECT(batch_error, x.code, x.message, x.param, x.line)
SLUICE_INSPECT(job_owner, x.tenant, x.team, x.user, x.key_id, x.models)
SLUICE_INSPECT(batch_object, x.id, x.owner, x.kind, x.status, x.input_file_id, x.output_file_id,
               x.error_file_id, x.output_bytes, x.error_bytes, x.created_at, x.in_progress_at,
               x.expires_at, x.finalizing_at, x.completed_at, x.failed_at, x.expired_at,
               x.cancelling_at, x.cancelled_at, x.total, x.completed, x.failed, x.usage, x.cost,
               x.metadata, x.errors)
SLUICE_INSPECT(batch_creation, x.owner, x.kind, x.input_file_id, x.metadata)
SLUICE_INSPECT(batch_query, x.tenant, x.id)
SLUICE_INSPECT(batch_cancellation, x.tenant, x.id)
SLUICE_INSPECT(batch_list_query, x.tenant, x.after, x.limit)
SLUICE_INSPECT(batch_page, x.batches, x.more)

#undef SLUICE_INSPECT

} // namespace sluice
