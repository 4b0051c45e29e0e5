#include "actors/jobs/job_records.hpp"

#include "runtime/record.hpp"

namespace sluice {

namespace {

/// Of all records here. One number, as they are read together.
constexpr uint8_t version = 1;

// One list of the fields of each record, for writing and reading. Append only.

template <class F, class X>
void usage_fields(F& f, X& x) {
  f(x.input);
  f(x.cache_read);
  f(x.cache_write);
  f(x.output);
  f(x.reasoning);
}

template <class F, class X>
void file_fields(F& f, X& x) {
  f(x.id);
  f(x.tenant);
  f(x.filename);
  f(x.purpose);
  f(x.bytes);
  f(x.created_at);
  f(x.batch);
}

template <class F, class X>
void batch_fields(F& f, X& x) {
  f(x.id);
  f(x.owner.tenant);
  f(x.owner.team);
  f(x.owner.user);
  f(x.owner.key_id);
  f(x.owner.models);
  f(x.kind);
  f(x.status);
  f(x.input_file_id);
  f(x.output_file_id);
  f(x.error_file_id);
  f(x.output_bytes);
  f(x.error_bytes);
  f(x.created_at);
  f(x.in_progress_at);
  f(x.expires_at);
  f(x.finalizing_at);
  f(x.completed_at);
  f(x.failed_at);
  f(x.expired_at);
  f(x.cancelling_at);
  f(x.cancelled_at);
  f(x.total);
  f(x.completed);
  f(x.failed);
  usage_fields(f, x.usage);
  f(x.cost.value);
  f(x.metadata);
}

template <class F, class X>
void error_fields(F& f, X& x) {
  f(x.code);
  f(x.message);
  f(x.param);
  f(x.line);
}

template <class F, class X>
void line_fields(F& f, X& x) {
  f(x.custom_id);
  f(x.model);
  f(x.model_at);
  f(x.model_size);
  f(x.input_tokens);
  f(x.output_tokens_max);
  f(x.body);
  f(x.choices);
}

template <class F, class X>
void charge_fields(F& f, X& x) {
  f(x.attempt_id);
  f(x.tenant);
  f(x.deployment);
  f(x.price_version);
  f(x.at);
  usage_fields(f, x.usage);
  f(x.cost.value);
}

template <class T>
caf::expected<T> checked(const record_reader& from, T&& x) {
  if (from.error())
    return from.error();
  return std::move(x);
}

} // namespace

std::string to_record(const file_object& x) {
  record_writer to{version};
  file_fields(to, x);
  return to.take();
}

std::string to_record(const batch_object& x) {
  record_writer to{version};
  batch_fields(to, x);
  to(static_cast<uint64_t>(x.errors.size()));
  for (auto& error : x.errors)
    error_fields(to, error);
  return to.take();
}

std::string to_record(const job_line& x) {
  record_writer to{version};
  line_fields(to, x);
  return to.take();
}

std::string to_record(const job_charge& x) {
  record_writer to{version};
  charge_fields(to, x);
  return to.take();
}

std::string to_record(uint64_t x) {
  record_writer to{version};
  to(x);
  return to.take();
}

caf::expected<file_object> file_of(const std::string& record) {
  record_reader from{record, version};
  file_object x;
  file_fields(from, x);
  return checked(from, std::move(x));
}

caf::expected<batch_object> batch_of(const std::string& record) {
  record_reader from{record, version};
  batch_object x;
  batch_fields(from, x);
  uint64_t errors = 0;
  from(errors);
  for (uint64_t i = 0; i < errors && !from.error(); ++i)
    error_fields(from, x.errors.emplace_back());
  return checked(from, std::move(x));
}

caf::expected<job_line> line_of(const store_entry& entry) {
  record_reader from{entry.value, version};
  job_line x;
  x.number = number_at_end(entry.key);
  line_fields(from, x);
  if (!from.error() && x.model_at + size_t{x.model_size} > x.body.size())
    return make_error(ec::storage_failed, "a stored line is damaged");
  return checked(from, std::move(x));
}

caf::expected<job_charge> charge_of(const std::string& record) {
  record_reader from{record, version};
  job_charge x;
  charge_fields(from, x);
  return checked(from, std::move(x));
}

caf::expected<uint64_t> number_of(const std::string& record) {
  record_reader from{record, version};
  uint64_t x = 0;
  from(x);
  return checked(from, std::move(x));
}

} // namespace sluice
