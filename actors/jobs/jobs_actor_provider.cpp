#include "actors/jobs/jobs_actor.hpp"
#include "actors/jobs/jobs_store.hpp"
#include "actors/jobs/part_requests.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>

namespace sluice {

using namespace std::chrono_literals;

namespace {

/// Of a question that carries no file: a provider answers it in a second.
constexpr std::chrono::seconds question_time = 30s;

/// Between two tries where the provider has trouble: as for a line of our own.
constexpr std::chrono::milliseconds pause_first{1'000};
constexpr std::chrono::milliseconds pause_max{60'000};

/// A provider that takes no part for so long is not waited for: a day is enough to execute the
/// lines here.
constexpr std::chrono::hours handing_over_max{1};

/// Tries to remove a file that nobody needs.
constexpr uint32_t removal_tries = 5;

/// Pages of a provider's list that are looked through, of 100 each: what was made after ours, in
/// the moment between its creation and our next start.
constexpr uint32_t pages_max = 20;

/// While our creation may still be on its way there.
constexpr std::chrono::seconds look_again = 5s;

/// A cancelled batch is over there soon.
constexpr std::chrono::milliseconds cancel_poll{10'000};

bool is_absent(const failure& why) {
  return why.upstream_status == 404 || why.upstream_status == 405 || why.upstream_status == 501;
}

/// Whether the call cannot have made anything there.
bool is_clean(const failure& why) {
  return !why.sent || is_absent(why) || why.code == ec::upstream_rejected ||
         why.code == ec::upstream_unavailable || why.code == ec::overloaded;
}

bool is_making(part_action x) {
  return x == part_action::upload || x == part_action::create;
}

} // namespace

void jobs_desk::ask_provider(part_run& x, part_action action, shared_body body) {
  auto& part = x.state.record();
  if (draining_ || broken_)
    return;
  auto carries_file = action == part_action::upload || action == part_action::read;
  x.doing = action;
  x.until.at =
      now() + (carries_file ? std::chrono::nanoseconds{setup_.settings->limits.request_timeout}
                            : question_time);
  x.call = call_next_++;
  part_calls_.emplace(x.call, part.id);
  upstream_call out;
  out.call = x.call;
  out.client = caf::actor_cast<call_client_actor>(self_);
  out.request_id = part.batch;
  out.attempt_id = part.id;
  // A breaker of its own: no model is ill where a batch endpoint is, nor the other way round.
  out.deployment = part.provider + ":batches";
  out.kind = part.kind;
  out.body = std::move(body);
  out.until = x.until;
  out.tenant = part.tenant;
  out.patience = urgency::deferred;
  auto after = x.list_after.empty() ? std::string{} : "&after=" + x.list_after;
  switch (action) {
  case part_action::upload:
    out.path = "files";
    out.method = call_method::upload;
    break;
  case part_action::find_upload:
    out.path = "files?purpose=batch&limit=100" + after;
    out.method = call_method::get;
    break;
  case part_action::create:
    out.path = "batches";
    break;
  case part_action::find_batch:
    out.path = "batches?limit=100" + after;
    out.method = call_method::get;
    break;
  case part_action::poll:
    out.path = "batches/" + part.remote;
    out.method = call_method::get;
    break;
  case part_action::cancel:
    out.path = "batches/" + part.remote + "/cancel";
    break;
  case part_action::read:
    out.path = "files/" + x.state.subject() + "/content";
    out.method = call_method::get;
    out.mode = reply_mode::stream;
    break;
  case part_action::remove:
    out.path = "files/" + x.state.subject();
    out.method = call_method::remove;
    break;
  case part_action::finish:
  case part_action::forget:
    break;
  }
  self_->send(setup_.targets.upstreams.at(part.provider), std::move(out));
}

part_run* jobs_desk::part_of_call(uint64_t call) {
  auto found = part_calls_.find(call);
  return found == part_calls_.end() ? nullptr : find_part(found->second);
}

void jobs_desk::leave_part_call(part_run& x) {
  if (x.call == 0)
    return;
  auto target = setup_.targets.upstreams.find(x.state.record().provider);
  if (target != setup_.targets.upstreams.end())
    self_->send(target->second, cancel_call{x.call});
  part_calls_.erase(x.call);
  x.call = 0;
  if (building_ == x.state.record().id)
    building_.clear();
}

void jobs_desk::part_answered(part_run& x, const std::string& body) {
  part_calls_.erase(x.call);
  x.call = 0;
  if (building_ == x.state.record().id)
    building_.clear();
  auto doing = x.doing;
  failure unreadable;
  unreadable.code = ec::upstream_bad_response;
  if (doing == part_action::upload) {
    auto file = id_in(body);
    if (file.empty())
      return part_failed(x, unreadable);
    x.pause = {};
    x.trouble_since = {};
    return part_wrote(x, x.state.uploaded(std::move(file)));
  }
  if (doing == part_action::find_upload || doing == part_action::find_batch)
    return part_found(x, body);
  if (doing == part_action::remove)
    return part_wrote(x, x.state.removed());
  auto seen = batch_in(body);
  if (!seen)
    return part_failed(x, unreadable);
  x.pause = {};
  x.trouble_since = {};
  x.failures = 0;
  if (doing == part_action::create) {
    ++figures_.parts_handed_over;
    untold_ = true;
    log_part(x, "handed over " + std::to_string(x.state.record().lines.size()) + " lines as " +
                    seen->id);
    part_wrote(x, x.state.created(*seen));
  } else {
    x.state.seen(*seen);
    if (doing == part_action::cancel)
      x.state.cancelled();
    if (!seen->message.empty())
      log_part(x, seen->status + ": " + seen->message);
  }
  auto* of = provider_of(x.state.record().provider);
  auto interval = of->batch_endpoint.poll_interval;
  auto waits = x.state.next(x.ending) == part_action::poll;
  x.due = waits ? now() + (x.ending ? std::min(interval, cancel_poll) : interval) : steady_time{};
  if (!x.busy)
    drive(x.state.record().id);
}

/// A page of what is there.
void jobs_desk::part_found(part_run& x, const std::string& body) {
  auto& part = x.state.record();
  auto next_page = [&](std::string after) {
    x.list_after = std::move(after);
    auto again = !x.list_after.empty() && ++x.pages < pages_max;
    if (!again) {
      x.list_after.clear();
      x.pages = 0;
    }
    return again;
  };
  if (x.doing == part_action::find_upload) {
    auto page = find_upload(body, part);
    if (!page.found && next_page(std::move(page.after)))
      return ask_provider(x, x.doing, {});
    next_page({});
    return part_wrote(x, page.found ? x.state.uploaded(std::move(*page.found))
                                    : x.state.upload_missing());
  }
  auto page = find_batch(body, part);
  if (!page.found && next_page(std::move(page.after)))
    return ask_provider(x, x.doing, {});
  next_page({});
  if (page.found) {
    ++figures_.parts_handed_over;
    log_part(x, "found " + page.found->id + " again");
    return part_wrote(x, x.state.created(*page.found));
  }
  x.state.batch_missing(now_seconds());
  if (x.state.next(x.ending) == part_action::find_batch)
    x.due = now() + look_again;
  drive(part.id);
}

void jobs_desk::part_failed(part_run& x, const failure& why) {
  part_calls_.erase(x.call);
  x.call = 0;
  auto& part = x.state.record();
  if (building_ == part.id)
    building_.clear();
  x.list_after.clear();
  x.pages = 0;
  if (is_making(x.doing) && !is_clean(why))
    x.state.lost();
  auto over = x.doing == part_action::cancel && why.upstream_status == 409;
  if (over || is_absent(why) || why.code == ec::upstream_rejected)
    return part_refused(x, why);
  auto time = now();
  ++x.failures;
  if (x.trouble_since == steady_time{})
    x.trouble_since = time;
  x.pause = std::clamp(x.pause * 2, pause_first, pause_max);
  x.due = time + std::max(x.pause, why.retry_after);
  log_part(x, "waits " + std::to_string(x.pause.count()) + " ms: " + to_string(why.code));
  if (x.doing == part_action::remove && x.failures >= removal_tries)
    return part_wrote(x, x.state.removed());
  if (part.state <= part_state::uploaded && time - x.trouble_since > handing_over_max) {
    log_part(x, "not taken for an hour: its lines are executed here");
    x.state.give_up();
    x.due = {};
  }
  arm();
}

/// The provider said no, and will say so again.
void jobs_desk::part_refused(part_run& x, const failure& why) {
  auto& part = x.state.record();
  auto absent = is_absent(why);
  x.due = {};
  switch (x.doing) {
  case part_action::upload:
  case part_action::create:
  case part_action::find_upload:
  case part_action::find_batch:
    // Where only our file is missing there, the endpoint is not.
    if (absent && why.param != "input_file_id" && without_endpoint_.insert(part.provider).second &&
        setup_.log)
      setup_.log->lines()->warn("provider {} has no batch endpoint (status {}): lines of batches "
                                "are executed one by one until the next start",
                                part.provider, why.upstream_status);
    if (!absent)
      log_part(x, "refused, its lines are executed here: " + why.message);
    x.state.give_up();
    break;
  case part_action::poll:
    if (why.upstream_status == 404) {
      log_part(x, "is not known there any more: its lines are executed here");
      x.state.give_up();
    } else {
      x.due = now() + provider_of(part.provider)->batch_endpoint.poll_interval;
    }
    break;
  case part_action::cancel: // it is over already
    x.state.cancelled();
    break;
  case part_action::read:
    if (absent)
      x.state.file_read();
    else
      x.due = now() + provider_of(part.provider)->batch_endpoint.poll_interval;
    break;
  case part_action::remove:
    return part_wrote(x, x.state.removed());
  case part_action::finish:
  case part_action::forget:
    break;
  }
  drive(part.id);
}

} // namespace sluice
