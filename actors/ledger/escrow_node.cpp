#include "actors/ledger/escrow_node.hpp"

#include <algorithm>

namespace sluice {

escrow_node::escrow_node(escrow_state state) : state_(std::move(state)) {
  for (auto& [id, most] : state_.open)
    reserved_ += most;
}

nanousd escrow_node::available() const {
  return state_.granted - state_.returned - state_.spent - reserved_;
}

bool escrow_node::reserve(const charge_id& id, nanousd most) {
  if (most < nanousd{} || most > available() || state_.outbox.contains(id) ||
      !state_.open.emplace(id, most).second)
    return false;
  reserved_ += most;
  return true;
}

bool escrow_node::settle(const charge_id& id, nanousd cost) {
  auto found = state_.open.extract(id);
  if (!found)
    return false;
  reserved_ = reserved_ - found.mapped();
  state_.spent += cost;
  state_.outbox[id] = cost;
  return true;
}

std::vector<settled_charge> escrow_node::recover(uint64_t incarnation) {
  std::vector<settled_charge> result;
  for (auto& [id, most] : state_.open)
    if (id.incarnation < incarnation)
      result.push_back({id, most});
  for (auto& x : result)
    settle(x.id, x.cost);
  return result;
}

bool escrow_node::on_grant(const grant_answer& x) {
  if (x.number != state_.grants + 1)
    return false;
  ++state_.grants;
  state_.granted += x.amount;
  return true;
}

nanousd escrow_node::give_back(nanousd most) {
  auto result = std::clamp(available(), nanousd{}, std::max(most, nanousd{}));
  state_.returned += result;
  return result;
}

settlement escrow_node::report(size_t charges_max) const {
  settlement result;
  result.returned = state_.returned;
  for (auto at = state_.outbox.begin();
       at != state_.outbox.end() && result.charges.size() < charges_max; ++at)
    result.charges.push_back({at->first, at->second});
  return result;
}

void escrow_node::on_confirmed(const std::vector<charge_id>& ids) {
  for (auto& id : ids)
    state_.outbox.erase(id);
}

} // namespace sluice
