#include "actors/jobs/jobs_actor.hpp"
#include "actors/jobs/jobs_store.hpp"

#include <iterator>

namespace sluice {

namespace {

/// Of one reading of an input file.
constexpr uint32_t pieces_per_read = 1;

} // namespace

jobs_desk::active* jobs_desk::find_active(const std::string& id) {
  auto found = active_.find(id);
  return found == active_.end() ? nullptr : found->second.get();
}

jobs_desk::active& jobs_desk::add(batch_object x) {
  auto id = x.id;
  turns_.add(x.owner.tenant, id);
  auto& result = active_[id];
  result = std::make_unique<active>(std::move(x));
  arm();
  return *result;
}

/// Reads the input file from its beginning: what an earlier reading left is taken away first.
void jobs_desk::begin_check(active& x) {
  auto& batch = x.state.batch();
  if (batch.status != batch_status::validating || draining_)
    return;
  line_rules rules{batch.kind, batch.owner.models, setup_.targets.models};
  x.check = std::make_unique<input_check>(
      batch.id, std::move(rules), input_limits{limits().lines_max, limits().line_bytes_max});
  x.checked_bytes = 0;
  write({erase_prefix(lines_prefix(batch.id))}, [this, id = batch.id] { check_next(id, {}); });
}

void jobs_desk::check_next(const std::string& id, std::string after) {
  auto* x = find_active(id);
  if (!x || x->state.batch().status != batch_status::validating || draining_)
    return;
  store_scan scan;
  scan.prefix = pieces_prefix(x->state.batch().input_file_id);
  scan.after = std::move(after);
  scan.limit = pieces_per_read;
  scan.bytes_max = piece_bytes;
  ask<store_page>(std::move(scan), [this, id](caf::expected<store_page> page) {
    auto* found = find_active(id);
    if (!found || found->state.batch().status != batch_status::validating)
      return;
    if (!page)
      return break_down(page.error());
    store_changes changes;
    for (auto& entry : page->entries) {
      found->checked_bytes += entry.value.size();
      auto more = found->check->feed(entry.value);
      std::move(more.begin(), more.end(), std::back_inserter(changes));
    }
    if (!page->more || found->check->given_up())
      return checked(*found, std::move(changes));
    write(std::move(changes),
          [this, id, last = page->entries.back().key] { check_next(id, last); });
  });
}

/// The whole file has been read: the batch begins, or has failed.
void jobs_desk::checked(active& x, store_changes changes) {
  auto rest = x.check->finish();
  std::move(rest.begin(), rest.end(), std::back_inserter(changes));
  auto errors = x.check->errors();
  if (x.checked_bytes == 0)
    errors = {{"file_not_found", "The input file was deleted before it was read.", {}, 0}};
  auto step = errors.empty() ? x.state.validated(x.check->lines(), now_seconds())
                             : x.state.refused(std::move(errors), now_seconds());
  std::move(step.begin(), step.end(), std::back_inserter(changes));
  write(std::move(changes), [this, id = x.state.id()] {
    auto* found = find_active(id);
    if (found)
      found->check.reset();
    if (found && is_over(found->state.batch().status)) {
      count_end(found->state.batch());
      turns_.remove(id);
      active_.erase(id);
    }
    pump();
  });
}

void jobs_desk::fetch(active& x) {
  ask<store_page>(x.state.ask(), [this, id = x.state.id()](caf::expected<store_page> page) {
    auto* found = find_active(id);
    if (!found)
      return;
    auto changes = page ? found->state.fetched(std::move(*page)) : page.error();
    if (!changes)
      return break_down(changes.error());
    if (!changes->empty())
      write(std::move(*changes), [] {});
    pump();
  });
}

/// The last step of a batch, where nothing is left of it.
void jobs_desk::settle(active& x) {
  auto changes = x.state.settle(now_seconds());
  if (changes.empty())
    return;
  auto& batch = x.state.batch();
  for (auto bytes : {batch.output_bytes, batch.error_bytes})
    total_ += bytes > 0 ? weight_of(bytes) : 0;
  changes.push_back(total());
  count_end(batch);
  write(std::move(changes), [this, id = x.state.id()] {
    turns_.remove(id);
    active_.erase(id);
  });
}

/// Jobs use what is left over.
bool jobs_desk::crowded() const {
  auto& settings = *setup_.settings;
  return uint64_t{setup_.interactive()} * 100 >
         uint64_t{settings.limits.in_flight_max} * settings.jobs.interactive_percent_max;
}

/// Fetches, starts and ends what can be.
void jobs_desk::pump() {
  if (broken_ || draining_ || !loaded_)
    return;
  for (auto& [id, x] : active_) {
    // The lines are there when they are on the disk: a look before that would find none, and end
    // the batch.
    if (x->check && x->state.batch().status == batch_status::in_progress)
      continue;
    if (x->state.wants_lines())
      fetch(*x);
    gathered(*x);
    settle(*x);
  }
  auto time = now();
  while (runs_.size() < limits().calls_max && !crowded()) {
    auto id = turns_.next([&](const std::string& batch) {
      auto* x = find_active(batch);
      return x && x->state.has_lines() && time >= x->paused_until;
    });
    auto* of = find_active(id);
    auto line = of ? of->state.take() : std::nullopt;
    if (!line)
      break;
    start(*of, std::move(*line));
  }
}

} // namespace sluice
