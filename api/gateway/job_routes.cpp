#include "api/gateway/job_routes.hpp"

#include "api/gateway/error_reply.hpp"
#include "api/gateway/http_host.hpp"
#include "api/gateway/job_json.hpp"
#include "api/gateway/routes.hpp"
#include "api/http/multipart.hpp"

#include <algorithm>
#include <charconv>

namespace sluice {

using std::chrono::steady_clock;

namespace {

/// A creation names a file and may have 16 pairs of metadata.
constexpr size_t creation_bytes_max = 64 * 1024;

/// OpenAI's own limits and defaults of lists.
constexpr uint32_t files_max = 10'000;
constexpr uint32_t batches_max = 100;
constexpr uint32_t batches_default = 20;

/// What people see of a file's name, and what a record of it holds.
constexpr size_t filename_max = 512;

} // namespace

job_exchange::job_exchange(http_host& host, std::unique_ptr<http_request> request,
                           std::shared_ptr<reply_sink> sink, std::string request_id)
    : host_(host), request_(std::move(request)), sink_(std::move(sink)) {
  record_.at = std::chrono::system_clock::now();
  record_.request_id = std::move(request_id);
  record_.method = method_name(request_->method);
  record_.request_bytes = request_->body.size();
}

job_exchange::~job_exchange() {
  if (counted_ && host_.setup().admission)
    host_.setup().admission->end_request();
}

void job_exchange::start(const job_path& path) {
  auto& setup = host_.setup();
  record_.route = path.name;
  id_ = path.id;
  if (host_.draining())
    return fail(make_error(ec::shutting_down));
  auto key =
      setup.keys->authenticate(request_->field("Authorization"), request_->field("x-api-key"));
  if (!key)
    return fail(key.error());
  auto& who = (*key)->settings;
  record_.tenant = who.tenant;
  record_.team = who.team;
  record_.user = who.user;
  record_.key_id = who.id;
  if (!setup.jobs)
    return fail(make_error(ec::unknown_endpoint, "This gateway keeps no files and no batches: its "
                                                 "setting storage.path is empty."));
  counted_ = setup.admission->begin_request();
  if (!counted_)
    return fail(make_error(ec::overloaded));
  ask(path, **key);
}

void job_exchange::ask(const job_path& path, const virtual_key& key) {
  auto& tenant = record_.tenant;
  switch (path.what) {
  case job_operation::upload_file:
    return upload();
  case job_operation::list_files:
    return list_files();
  case job_operation::find_file:
    return request<file_object>(file_query{tenant, id_},
                                [this](file_object& x) { send(file_body(x)); });
  case job_operation::remove_file:
    return request<file_object>(file_removal{tenant, id_},
                                [this](file_object& x) { send(file_removed_body(x.id)); });
  case job_operation::read_file:
    return read(-1);
  case job_operation::create_batch:
    return create(key);
  case job_operation::list_batches:
    return list_batches();
  case job_operation::find_batch:
    return request<batch_object>(batch_query{tenant, id_},
                                 [this](batch_object& x) { send(batch_body(x)); });
  case job_operation::cancel_batch:
    return request<batch_object>(batch_cancellation{tenant, id_},
                                 [this](batch_object& x) { send(batch_body(x)); });
  case job_operation::none:
    return fail(make_error(ec::internal));
  }
}

/// Asks the jobs; `done` gets the answer unless the client has gone. Such requests are rare: the
/// framework's own time-out will do.
template <class Answer, class Query, class Done>
void job_exchange::request(Query query, Done done) {
  auto& setup = host_.setup();
  host_.request(setup.jobs, setup.settings->limits.request_timeout, std::move(query))
      .then(
          [self = shared_from_this(), done](Answer& x) {
            if (!self->done_)
              done(x);
          },
          [self = shared_from_this()](const caf::error& error) {
            if (self->done_)
              return;
            // What the framework says while the node stops is that nobody is there any more.
            auto stopping = error.category() != ec_category && self->host_.draining();
            self->fail(stopping ? make_error(ec::shutting_down) : error);
          });
}

// -- what is asked ----------------------------------------------------------------------------

void job_exchange::upload() {
  auto form = read_form(request_->field("Content-Type"), request_->body);
  if (!form)
    return fail(form.error());
  file_upload out;
  out.tenant = record_.tenant;
  const form_part* file = nullptr;
  const form_part* purpose = nullptr;
  for (auto& part : *form) {
    auto& place = part.name == "file" ? file : purpose;
    if (part.name.starts_with("expires_after"))
      return fail(
          make_error(ec::invalid_value, "Files do not expire here: delete them.", "expires_after"));
    if (part.name != "file" && part.name != "purpose")
      continue;
    if (place)
      return fail(make_error(ec::invalid_value, "'" + part.name + "' stands twice in the form.",
                             part.name));
    place = &part;
  }
  if (!file || !file->is_file)
    return fail(make_error(ec::missing_field, "Missing required parameter: 'file'.", "file"));
  if (!purpose)
    return fail(make_error(ec::missing_field, "Missing required parameter: 'purpose'.", "purpose"));
  out.purpose = purpose->content;
  out.filename = file->filename.substr(0, filename_max);
  // Within the body, so that a large one is not held twice.
  auto size = file->content.size();
  auto at = static_cast<size_t>(file->content.data() - request_->body.data());
  request_->body.resize(at + size);
  request_->body.erase(0, at);
  out.content = shared_body{std::move(request_->body)};
  request<file_object>(std::move(out), [this](file_object& x) { send(file_body(x)); });
}

void job_exchange::list_files() {
  file_list_query query;
  query.tenant = record_.tenant;
  query.purpose = parameter("purpose");
  query.after = parameter("after");
  query.limit = files_max;
  auto order = parameter("order");
  if (!read_limit(files_max, query.limit))
    return;
  if (!order.empty() && order != "asc" && order != "desc")
    return fail(make_error(ec::invalid_value, "'order' must be asc or desc.", "order"));
  query.order = order == "asc" ? list_order::oldest_first : list_order::newest_first;
  request<file_page>(std::move(query), [this](file_page& x) { send(file_list_body(x)); });
}

void job_exchange::create(const virtual_key& key) {
  if (request_->body.size() > creation_bytes_max)
    return fail(make_error(ec::body_too_large));
  auto creation = read_batch_creation(request_->body);
  if (!creation)
    return fail(creation.error());
  auto& who = key.settings;
  creation->owner = {who.tenant, who.team, who.user, who.id, who.models};
  request<batch_object>(std::move(*creation), [this](batch_object& x) { send(batch_body(x)); });
}

void job_exchange::list_batches() {
  batch_list_query query{record_.tenant, parameter("after"), batches_default};
  if (!read_limit(batches_max, query.limit))
    return;
  request<batch_page>(std::move(query), [this](batch_page& x) { send(batch_list_body(x)); });
}

/// Asks for a file piece by piece, each when the client took the one before.
void job_exchange::read(int64_t after) {
  request<file_content>(file_content_query{record_.tenant, id_, after},
                        [this](file_content& x) { on_content(x); });
}

void job_exchange::on_content(file_content& x) {
  http_response response;
  response.content_type = "application/octet-stream";
  response.headers.emplace_back("x-request-id", record_.request_id);
  record_.response_bytes += x.bytes.size();
  more_ = x.more;
  last_piece_ = x.last;
  if (!streaming_ && !more_) {
    response.body = std::move(x.bytes);
    sink_->send(std::move(response));
    return finish(200, ec::none);
  }
  if (!streaming_) {
    streaming_ = true;
    sink_->begin(std::move(response));
  }
  if (request_->method == "HEAD") { // nothing of it is written, so nothing would ask for more
    sink_->finish();
    return finish(200, ec::none);
  }
  unwritten_ = x.bytes.size();
  sink_->write(std::move(x.bytes));
  if (!more_) {
    sink_->finish();
    finish(200, ec::none);
  }
}

void job_exchange::on_written(size_t bytes) {
  unwritten_ -= std::min<uint64_t>(unwritten_, bytes);
  if (streaming_ && more_ && !done_ && unwritten_ == 0)
    read(last_piece_);
}

// -- replies ----------------------------------------------------------------------------------

std::string job_exchange::parameter(std::string_view name) const {
  return query_parameter(request_->target, name);
}

/// False where the request has been refused for it.
bool job_exchange::read_limit(uint32_t most, uint32_t& into) {
  auto text = parameter("limit");
  if (text.empty())
    return true;
  auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), into);
  if (error == std::errc{} && stop == text.data() + text.size() && into >= 1 && into <= most)
    return true;
  fail(make_error(ec::invalid_value,
                  "'limit' must be a whole number from 1 to " + std::to_string(most) + ".",
                  "limit"));
  return false;
}

void job_exchange::send(std::string body) {
  http_response response;
  response.headers.emplace_back("x-request-id", record_.request_id);
  response.body = std::move(body);
  record_.response_bytes = response.body.size();
  sink_->send(std::move(response));
  finish(200, ec::none);
}

void job_exchange::fail(const caf::error& why) {
  if (streaming_) { // the head has gone: only a broken end tells
    sink_->cut();
    return finish(200, code_of(why));
  }
  auto response = error_reply(make_failure(why), record_.request_id);
  auto status = response.status;
  record_.response_bytes = response.body.size();
  sink_->send(std::move(response));
  finish(status, code_of(why));
}

void job_exchange::on_client_gone() {
  if (!done_)
    finish(499, host_.closing() ? ec::shutting_down : ec::client_gone);
}

void job_exchange::finish(uint16_t status, ec error) {
  done_ = true;
  if (counted_)
    host_.setup().admission->end_request();
  counted_ = false;
  record_.status = status;
  record_.error = error;
  record_.duration = steady_clock::now() - request_->received;
  host_.record(std::move(record_));
}

} // namespace sluice
