#include "runtime/charge_desk.hpp"

#include "runtime/charge_rules.hpp"

namespace sluice {

uint64_t charge_desk::reserve(charge_order order, when_reserved then) {
  order.call = call_next_++;
  auto call = order.call;
  if (!ledger_) {
    charge_verdict granted;
    granted.call = call;
    then(granted);
    return call;
  }
  reserving_.emplace(call, std::move(then));
  ledger_orders out;
  out.client = client_();
  out.reserve.push_back(std::move(order));
  caf::anon_send(ledger_, std::move(out)); // it answers `client`
  return call;
}

void charge_desk::forget(uint64_t call) {
  if (auto found = reserving_.find(call); found != reserving_.end())
    found->second = {};
}

void charge_desk::settle(const charge_id& id, const charge_outcome& outcome, when_settled then) {
  if (!ledger_ || id.number == 0) {
    if (then)
      then(ec::none);
    return;
  }
  charge_end end;
  end.id = id;
  end.outcome = outcome;
  if (then) {
    end.call = call_next_++;
    settling_.emplace(end.call, std::move(then));
  }
  ledger_orders out;
  out.client = client_();
  out.settle.push_back(end);
  caf::anon_send(ledger_, std::move(out));
}

void charge_desk::take(const ledger_verdicts& x) {
  for (auto& verdict : x.reserved) {
    auto found = reserving_.extract(verdict.call);
    if (found && found.mapped())
      found.mapped()(verdict);
    else
      settle(verdict.id, outcome_of_nothing());
  }
  for (auto& ended : x.settled)
    if (auto found = settling_.extract(ended.call))
      found.mapped()(ended.why);
}

} // namespace sluice
