#include "actors/jobs/jobs_actor.hpp"
#include "actors/jobs/jobs_store.hpp"

namespace sluice {

namespace {

/// OpenAI's only completion window.
constexpr int64_t window_seconds = 24 * 60 * 60;

constexpr uint64_t list_bytes_max = 4 * 1024 * 1024;

caf::error no_such_batch(const std::string& id) {
  return make_error(ec::not_found, "No batch found with id '" + id + "'.", "batch_id");
}

caf::error too_late(batch_status x) {
  return make_error(ec::conflict,
                    "Cannot cancel a batch with status '" + std::string{to_string_view(x)} + "'.");
}

} // namespace

caf::result<batch_object> jobs_desk::create(batch_creation& x) {
  auto answer = self_->make_response_promise<batch_object>();
  when_loaded([this, answer, x = std::move(x)]() mutable {
    if (broken_)
      return fail(answer, broken_);
    if (draining_)
      return fail(answer, make_error(ec::shutting_down));
    if (total_ + uploading_ >= limits().storage_bytes_max)
      return fail(answer, make_error(ec::storage_full,
                                     "There is no room for the output: delete some files first."));
    if (turns_.count(x.owner.tenant) >= limits().batches_per_tenant_max)
      return fail(answer, make_error(ec::overloaded,
                                     "At most " + std::to_string(limits().batches_per_tenant_max) +
                                         " batches at a time: wait until one is over."));
    auto key = file_key(x.owner.tenant, x.input_file_id);
    ask<store_value>(store_read{key}, [this, answer,
                                       x = std::move(x)](caf::expected<store_value> found) mutable {
      if (!found)
        return fail(answer, found.error());
      if (!found->found || removing_.count(x.input_file_id) > 0)
        return fail(answer, make_error(ec::not_found, "No such File object: " + x.input_file_id,
                                       "input_file_id"));
      auto file = file_of(found->value);
      if (!file)
        return fail(answer, file.error());
      create_over(*file, x, answer);
    });
  });
  return answer;
}

void jobs_desk::create_over(const file_object& input, batch_creation& x,
                            promise<batch_object> answer) {
  if (input.purpose != "batch")
    return fail(answer, make_error(ec::invalid_value, "The input file must have purpose batch.",
                                   "input_file_id"));
  batch_object made;
  made.id = make_id("batch_");
  made.owner = std::move(x.owner);
  made.kind = x.kind;
  made.input_file_id = input.id;
  made.output_file_id = make_id("file-");
  made.error_file_id = make_id("file-");
  made.created_at = now_seconds();
  made.expires_at = made.created_at + window_seconds;
  made.metadata = std::move(x.metadata);
  store_changes changes{put(batch_key(made.owner.tenant, made.id), to_record(made)),
                        put(active_key(made.id), made.owner.tenant)};
  // It counts from now on, for others are created while this one is being written.
  auto id = made.id;
  add(made);
  write(
      std::move(changes),
      [this, id, made, answer]() mutable {
        answer.deliver(std::move(made));
        if (auto* found = find_active(id))
          begin_check(*found);
      },
      [this, answer](const caf::error& why) mutable { fail(answer, why); });
}

caf::result<batch_object> jobs_desk::find(const batch_query& x) {
  auto answer = self_->make_response_promise<batch_object>();
  ask<store_value>(store_read{batch_key(x.tenant, x.id)},
                   [this, answer, id = x.id](caf::expected<store_value> found) mutable {
                     if (!found)
                       return fail(answer, found.error());
                     if (!found->found)
                       return fail(answer, no_such_batch(id));
                     auto batch = batch_of(found->value);
                     if (!batch)
                       return fail(answer, batch.error());
                     answer.deliver(std::move(*batch));
                   });
  return answer;
}

caf::result<batch_page> jobs_desk::list(const batch_list_query& x) {
  auto answer = self_->make_response_promise<batch_page>();
  store_scan scan;
  scan.prefix = batches_prefix(x.tenant);
  scan.after = x.after.empty() ? std::string{} : batch_key(x.tenant, x.after);
  scan.direction = store_scan::order::backwards;
  scan.limit = x.limit;
  scan.bytes_max = list_bytes_max;
  ask<store_page>(std::move(scan), [this, answer](caf::expected<store_page> found) mutable {
    if (!found)
      return fail(answer, found.error());
    batch_page page;
    page.more = found->more;
    for (auto& entry : found->entries) {
      auto batch = batch_of(entry.value);
      if (!batch)
        return fail(answer, batch.error());
      page.batches.push_back(std::move(*batch));
    }
    answer.deliver(std::move(page));
  });
  return answer;
}

caf::result<batch_object> jobs_desk::cancel(const batch_cancellation& x) {
  auto answer = self_->make_response_promise<batch_object>();
  when_loaded([this, answer, x]() mutable {
    if (broken_)
      return fail(answer, broken_);
    auto* found = find_active(x.id);
    if (found && found->state.batch().owner.tenant == x.tenant)
      return cancel_active(*found, answer);
    ask<store_value>(store_read{batch_key(x.tenant, x.id)},
                     [this, answer, id = x.id](caf::expected<store_value> stored) mutable {
                       if (!stored)
                         return fail(answer, stored.error());
                       if (!stored->found)
                         return fail(answer, no_such_batch(id));
                       auto batch = batch_of(stored->value);
                       if (!batch)
                         return fail(answer, batch.error());
                       fail(answer, too_late(batch->status));
                     });
  });
  return answer;
}

void jobs_desk::cancel_active(active& x, promise<batch_object> answer) {
  auto changes = x.state.cancel(now_seconds());
  auto& batch = x.state.batch();
  if (changes.empty() && batch.status != batch_status::cancelling)
    return fail(answer, too_late(batch.status));
  write(
      std::move(changes),
      [this, answer, as_written = batch]() mutable {
        auto* still = find_active(as_written.id);
        answer.deliver(std::move(as_written));
        if (still)
          settle(*still);
      },
      [this, answer](const caf::error& why) mutable { fail(answer, why); });
}

} // namespace sluice
