#pragma once

#include "runtime/job_messages.hpp"
#include "runtime/store_key.hpp"
#include "runtime/store_messages.hpp"

#include <caf/expected.hpp>

#include <cstdint>
#include <string>

/// What the jobs keep in the store: keys, and values as records.
namespace sluice {

/// A line of an input file that is to be executed.
struct job_line {
  uint32_t number = 0; ///< of the line among the requests, from 0; in the key
  std::string custom_id;
  std::string model;
  uint32_t model_at = 0;   ///< where the model's name stands in `body`, quotes included
  uint32_t model_size = 0; ///< likewise
  int64_t input_tokens = 0;
  int64_t output_tokens_max = 0; ///< of all answers together; 0 where it does not say
  std::string body;              ///< JSON, as it came
  int64_t choices = 1;           ///< answers asked for
};

/// What a line cost. Written together with its result, under the attempt that answered, so that
/// whoever adds charges up can tell one that it has seen.
struct job_charge {
  std::string attempt_id;
  std::string tenant;
  std::string deployment;
  std::string price_version;
  int64_t at = 0;
  token_usage usage;
  nanousd cost;
};

/// Pieces of uploads are this large, but for the last: what one reading of a file holds.
inline constexpr size_t piece_bytes = 1024 * 1024;

inline std::string files_prefix(const std::string& tenant) {
  return store_key{"jf"}.text(tenant);
}
inline std::string file_key(const std::string& tenant, const std::string& id) {
  return store_key{"jf"}.text(tenant).id(id);
}
inline std::string pieces_prefix(const std::string& file) {
  return store_key{"jp"}.id(file);
}
inline std::string piece_key(const std::string& file, uint32_t number) {
  return store_key{"jp"}.id(file).number(number);
}
inline std::string batches_prefix(const std::string& tenant) {
  return store_key{"jb"}.text(tenant);
}
inline std::string batch_key(const std::string& tenant, const std::string& id) {
  return store_key{"jb"}.text(tenant).id(id);
}
inline std::string active_prefix() {
  return store_key{"ja"};
}
inline std::string active_key(const std::string& batch) {
  return store_key{"ja"}.id(batch);
}
inline std::string lines_prefix(const std::string& batch) {
  return store_key{"jl"}.id(batch);
}
inline std::string line_key(const std::string& batch, uint32_t number) {
  return store_key{"jl"}.id(batch).number(number);
}
inline std::string kept_here_prefix(const std::string& batch = {}) {
  return store_key{"jo"}.id(batch);
}
inline std::string kept_here_key(const std::string& batch, uint32_t number) {
  return store_key{"jo"}.id(batch).number(number);
}
inline std::string charges_prefix(const std::string& batch) {
  return store_key{"jc"}.id(batch);
}
inline std::string charge_key(const std::string& batch, uint32_t number) {
  return store_key{"jc"}.id(batch).number(number);
}
inline std::string uploads_prefix() {
  return store_key{"ju"};
}
inline std::string upload_key(const std::string& file) {
  return store_key{"ju"}.id(file);
}
inline std::string total_key() {
  return store_key{"js"};
}

std::string to_record(const file_object& x);
std::string to_record(const batch_object& x);
std::string to_record(const job_line& x);
std::string to_record(const job_charge& x);
std::string to_record(uint64_t x);

/// Fail with `storage_failed`.
caf::expected<file_object> file_of(const std::string& record);
caf::expected<batch_object> batch_of(const std::string& record);
caf::expected<job_line> line_of(const store_entry& entry);
caf::expected<job_charge> charge_of(const std::string& record);
caf::expected<uint64_t> number_of(const std::string& record);

/// What a file counts for in `jobs.storage_bytes_max`: many small ones cost their records.
inline uint64_t weight_of(uint64_t bytes) {
  return bytes < 4'096 ? 4'096 : bytes;
}

} // namespace sluice
