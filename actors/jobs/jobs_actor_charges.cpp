#include "actors/jobs/jobs_actor.hpp"
#include "runtime/charge_rules.hpp"

/// What a line has to do with the ledger: each attempt that we make ourselves is reserved before it
/// is sent, and settled before its result is written down.
namespace sluice {

namespace {

caf::error ledger_broken() {
  return make_error(ec::storage_failed, "The ledger cannot be written.");
}

} // namespace

nanousd jobs_desk::most_of(const run& x, const deployment& to) const {
  auto kind = active_.at(x.batch)->state.batch().kind;
  return charge_most({kind, x.line.output_tokens_max, x.line.choices}, x.line.body, to);
}

void jobs_desk::charge(uint64_t id) {
  auto& x = runs_.at(id);
  charge_order order;
  auto& purpose = order.purpose;
  purpose.owner = {x.record.tenant, x.record.team, x.record.user, x.record.key_id};
  purpose.request_id = x.record.request_id;
  purpose.attempt = x.record.attempts + 1U;
  purpose.route = x.record.route;
  purpose.model = x.line.model;
  purpose.deployment = x.to->id;
  if (x.to->price)
    purpose.price_version = x.to->price->version;
  order.most = most_of(x, *x.to);
  x.reserving = true;
  auto number = charges_.reserve(std::move(order),
                                 [this, id](const charge_verdict& y) { on_charged(id, y); });
  if (auto found = runs_.find(id); found != runs_.end() && found->second.reserving)
    found->second.reservation = number;
}

void jobs_desk::on_charged(uint64_t id, const charge_verdict& verdict) {
  auto& x = runs_.at(id);
  x.reserving = false;
  auto* of = find_active(x.batch);
  auto goes_on = of && of->state.batch().status == batch_status::in_progress && !draining_;
  auto late = x.until.passed(now());
  if (verdict.why == ec::none && goes_on && !late) {
    x.charge = verdict.id;
    return send_call(id);
  }
  charges_.settle(verdict.id, outcome_of_nothing());
  if (verdict.why == ec::storage_failed)
    return break_down(ledger_broken());
  failure why;
  why.code = verdict.why != ec::none ? verdict.why : ec::deadline_exceeded;
  why.message = verdict.message;
  if (!goes_on)
    return put_back(id, why);
  if (verdict.downgrade && ask_cheaper(id))
    return;
  // A budget that begins anew while the batch has time is waited for.
  using std::chrono::duration_cast;
  auto left = std::chrono::seconds{of->state.batch().expires_at - now_seconds()};
  if (why.code == ec::budget_exceeded && verdict.retry_after >= std::chrono::milliseconds{0} &&
      verdict.retry_after < left)
    return put_back(id, why);
  refuse(id, why);
}

/// Goes on to the next candidate that costs less; false where there is none.
bool jobs_desk::ask_cheaper(uint64_t id) {
  auto& x = runs_.at(id);
  auto most = most_of(x, *x.to);
  for (auto i = x.progress.candidate + 1; i < x.progress.candidates; ++i) {
    auto* next = setup_.targets.models->find_deployment(x.candidates[i].deployment);
    if (!next || !next->price || most_of(x, *next) >= most)
      continue;
    x.progress.candidate = i;
    x.progress.attempts_here = 0;
    ++x.record.fallbacks;
    call(id);
    return true;
  }
  return false;
}

/// Writes the charge down, then what was answered: a result without its charge would be free.
void jobs_desk::settle(uint64_t id, const charge_outcome& outcome, line_outcome&& answer) {
  auto& x = runs_.at(id);
  x.ended = true; // no attempt of it is due any more
  auto kept = std::make_shared<line_outcome>(std::move(answer));
  charges_.settle(std::exchange(x.charge, {}), outcome, [this, id, kept](ec why) {
    if (why == ec::storage_failed)
      return break_down(ledger_broken());
    end(id, std::move(*kept), 200, ec::none);
  });
}

void jobs_desk::on_verdicts(const ledger_verdicts& x) {
  charges_.take(x);
  quit_when_done();
}

} // namespace sluice
