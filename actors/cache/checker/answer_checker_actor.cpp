#include "actors/cache/checker/answer_checker_actor.hpp"

#include "actors/cache/checker/check_prompt.hpp"

namespace sluice {

namespace {

constexpr std::chrono::seconds tick_time{1};

/// Whether a provider that failed so may charge for it all the same.
bool may_cost(const failure& why) {
  switch (why.code) {
  case ec::upstream_timeout:
  case ec::upstream_bad_response:
  case ec::upstream_stream_cut:
  case ec::deadline_exceeded:
    return why.sent;
  default:
    return false;
  }
}

/// Of a body that is not written yet; twice the usual four bytes a token, as it is set aside of a
/// budget.
int64_t tokens_of(const answer_check& x) {
  constexpr size_t instruction_tokens = 250;
  auto bytes = std::min(x.question.size(), check_text_bytes_max) +
               std::min(x.kept.size(), check_text_bytes_max) +
               std::min(x.fresh.size(), check_text_bytes_max);
  return static_cast<int64_t>(instruction_tokens + bytes / 2);
}

} // namespace

check_desk::check_desk(ticking_answer_checker_actor::pointer self, answer_checker_setup setup)
    : self_(self), setup_(std::move(setup)), budget_(setup_.budget), random_(setup_.seed),
      call_next_((uint64_t{setup_.number} << 48) + 1) {}

caf::result<check_result> check_desk::check(answer_check&& asked) {
  if (stopping_ || runs_.size() >= under_way_max)
    return check_result{asked.ticket, check_outcome::declined};
  auto id = call_next_++;
  auto& x = runs_[id];
  x.asked = std::move(asked);
  x.answer = self_->make_response_promise<check_result>();
  x.started = now();
  x.until.at = x.started + patience;
  auto& record = x.record;
  record.at = setup_.wall();
  record.request_id = "check-" + std::to_string(id & 0xffffffffffffULL) + "-" +
                      std::to_string(record.at.time_since_epoch() / std::chrono::seconds{1});
  record.tenant = x.asked.tenant;
  record.method = "POST";
  record.route = "cache check";
  record.model = setup_.model;
  record.inference = true;
  route_query query;
  query.request_id = record.request_id;
  query.tenant = record.tenant;
  query.model = setup_.model;
  query.kind = endpoint::chat_completions;
  query.input_tokens = tokens_of(x.asked);
  query.output_tokens_max = check_output_tokens_max;
  self_->request(setup_.router, patience, std::move(query))
      .then([this, id](const route_decision& decision) { call(id, decision); },
            [this, id](const caf::error& error) {
              if (auto at = runs_.find(id); at != runs_.end())
                give_up(at, code_of(error));
            });
  arm();
  return x.answer;
}

void check_desk::call(uint64_t id, const route_decision& decision) {
  auto at = runs_.find(id);
  if (at == runs_.end())
    return;
  auto& x = at->second;
  auto& first = decision.candidates.front();
  auto* to = setup_.targets.models->find_deployment(first.deployment);
  auto target = to ? setup_.targets.maker(*to, endpoint::chat_completions) : upstream_actor{};
  if (!target || x.until.passed(now()))
    return give_up(at, target ? ec::deadline_exceeded : ec::internal);
  if (!budget_.reserve(first.estimate_max, setup_.wall()))
    return end(at, check_outcome::declined);
  x.to = to;
  x.target = target;
  x.reserved = first.estimate_max;
  upstream_call out;
  out.call = id;
  out.client = caf::actor_cast<call_client_actor>(self_);
  out.request_id = x.record.request_id;
  out.attempt_id = x.record.request_id + "-1";
  out.deployment = to->id;
  out.body = shared_body{check_request(x.asked, to->upstream_model, random_())};
  out.until = x.until;
  out.tenant = x.record.tenant;
  x.record.attempts = 1;
  x.record.request_bytes = out.body.size();
  x.record.deployment = to->id;
  x.record.provider = to->provider;
  x.record.provider_kind = to->provider_kind;
  x.record.upstream_model = to->upstream_model;
  self_->send(target, std::move(out));
}

void check_desk::on_reply(upstream_reply& reply) {
  auto at = runs_.find(reply.call);
  if (at == runs_.end())
    return;
  auto& x = at->second;
  auto& record = x.record;
  record.upstream = reply.timing.total;
  record.usage = reply.usage;
  record.usage_known = reply.usage_known;
  record.response_bytes = reply.body.size();
  record.share = reply.share;
  std::optional<nanousd> spent;
  if (reply.share.cost_known)
    spent = reply.share.cost;
  else if (reply.usage_known && x.to->price)
    spent = cost(reply.usage, x.to->price->price);
  record.cost = spent.value_or(nanousd{});
  settle(x, spent.value_or(x.reserved)); // what nobody knows was as much as it can be
  record.status = 200;
  end(at, check_outcome_of(reply.body));
}

void check_desk::on_failure(const upstream_failure& outcome) {
  auto at = runs_.find(outcome.call);
  if (at == runs_.end())
    return;
  auto& x = at->second;
  x.record.upstream = outcome.timing.total;
  x.record.cost = outcome.wasted_cost;
  settle(x, may_cost(outcome.why) ? x.reserved : outcome.wasted_cost);
  give_up(at, outcome.why.code);
}

void check_desk::settle(run& x, nanousd spent) {
  budget_.settle(std::exchange(x.reserved, nanousd{}), spent, setup_.wall());
}

/// Without a word of a model.
void check_desk::give_up(runs::iterator at, ec why) {
  auto& record = at->second.record;
  record.error = why;
  auto status = properties(why).http_status;
  record.status = status == 0 ? uint16_t{500} : status;
  end(at, check_outcome::unknown);
}

void check_desk::end(runs::iterator at, check_outcome outcome) {
  auto& x = at->second;
  x.record.duration = now() - x.started;
  x.answer.deliver(check_result{x.asked.ticket, outcome});
  if (setup_.monitor && x.to) { // a call was made
    loop_report out;
    out.loop = setup_.number;
    out.requests.push_back(std::move(x.record));
    caf::anon_send(setup_.monitor, std::move(out)); // its answer is credit, and checks are few
  }
  runs_.erase(at);
}

void check_desk::tick() {
  ticking_ = false;
  auto time = now();
  for (auto at = runs_.begin(); at != runs_.end();) {
    auto each = at++;
    auto& x = each->second;
    if (time <= x.until.at + grace)
      continue;
    if (x.target)
      self_->send(x.target, cancel_call{each->first});
    if (x.to)
      settle(x, x.reserved);
    give_up(each, ec::upstream_timeout);
  }
  arm();
}

void check_desk::arm() {
  if (ticking_ || runs_.empty())
    return;
  ticking_ = true;
  self_->delayed_send(self_, tick_time, check_tick_atom::value);
}

void check_desk::stop() {
  stopping_ = true;
  for (auto at = runs_.begin(); at != runs_.end();) {
    auto each = at++;
    if (each->second.target)
      self_->send(each->second.target, cancel_call{each->first});
    if (each->second.to)
      settle(each->second, each->second.reserved);
    give_up(each, ec::shutting_down);
  }
  self_->quit();
}

ticking_answer_checker_actor::behavior_type
answer_checker(ticking_answer_checker_actor::stateful_pointer<answer_checker_state> self,
               answer_checker_setup setup) {
  self->state.desk = std::make_unique<check_desk>(self, std::move(setup));
  auto* desk = self->state.desk.get();
  return {
      [desk](upstream_reply& x) { desk->on_reply(x); },
      [desk](const upstream_failure& x) { desk->on_failure(x); },
      // Nothing is asked for as a stream.
      [](const stream_block&) {},
      [](const stream_end&) {},
      [desk](answer_check& x) { return desk->check(std::move(x)); },
      [desk](const drain&) { desk->stop(); },
      [desk](check_tick_atom) { desk->tick(); },
  };
}

} // namespace sluice
