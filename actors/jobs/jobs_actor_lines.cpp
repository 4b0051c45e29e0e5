#include "actors/jobs/job_output.hpp"
#include "actors/jobs/jobs_actor.hpp"
#include "actors/jobs/jobs_store.hpp"
#include "runtime/charge_rules.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>

namespace sluice {

namespace {

/// Far more than a decision takes: the router is dead then.
constexpr std::chrono::seconds router_patience{30};

/// Pauses of a batch whose provider has no room: from the time after which a breaker usually lets a
/// trial through, doubled up to what a person would wait between looks.
constexpr std::chrono::milliseconds pause_first{1'000};
constexpr std::chrono::milliseconds pause_max{60'000};

/// Whether the line itself is all right and a later attempt costs nothing that was not due anyway:
/// a job has a day, and waits in place of failing.
bool can_wait(const failure& why) {
  switch (why.code) {
  case ec::overloaded:
  case ec::shutting_down:
  case ec::upstream_rate_limited:
  case ec::upstream_unavailable:
  case ec::upstream_unreachable:
    return true;
  default:
    return false;
  }
}

} // namespace

/// What is known of a line before it is executed.
request_record jobs_desk::record_of(const batch_object& batch, uint32_t line) const {
  request_record result;
  result.at = setup_.wall();
  result.request_id = batch.id + "-" + std::to_string(line);
  result.tenant = batch.owner.tenant;
  result.team = batch.owner.team;
  result.user = batch.owner.user;
  result.key_id = batch.owner.key_id;
  result.method = "POST";
  result.route = "batch line";
  result.inference = true;
  return result;
}

/// One attempt after the other, as for a request that comes alone.
void jobs_desk::start(active& of, job_line line) {
  auto& batch = of.state.batch();
  auto id = run_next_++;
  auto& x = runs_[id];
  x.batch = batch.id;
  x.started = now();
  auto left = std::chrono::seconds{std::max<int64_t>(1, batch.expires_at - now_seconds())};
  x.until.at =
      x.started + std::min<std::chrono::nanoseconds>(setup_.settings->limits.request_timeout, left);
  x.record = record_of(batch, line.number);
  auto& record = x.record;
  record.model = line.model;
  record.request_bytes = line.body.size();
  route_query query;
  query.request_id = record.request_id;
  query.tenant = record.tenant;
  query.model = line.model;
  query.kind = batch.kind;
  query.input_tokens = line.input_tokens;
  query.output_tokens_max = line.output_tokens_max;
  x.line = std::move(line);
  self_->request(setup_.router, router_patience, std::move(query))
      .then(
          [this, id](route_decision& decision) {
            auto found = runs_.find(id);
            if (found == runs_.end())
              return;
            found->second.candidates = std::move(decision.candidates);
            found->second.progress = {0, static_cast<uint32_t>(found->second.candidates.size()), 0};
            begin(id);
          },
          [this, id](const caf::error& error) {
            failure why;
            why.code = code_of(error);
            why.message = message_of(error);
            why.param = param_of(error);
            if (runs_.count(id) > 0)
              lost(id, why);
          });
}

/// Where the line is to go is known: to a provider with others, or on its own.
void jobs_desk::begin(uint64_t id) {
  auto& x = runs_.at(id);
  auto* of = find_active(x.batch);
  auto* to = setup_.targets.models->find_deployment(x.candidates.front().deployment);
  if (of && to && leaves(*of, x.line, *to))
    gather(id, *to);
  else
    call(id);
}

void jobs_desk::call(uint64_t id) {
  auto& x = runs_.at(id);
  auto time = now();
  failure why;
  auto* of = find_active(x.batch);
  x.to = setup_.targets.models->find_deployment(x.candidates[x.progress.candidate].deployment);
  auto target = x.to && of ? setup_.targets.maker(*x.to, of->state.batch().kind) : upstream_actor{};
  if (!target || x.until.passed(time)) {
    why.code = target ? ec::deadline_exceeded : ec::internal;
    x.progress.candidate = x.progress.candidates; // there is nowhere to go on to
    return lost(id, why);
  }
  charge(id);
}

// What a call has to do with the ledger stands in `jobs_actor_charges.cpp`: what comes next is
// called when its charge is reserved.
void jobs_desk::send_call(uint64_t id) {
  auto& x = runs_.at(id);
  auto kind = find_active(x.batch)->state.batch().kind;
  ++x.progress.attempts_here;
  ++x.record.attempts;
  x.call = call_next_++;
  calls_.emplace(x.call, id);
  upstream_call out;
  out.call = x.call;
  out.client = caf::actor_cast<call_client_actor>(self_);
  out.request_id = x.record.request_id;
  out.attempt_id = x.record.request_id + "-" + std::to_string(x.record.attempts);
  out.deployment = x.to->id;
  out.kind = kind;
  out.body = shared_body{body_for(x.line, x.to->upstream_model)};
  out.until = x.until;
  out.tenant = x.record.tenant;
  out.patience = urgency::deferred;
  self_->send(setup_.targets.maker(*x.to, kind), std::move(out));
}

jobs_desk::run* jobs_desk::run_of(uint64_t call) {
  auto found = calls_.find(call);
  if (found == calls_.end())
    return nullptr;
  auto& result = runs_.at(found->second);
  result.call = 0;
  return &result;
}

/// Nobody waits for the call of `x` any more.
void jobs_desk::leave_call(run& x) {
  if (std::exchange(x.reserving, false))
    charges_.forget(x.reservation);
  if (x.call == 0)
    return;
  charges_.settle(std::exchange(x.charge, {}), outcome_of_leaving());
  auto* of = find_active(x.batch);
  if (auto target = of ? setup_.targets.maker(*x.to, of->state.batch().kind) : upstream_actor{})
    self_->send(target, cancel_call{x.call});
  calls_.erase(x.call);
  x.call = 0;
}

void jobs_desk::on_reply(upstream_reply& reply) {
  if (auto* part = part_of_call(reply.call))
    return part_answered(*part, reply.body);
  auto* x = run_of(reply.call);
  if (!x)
    return;
  auto id = calls_.extract(reply.call).mapped();
  auto charged = outcome_of_answer(reply.usage, reply.usage_known, reply.share, *x->to);
  auto* of = find_active(x->batch);
  if (!of)
    return charges_.settle(std::exchange(x->charge, {}), charged);
  of->pause = {};
  auto& record = x->record;
  record.upstream += reply.timing.total;
  record.deployment = x->to->id;
  record.provider = x->to->provider;
  record.provider_kind = x->to->provider_kind;
  record.upstream_model = x->to->upstream_model;
  record.usage = reply.usage;
  record.usage_known = reply.usage_known;
  record.response_bytes = reply.body.size();
  record.share = reply.share;
  record.cost = charged.cost;
  line_outcome outcome;
  outcome.answered = true;
  outcome.text = response_line({x->batch, x->line.number, x->line.custom_id, record.request_id},
                               200, reply.body);
  outcome.charge = {record.request_id + "-" + std::to_string(record.attempts),
                    record.tenant,
                    x->to->id,
                    x->to->price ? x->to->price->version : std::string{},
                    now_seconds(),
                    record.usage,
                    record.cost};
  settle(id, charged, std::move(outcome));
}

void jobs_desk::on_failure(upstream_failure& outcome) {
  if (auto* part = part_of_call(outcome.call))
    return part_failed(*part, outcome.why);
  auto* x = run_of(outcome.call);
  if (!x)
    return;
  auto id = calls_.extract(outcome.call).mapped();
  x->record.upstream += outcome.timing.total;
  charges_.settle(std::exchange(x->charge, {}), outcome_of_failure(outcome));
  lost(id, outcome.why);
}

/// An attempt failed: again, elsewhere, later, or the line ends with it.
void jobs_desk::lost(uint64_t id, const failure& why) {
  auto& x = runs_.at(id);
  auto* of = find_active(x.batch);
  if (!of || of->state.batch().status != batch_status::in_progress)
    return put_back(id, why); // it is ending: no further attempt
  retry_settings retry;
  if (auto* provider = x.to ? provider_of(x.to->provider) : nullptr)
    retry = provider->retry;
  auto step = after_failure(why, x.progress, retry, x.until, now(), random_());
  if (step.what == next_step::kind::retry && !draining_) {
    x.due = now() + step.delay;
    x.record.upstream += step.delay;
    return arm();
  }
  if (step.what == next_step::kind::fallback && !draining_) {
    ++x.progress.candidate;
    x.progress.attempts_here = 0;
    ++x.record.fallbacks;
    return call(id);
  }
  if (can_wait(why) || (draining_ && step.what != next_step::kind::give_up))
    return put_back(id, why);
  refuse(id, why);
}

/// The line ends without an answer.
void jobs_desk::refuse(uint64_t id, const failure& why) {
  auto& x = runs_.at(id);
  line_outcome outcome;
  auto status = status_of_failure(why);
  outcome.text = response_line({x.batch, x.line.number, x.line.custom_id, x.record.request_id},
                               status, body_of_failure(why));
  end(id, std::move(outcome), status, why.code);
}

/// The batch waits until there may be room again; twice as long each time.
void jobs_desk::put_back(uint64_t id, const failure& why) {
  auto node = runs_.extract(id);
  auto& x = node.mapped();
  if (auto* of = find_active(x.batch)) {
    of->pause = std::clamp(of->pause * 2, pause_first, pause_max);
    of->paused_until = now() + std::max(of->pause, why.retry_after);
    of->state.give_back(std::move(x.line));
    if (setup_.log)
      setup_.log->lines()->info("{} waits {} ms: {}", x.batch, of->pause.count(),
                                to_string_view(why.code));
  }
  pump();
  quit_when_done();
}

/// Writes the result down; the line counts, and its place is free, when that is on the disk.
void jobs_desk::end(uint64_t id, line_outcome outcome, uint16_t status, ec error) {
  auto& x = runs_.at(id);
  auto* of = find_active(x.batch);
  if (broken_ || !of) {
    runs_.erase(id);
    return;
  }
  x.ended = true;
  x.record.status = status;
  x.record.error = error;
  x.record.duration = now() - x.started;
  count_line("own", outcome.answered, outcome.charge.cost);
  write(of->state.done(x.line, outcome), [this, id] {
    auto node = runs_.extract(id);
    if (auto* still = find_active(node.mapped().batch)) {
      still->state.written(node.mapped().line.number);
      settle(*still);
    }
    report(std::move(node.mapped().record));
    pump();
  });
}

void jobs_desk::report(request_record&& record) {
  if (!setup_.monitor)
    return;
  loop_report out;
  out.loop = setup_.number;
  out.requests.push_back(std::move(record));
  caf::anon_send(setup_.monitor, std::move(out)); // its answer is credit, and lines are few
}

} // namespace sluice
