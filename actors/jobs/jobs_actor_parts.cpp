#include "actors/jobs/jobs_actor.hpp"
#include "actors/jobs/jobs_store.hpp"
#include "actors/jobs/part_requests.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <iterator>

namespace sluice {

using namespace std::chrono_literals;

namespace {

/// A batch that ends waits so long for what a provider has done of it: OpenAI cancels within ten
/// minutes.
constexpr std::chrono::minutes farewell_max{15};

} // namespace

part_run* jobs_desk::find_part(const std::string& id) {
  auto found = parts_.find(id);
  return found == parts_.end() ? nullptr : found->second.get();
}

void jobs_desk::log_part(const part_run& x, const std::string& what) {
  auto& part = x.state.record();
  if (setup_.log)
    setup_.log->lines()->info("{} {} at {}: {}", part.batch, part.id, part.provider, what);
}

/// Only one file is in memory at a time, and only so many parts are at a provider.
bool jobs_desk::may_upload(const part_run& x) const {
  if (!building_.empty())
    return false;
  if (x.state.state() != part_state::chosen)
    return true;
  auto& name = x.state.record().provider;
  auto there = std::count_if(parts_.begin(), parts_.end(), [&](auto& entry) {
    return entry.second->state.there() && entry.second->state.record().provider == name;
  });
  return static_cast<uint64_t>(there) < provider_of(name)->batch_endpoint.parts_max;
}

/// The next step of a part, where it is time for one.
void jobs_desk::drive(const std::string& id) {
  auto* found = find_part(id);
  if (!found || broken_ || draining_)
    return;
  auto& x = *found;
  auto time = now();
  auto* of = find_active(x.state.record().batch);
  auto ending = !of || of->state.batch().status != batch_status::in_progress;
  if (ending && !std::exchange(x.ending, true)) {
    x.ending_since = time;
    x.due = {};
  }
  if (x.call != 0 && time > x.until.at + 5s) { // the upstream is dead
    leave_part_call(x);
    failure why;
    why.code = ec::upstream_timeout;
    return part_failed(x, why);
  }
  if (x.busy || x.writing || x.call != 0 || time < x.due)
    return;
  auto& part = x.state.record();
  auto reachable = provider_of(part.provider) &&
                   setup_.targets.upstreams.count(part.provider) > 0 &&
                   setup_.targets.models->find_deployment(part.deployment);
  auto late = x.ending && time - x.ending_since > farewell_max;
  auto refused = without_endpoint_.count(part.provider) > 0 && part.remote.empty();
  if (!reachable || late || refused)
    x.state.give_up();
  auto action = x.state.next(ending);
  if (action == part_action::finish)
    return finish_part(x);
  if (action == part_action::forget || !reachable) {
    x.busy = true;
    return write(x.state.forgotten(), [this, id] {
      parts_.erase(id);
      untold_ = true;
      pump();
    });
  }
  if (action == part_action::upload && !may_upload(x))
    return;
  if (action == part_action::read)
    return read_results(x);
  prepare(x, action);
}

/// Writes down what is about to be asked, then asks.
void jobs_desk::prepare(part_run& x, part_action action) {
  auto& id = x.state.record().id;
  if (action == part_action::upload)
    building_ = id;
  x.busy = true;
  auto go = [this, id, action] {
    auto* found = find_part(id);
    if (!found)
      return;
    if (action == part_action::upload)
      return build_upload(*found);
    found->busy = false;
    ask_provider(*found, action,
                 action == part_action::create ? creation_body(found->state.record())
                                               : std::string{});
  };
  auto changes = x.state.before(action, now_seconds());
  if (changes.empty())
    return go();
  write(std::move(changes), go);
}

/// Makes the file of the part's lines, then sends it.
void jobs_desk::build_upload(part_run& x) {
  auto& part = x.state.record();
  x.body = upload_head(part);
  walk_lines(
      part.id, before_lines(part),
      [this](part_run& to, job_line&& line) {
        auto& of = to.state.record();
        auto* deployment = setup_.targets.models->find_deployment(of.deployment);
        append_part_line(to.body, line, of.kind, deployment->upstream_model);
      },
      [this](part_run& to) {
        to.busy = false;
        to.body.append(upload_tail());
        ask_provider(to, part_action::upload, shared_body{std::exchange(to.body, {})});
      });
}

/// Writes a step down and goes on with the next.
void jobs_desk::part_wrote(part_run& x, store_changes changes) {
  x.busy = true;
  auto go = [this, id = x.state.record().id] {
    if (auto* found = find_part(id))
      found->busy = false;
    drive(id);
    arm();
  };
  if (changes.empty())
    return go();
  write(std::move(changes), go);
}

/// What has no result goes back to its batch.
void jobs_desk::finish_part(part_run& x) {
  auto id = x.state.record().id;
  std::vector<uint32_t> left;
  if (x.names)
    for (auto& [number, line] : *x.names)
      left.push_back(number);
  else
    left = x.state.record().lines;
  if (!left.empty())
    log_part(x, std::to_string(left.size()) + " lines come back without a result, " +
                    std::to_string(x.reader ? x.reader->unreadable() : 0) + " were unreadable");
  x.names.reset();
  x.reader.reset();
  auto changes = x.state.finished();
  if (auto* of = find_active(x.state.record().batch)) {
    auto more = of->state.taken_back(left);
    figures_.lines_taken_back += more.size();
    std::move(more.begin(), more.end(), std::back_inserter(changes));
  }
  untold_ = true;
  x.busy = true;
  write(std::move(changes), [this, id] {
    auto* found = find_part(id);
    found->busy = false;
    found->failures = 0;
    found->due = {};
    pump();
    drive(id);
  });
}

} // namespace sluice
