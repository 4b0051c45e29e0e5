#include "actors/cache/calls/own_calls.hpp"

#include "runtime/charge_rules.hpp"

namespace sluice {

namespace {

own_call_end declined() {
  return {own_call_end::kind::declined, ec::none, nullptr};
}

} // namespace

own_calls::own_calls(own_calls_host host, own_calls_setup setup)
    : host_(std::move(host)), setup_(std::move(setup)), budget_(setup_.budget),
      charges_(setup_.ledger, host_.ledger_client),
      call_next_((uint64_t{setup_.number} << 48) + 1) {}

void own_calls::make(own_call&& asked) {
  if (stopping_ || runs_.size() >= setup_.under_way_max)
    return asked.end(declined());
  auto id = call_next_++;
  auto& x = runs_[id];
  x.asked = std::move(asked);
  x.started = host_.now();
  x.until.at = x.started + setup_.patience;
  auto& record = x.record;
  record.at = setup_.wall();
  record.request_id = setup_.name + "-" + std::to_string(id & 0xffffffffffffULL) + "-" +
                      std::to_string(record.at.time_since_epoch() / std::chrono::seconds{1});
  record.tenant = x.asked.tenant;
  record.method = "POST";
  record.route = setup_.route;
  record.model = setup_.model;
  record.inference = true;
  route_query query;
  query.request_id = record.request_id;
  query.tenant = record.tenant;
  query.model = setup_.model;
  query.kind = setup_.kind;
  query.input_tokens = x.asked.input_tokens;
  query.output_tokens_max = x.asked.output_tokens_max;
  host_.ask_router(id, std::move(query));
  arm();
}

void own_calls::on_no_route(uint64_t id, ec why) {
  if (auto at = runs_.find(id); at != runs_.end())
    give_up(at, why);
}

void own_calls::on_route(uint64_t id, const route_decision& decision) {
  auto at = runs_.find(id);
  if (at == runs_.end())
    return;
  auto& x = at->second;
  auto& first = decision.candidates.front();
  auto* to = setup_.targets.models->find_deployment(first.deployment);
  auto target = to ? setup_.targets.maker(*to, setup_.kind) : upstream_actor{};
  if (!target || x.until.passed(host_.now()))
    return give_up(at, target ? ec::deadline_exceeded : ec::internal);
  if (!budget_.reserve(first.estimate_max, setup_.wall()))
    return end(at, declined());
  x.to = to;
  x.target = target;
  x.reserved = first.estimate_max;
  charge(at, first.estimate_max);
}

void own_calls::charge(runs::iterator at, nanousd most) {
  auto& x = at->second;
  charge_order order;
  order.purpose.owner.tenant = x.record.tenant;
  order.purpose.request_id = x.record.request_id;
  order.purpose.route = x.record.route;
  order.purpose.model = x.record.model;
  order.purpose.deployment = x.to->id;
  if (x.to->price)
    order.purpose.price_version = x.to->price->version;
  order.most = most;
  auto id = at->first;
  x.reserving = 1; // until the number is known, as the answer may come before it
  auto number = charges_.reserve(std::move(order),
                                 [this, id](const charge_verdict& y) { on_charged(id, y); });
  if (auto still = runs_.find(id); still != runs_.end() && still->second.reserving != 0)
    still->second.reserving = number;
}

void own_calls::on_charged(uint64_t id, const charge_verdict& verdict) {
  auto at = runs_.find(id);
  if (at == runs_.end())
    return;
  auto& x = at->second;
  auto* to = x.to;
  x.reserving = 0;
  x.charge = verdict.id;
  if (verdict.why != ec::none) {
    settle(x, {}, {});
    x.to = nullptr; // no call was made
    return end(at, declined());
  }
  if (x.until.passed(host_.now())) {
    settle(x, {}, outcome_of_nothing());
    x.to = nullptr;
    return give_up(at, ec::deadline_exceeded);
  }
  upstream_call out;
  out.call = id;
  out.client = host_.client();
  out.request_id = x.record.request_id;
  out.attempt_id = x.record.request_id + "-1";
  out.deployment = to->id;
  out.kind = setup_.kind;
  out.body = shared_body{x.asked.body(to->upstream_model)};
  out.until = x.until;
  out.tenant = x.record.tenant;
  x.record.attempts = 1;
  x.record.request_bytes = out.body.size();
  x.record.deployment = to->id;
  x.record.provider = to->provider;
  x.record.provider_kind = to->provider_kind;
  x.record.upstream_model = to->upstream_model;
  caf::anon_send(x.target, std::move(out)); // it answers `client`
}

void own_calls::on_reply(const upstream_reply& reply) {
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
  auto outcome = outcome_of_answer(reply.usage, reply.usage_known, reply.share, *x.to);
  record.cost = outcome.cost;
  // What nobody knows was as much as it can be.
  settle(x, outcome.has(charge_flag::assumed) ? x.reserved : outcome.cost, outcome);
  record.status = 200;
  end(at, {own_call_end::kind::answered, ec::none, &reply.body});
}

void own_calls::on_failure(const upstream_failure& outcome) {
  auto at = runs_.find(outcome.call);
  if (at == runs_.end())
    return;
  auto& x = at->second;
  x.record.upstream = outcome.timing.total;
  x.record.cost = outcome.wasted_cost;
  auto charged = outcome_of_failure(outcome);
  settle(x, charged.has(charge_flag::assumed) ? x.reserved : charged.cost, charged);
  give_up(at, outcome.why.code);
}

void own_calls::settle(run& x, nanousd spent, const charge_outcome& outcome) {
  budget_.settle(std::exchange(x.reserved, nanousd{}), spent, setup_.wall());
  charges_.settle(std::exchange(x.charge, {}), outcome);
}

void own_calls::give_up(runs::iterator at, ec why) {
  auto& record = at->second.record;
  record.error = why;
  auto status = properties(why).http_status;
  record.status = status == 0 ? uint16_t{500} : status;
  end(at, {own_call_end::kind::failed, why, nullptr});
}

/// Of a call that may be under way.
void own_calls::abandon(runs::iterator at, ec why) {
  auto& x = at->second;
  if (x.reserving != 0) { // nothing was sent
    charges_.forget(x.reserving);
    settle(x, {}, {});
    x.to = nullptr;
  } else if (x.to) {
    caf::anon_send(x.target, cancel_call{at->first});
    settle(x, x.reserved, outcome_of_leaving());
  }
  give_up(at, why);
}

void own_calls::end(runs::iterator at, const own_call_end& how) {
  auto x = std::move(runs_.extract(at).mapped());
  x.record.duration = host_.now() - x.started;
  if (setup_.monitor && x.to) { // a call was made
    loop_report out;
    out.loop = setup_.number;
    out.requests.push_back(std::move(x.record));
    caf::anon_send(setup_.monitor, std::move(out)); // its answer is credit, and these are few
  }
  x.asked.end(how);
}

void own_calls::tick() {
  ticking_ = false;
  auto time = host_.now();
  for (auto at = runs_.begin(); at != runs_.end();) {
    auto each = at++;
    if (time > each->second.until.at + grace)
      abandon(each, ec::upstream_timeout);
  }
  arm();
}

void own_calls::arm() {
  if (!ticking_ && !runs_.empty()) {
    ticking_ = true;
    host_.arm();
  }
}

void own_calls::on_verdicts(const ledger_verdicts& x) {
  charges_.take(x);
  if (stopped_ && charges_.idle())
    std::exchange(stopped_, {})();
}

void own_calls::stop(std::function<void()> done) {
  stopping_ = true;
  while (!runs_.empty())
    abandon(runs_.begin(), ec::shutting_down);
  if (charges_.idle())
    return done();
  stopped_ = std::move(done);
}

} // namespace sluice
