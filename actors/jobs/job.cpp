#include "actors/jobs/job.hpp"

#include "actors/jobs/job_output.hpp"

#include <algorithm>
#include <utility>

namespace sluice {

namespace {

/// Lines at hand: several times what is under way by default, so that fetching is never waited for.
constexpr uint32_t page_lines = 32;
constexpr uint32_t lines_low = 8;
constexpr uint64_t page_bytes = 2 * 1024 * 1024;

void add(token_usage& to, const token_usage& x) {
  to.input += x.input;
  to.cache_read += x.cache_read;
  to.cache_write += x.cache_write;
  to.output += x.output;
  to.reasoning += x.reasoning;
}

} // namespace

/// The batch as it stands now.
store_changes job::kept() const {
  return {put(batch_key(batch_.owner.tenant, batch_.id), to_record(batch_))};
}

/// The batch as it stands now, and nothing else of it but its files.
store_changes job::ended() const {
  auto result = kept();
  result.push_back(erase(active_key(batch_.id)));
  result.push_back(erase_prefix(lines_prefix(batch_.id)));
  result.push_back(erase_prefix(kept_here_prefix(batch_.id)));
  return result;
}

void job::drop_lines() {
  for (auto& line : lines_)
    held_.erase(line.number);
  lines_.clear();
}

/// These are not under way any more.
void job::release(const std::vector<uint32_t>& lines) {
  for (auto x : lines)
    held_.erase(x);
  under_way_ -= static_cast<uint32_t>(lines.size());
}

store_changes job::validated(uint32_t lines, int64_t now) {
  if (batch_.status != batch_status::validating)
    return {};
  batch_.status = batch_status::in_progress;
  batch_.in_progress_at = now;
  batch_.total = lines;
  return kept();
}

store_changes job::refused(std::vector<batch_error> errors, int64_t now) {
  if (batch_.status != batch_status::validating)
    return {};
  batch_.status = batch_status::failed;
  batch_.failed_at = now;
  batch_.errors = std::move(errors);
  return ended();
}

bool job::wants_lines() const {
  // What is under way when time is up may still end well. Only what is left then has expired.
  auto working = batch_.status == batch_status::in_progress ||
                 (batch_.status == batch_status::finalizing && under_way_ == 0);
  return working && !fetching_ && !exhausted_ && lines_.size() < lines_low;
}

store_scan job::ask() {
  fetching_ = true;
  store_scan query;
  query.prefix = lines_prefix(batch_.id);
  query.after = after_;
  query.limit = page_lines;
  query.bytes_max = page_bytes;
  return query;
}

caf::expected<store_changes> job::fetched(store_page page) {
  fetching_ = false;
  if (std::exchange(outdated_, false))
    return store_changes{};
  store_changes result;
  for (auto& entry : page.entries) {
    auto line = line_of(entry);
    if (!line)
      return line.error();
    after_ = entry.key;
    if (held_.count(line->number) > 0)
      continue;
    if (batch_.status != batch_status::finalizing) {
      held_.insert(line->number);
      lines_.push_back(std::move(*line));
      continue;
    }
    auto text = error_line({batch_.id, line->number, line->custom_id, {}}, "batch_expired",
                           "This request could not be executed before the completion window "
                           "expired.");
    ++batch_.failed;
    batch_.error_bytes += text.size();
    result.push_back(erase(entry.key));
    result.push_back(put(piece_key(batch_.error_file_id, line->number), std::move(text)));
  }
  exhausted_ = !page.more;
  if (!result.empty())
    result.push_back(std::move(kept().front()));
  return result;
}

std::optional<job_line> job::take() {
  if (!has_lines())
    return std::nullopt;
  std::optional<job_line> result{std::move(lines_.front())};
  lines_.pop_front();
  ++under_way_;
  return result;
}

void job::give_back(job_line line) {
  --under_way_;
  if (batch_.status == batch_status::in_progress)
    lines_.push_front(std::move(line));
  else
    held_.erase(line.number);
}

void job::written(uint32_t line) {
  --under_way_;
  held_.erase(line);
}

void job::restored(const std::vector<uint32_t>& lines) {
  under_way_ += static_cast<uint32_t>(lines.size());
  held_.insert(lines.begin(), lines.end());
}

store_changes job::taken_back(const std::vector<uint32_t>& lines) {
  release(lines);
  if (batch_.status != batch_status::in_progress || lines.empty())
    return {};
  store_changes result;
  for (auto x : lines) {
    kept_here_.insert(x);
    result.push_back(put(kept_here_key(batch_.id, x), {}));
  }
  // They are fetched again, and on the way to them what is at hand or under way is passed over.
  auto first = *std::min_element(lines.begin(), lines.end());
  auto before = first == 0 ? std::string{} : line_key(batch_.id, first - 1);
  if (before < after_) {
    after_ = std::move(before);
    outdated_ = fetching_;
    exhausted_ = false;
  }
  return result;
}

store_changes job::done(const job_line& line, const line_outcome& outcome) {
  auto& file = outcome.answered ? batch_.output_file_id : batch_.error_file_id;
  (outcome.answered ? batch_.output_bytes : batch_.error_bytes) += outcome.text.size();
  ++(outcome.answered ? batch_.completed : batch_.failed);
  add(batch_.usage, outcome.charge.usage);
  batch_.cost += outcome.charge.cost;
  auto result = kept();
  result.push_back(erase(line_key(batch_.id, line.number)));
  result.push_back(put(piece_key(file, line.number), outcome.text));
  if (!outcome.charge.attempt_id.empty())
    result.push_back(put(charge_key(batch_.id, line.number), to_record(outcome.charge)));
  return result;
}

store_changes job::cancel(int64_t now) {
  if (batch_.status != batch_status::validating && batch_.status != batch_status::in_progress)
    return {};
  batch_.status = batch_status::cancelling;
  batch_.cancelling_at = now;
  outdated_ = fetching_;
  drop_lines();
  return kept();
}

bool job::due(int64_t now) const {
  return batch_.status == batch_status::in_progress && now >= batch_.expires_at;
}

store_changes job::expire(int64_t now) {
  if (!due(now))
    return {};
  batch_.status = batch_status::finalizing;
  batch_.finalizing_at = now;
  // Those at hand are fetched again, this time to be written down.
  outdated_ = fetching_;
  drop_lines();
  after_.clear();
  exhausted_ = false;
  return kept();
}

store_changes job::settle(int64_t now) {
  auto left = under_way_ > 0 || fetching_ || !lines_.empty();
  if (left || is_over(batch_.status) || batch_.status == batch_status::validating)
    return {};
  if (batch_.status != batch_status::cancelling && !exhausted_)
    return {};
  if (batch_.status == batch_status::in_progress) {
    batch_.status = batch_status::completed;
    batch_.finalizing_at = batch_.completed_at = now;
  } else if (batch_.status == batch_status::finalizing) {
    batch_.status = batch_status::expired;
    batch_.expired_at = now;
  } else {
    batch_.status = batch_status::cancelled;
    batch_.cancelled_at = now;
  }
  auto result = ended();
  auto add_file = [&](const std::string& id, const char* suffix, uint64_t bytes) {
    if (bytes == 0)
      return;
    file_object file{id,       batch_.owner.tenant, batch_.id + suffix, "batch_output", bytes, now,
                     batch_.id};
    result.push_back(put(file_key(file.tenant, id), to_record(file)));
  };
  add_file(batch_.output_file_id, "_output.jsonl", batch_.output_bytes);
  add_file(batch_.error_file_id, "_error.jsonl", batch_.error_bytes);
  return result;
}

} // namespace sluice
