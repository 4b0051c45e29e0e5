#include "actors/jobs/job_part.hpp"

#include "runtime/record.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace sluice {

namespace {

constexpr uint8_t version = 1;

/// A creation that was asked for may take effect so much later: twice the deadline of the call.
constexpr int64_t creation_late_seconds = 60;

std::string packed(const std::vector<uint32_t>& numbers) {
  store_key bytes{""};
  for (auto x : numbers)
    bytes.number(x);
  return bytes;
}

std::vector<uint32_t> unpacked(std::string_view bytes) {
  std::vector<uint32_t> result;
  for (; bytes.size() >= 4; bytes.remove_prefix(4))
    result.push_back(number_at_end(bytes.substr(0, 4)));
  return result;
}

/// One list of the fields, for writing and reading. Append only.
template <class F, class X>
void part_fields(F& f, X& x) {
  f(x.id);
  f(x.batch);
  f(x.tenant);
  f(x.deployment);
  f(x.provider);
  f(x.kind);
  f(x.state);
  f(x.discount_percent);
  f(x.chosen_at);
  f(x.asked_at);
  f(x.file);
  f(x.remote);
  f(x.rubbish);
}

} // namespace

std::string to_record(const part_record& x) {
  record_writer to{version};
  to(packed(x.lines));
  part_fields(to, x);
  return to.take();
}

caf::expected<part_record> part_of(const std::string& record) {
  record_reader from{record, version};
  part_record x;
  std::string lines;
  from(lines);
  x.lines = unpacked(lines);
  part_fields(from, x);
  if (from.error())
    return from.error();
  return x;
}

bool job_part::over_there() const {
  auto& x = seen_.status;
  return x == "completed" || x == "failed" || x == "expired" || x == "cancelled";
}

part_action job_part::next(bool ending) const {
  auto stop = ending || given_up_;
  switch (part_.state) {
  case part_state::chosen:
    return stop ? part_action::finish : part_action::upload;
  case part_state::uploading:
    if (!sure_ && !given_up_)
      return part_action::find_upload;
    return stop ? part_action::finish : part_action::upload;
  case part_state::uploaded:
    return stop ? part_action::finish : part_action::create;
  case part_state::creating:
    if (!sure_ && !given_up_)
      return part_action::find_batch;
    return stop ? part_action::finish : part_action::create;
  case part_state::running:
    if (given_up_)
      return part_action::finish;
    if (over_there())
      return unread_.empty() ? part_action::finish : part_action::read;
    return ending && !cancelled_ ? part_action::cancel : part_action::poll;
  case part_state::clearing:
    break;
  }
  return part_.rubbish.empty() ? part_action::forget : part_action::remove;
}

store_changes job_part::before(part_action x, int64_t now) {
  if (x == part_action::upload && part_.state == part_state::chosen) {
    part_.state = part_state::uploading;
    sure_ = true;
    return kept();
  }
  if (x == part_action::create) {
    part_.state = part_state::creating;
    part_.asked_at = now;
    sure_ = true;
    return kept();
  }
  return {};
}

store_changes job_part::uploaded(std::string file) {
  part_.state = part_state::uploaded;
  part_.file = std::move(file);
  sure_ = true;
  return kept();
}

store_changes job_part::upload_missing() {
  sure_ = true;
  return {};
}

store_changes job_part::created(const remote_batch& x) {
  part_.state = part_state::running;
  part_.remote = x.id;
  sure_ = true;
  seen(x);
  return kept();
}

void job_part::batch_missing(int64_t now) {
  sure_ = now - part_.asked_at >= creation_late_seconds;
}

void job_part::seen(const remote_batch& x) {
  seen_ = x;
  unread_.clear();
  if (over_there())
    for (auto& file : {x.error_file, x.output_file})
      if (!file.empty())
        unread_.push_back(file);
}

void job_part::file_read() {
  if (unread_.empty())
    return;
  part_.rubbish.push_back(std::move(unread_.back()));
  unread_.pop_back();
}

const std::string& job_part::subject() const {
  static const std::string none;
  auto& list = part_.state == part_state::clearing ? part_.rubbish : unread_;
  return list.empty() ? none : list.back();
}

store_changes job_part::finished() {
  part_.state = part_state::clearing;
  part_.lines.clear();
  if (!part_.file.empty())
    part_.rubbish.push_back(std::exchange(part_.file, {}));
  return kept();
}

store_changes job_part::removed() {
  if (!part_.rubbish.empty())
    part_.rubbish.pop_back();
  return kept();
}

} // namespace sluice
