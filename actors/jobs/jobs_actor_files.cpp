#include "actors/jobs/jobs_actor.hpp"
#include "actors/jobs/jobs_store.hpp"

#include <algorithm>

namespace sluice {

namespace {

/// Of one write of an upload: the store makes nothing larger in one step.
constexpr uint32_t pieces_per_write = 4;

constexpr uint64_t list_bytes_max = 16 * 1024 * 1024;

caf::error no_such_file(const std::string& id) {
  return make_error(ec::not_found, "No such File object: " + id, "id");
}

} // namespace

struct jobs_desk::uploading {
  promise<file_object> answer;
  file_object file;
  shared_body content;
  uint32_t next = 0; ///< number of the next piece
};

struct jobs_desk::file_listing {
  promise<file_page> answer;
  file_list_query query;
  file_page page;
};

caf::result<file_object> jobs_desk::upload(file_upload& x) {
  auto answer = self_->make_response_promise<file_object>();
  when_loaded([this, answer, x = std::move(x)]() mutable {
    auto weight = weight_of(x.content.size());
    if (broken_)
      return fail(answer, broken_);
    if (x.purpose != "batch")
      return fail(answer, make_error(ec::invalid_value, "'purpose' must be batch.", "purpose"));
    if (x.content.size() == 0)
      return fail(answer, make_error(ec::invalid_value, "The file is empty.", "file"));
    if (x.content.size() > limits().file_bytes_max)
      return fail(answer, make_error(ec::body_too_large,
                                     "A file has at most " +
                                         std::to_string(limits().file_bytes_max) + " bytes.",
                                     "file"));
    if (total_ + uploading_ + weight > limits().storage_bytes_max)
      return fail(answer, make_error(ec::storage_full,
                                     "There is no room for more files: delete some first."));
    uploading_ += weight;
    auto made = std::make_shared<uploading>();
    made->answer = answer;
    made->file = {make_id("file-"), x.tenant,      x.filename, x.purpose,
                  x.content.size(), now_seconds(), {}};
    made->content = x.content;
    upload_next(made);
  });
  return answer;
}

/// Writes the next pieces; with the last of them the file is there.
void jobs_desk::upload_next(const std::shared_ptr<uploading>& x) {
  auto& text = x->content.str();
  auto first = x->next == 0;
  store_changes changes;
  for (uint32_t i = 0; i < pieces_per_write && x->next * piece_bytes < text.size(); ++i, ++x->next)
    changes.push_back(
        put(piece_key(x->file.id, x->next), text.substr(x->next * piece_bytes, piece_bytes)));
  auto last = x->next * piece_bytes >= text.size();
  if (last) {
    uploading_ -= weight_of(x->file.bytes);
    total_ += weight_of(x->file.bytes);
    changes.push_back(put(file_key(x->file.tenant, x->file.id), to_record(x->file)));
    changes.push_back(erase(upload_key(x->file.id)));
    changes.push_back(total());
  } else if (first) {
    changes.push_back(put(upload_key(x->file.id), {}));
  }
  write(
      std::move(changes),
      [this, x, last] {
        if (last)
          x->answer.deliver(std::move(x->file));
        else
          upload_next(x);
      },
      [this, x](const caf::error& why) { fail(x->answer, why); });
}

caf::result<file_object> jobs_desk::find(const file_query& x) {
  auto answer = self_->make_response_promise<file_object>();
  ask<store_value>(store_read{file_key(x.tenant, x.id)},
                   [this, answer, id = x.id](caf::expected<store_value> found) mutable {
                     if (!found)
                       return fail(answer, found.error());
                     if (!found->found)
                       return fail(answer, no_such_file(id));
                     auto file = file_of(found->value);
                     if (!file)
                       return fail(answer, file.error());
                     answer.deliver(std::move(*file));
                   });
  return answer;
}

caf::result<file_object> jobs_desk::remove(const file_removal& x) {
  auto answer = self_->make_response_promise<file_object>();
  auto removal = [this, answer, id = x.id](caf::expected<store_value> found) mutable {
    if (!found)
      return fail(answer, found.error());
    if (!found->found || removing_.count(id) > 0)
      return fail(answer, no_such_file(id));
    auto file = file_of(found->value);
    if (!file)
      return fail(answer, file.error());
    for (auto& [batch, reader] : active_)
      if (reader->state.batch().status == batch_status::validating &&
          reader->state.batch().input_file_id == id)
        return fail(answer, make_error(ec::conflict, "The file is being read for " + batch + "."));
    removing_.insert(id);
    total_ -= std::min(total_, weight_of(file->bytes));
    store_changes changes{erase(file_key(file->tenant, id)), erase_prefix(pieces_prefix(id)),
                          total()};
    // What its lines cost is in the batch; line by line it is kept as long as the lines.
    if (!file->batch.empty())
      changes.push_back(erase_prefix(charges_prefix(file->batch)));
    write(
        std::move(changes),
        [this, answer, file = std::move(*file)]() mutable {
          removing_.erase(file.id);
          answer.deliver(std::move(file));
        },
        [this, answer](const caf::error& why) mutable { fail(answer, why); });
  };
  when_loaded([this, answer, removal, x]() mutable {
    if (broken_)
      return fail(answer, broken_);
    ask<store_value>(store_read{file_key(x.tenant, x.id)}, removal);
  });
  return answer;
}

caf::result<file_page> jobs_desk::list(const file_list_query& x) {
  auto made = std::make_shared<file_listing>();
  made->answer = self_->make_response_promise<file_page>();
  made->query = x;
  list_next(made);
  return made->answer;
}

/// Looks for more until there are enough: those of another purpose are passed over.
void jobs_desk::list_next(const std::shared_ptr<file_listing>& x) {
  auto& query = x->query;
  store_scan scan;
  scan.prefix = files_prefix(query.tenant);
  scan.after = query.after.empty() ? std::string{} : file_key(query.tenant, query.after);
  scan.direction = query.order == list_order::newest_first ? store_scan::order::backwards
                                                           : store_scan::order::forwards;
  scan.limit = query.limit - static_cast<uint32_t>(x->page.files.size());
  scan.bytes_max = list_bytes_max;
  ask<store_page>(std::move(scan), [this, x](caf::expected<store_page> found) {
    if (!found)
      return fail(x->answer, found.error());
    for (auto& entry : found->entries) {
      auto file = file_of(entry.value);
      if (!file)
        return fail(x->answer, file.error());
      x->query.after = file->id;
      if (x->query.purpose.empty() || file->purpose == x->query.purpose)
        x->page.files.push_back(std::move(*file));
    }
    x->page.more = found->more;
    if (found->more && x->page.files.size() < x->query.limit)
      return list_next(x);
    x->answer.deliver(std::move(x->page));
  });
}

caf::result<file_content> jobs_desk::content(const file_content_query& x) {
  auto answer = self_->make_response_promise<file_content>();
  auto read = [this, answer](caf::expected<store_page> page) mutable {
    if (!page)
      return fail(answer, page.error());
    file_content result;
    for (auto& entry : page->entries) {
      result.bytes += entry.value;
      result.last = number_at_end(entry.key);
    }
    result.more = page->more;
    answer.deliver(std::move(result));
  };
  ask<store_value>(store_read{file_key(x.tenant, x.id)},
                   [this, answer, read, x](caf::expected<store_value> found) mutable {
                     if (!found)
                       return fail(answer, found.error());
                     if (!found->found)
                       return fail(answer, no_such_file(x.id));
                     store_scan scan;
                     scan.prefix = pieces_prefix(x.id);
                     if (x.after >= 0)
                       scan.after = piece_key(x.id, static_cast<uint32_t>(x.after));
                     scan.limit = 10'000; // outputs have short pieces
                     scan.bytes_max = piece_bytes;
                     ask<store_page>(std::move(scan), read);
                   });
  return answer;
}

} // namespace sluice
