#include "api/sim/sim_slots.hpp"

#include <algorithm>

namespace sluice {

sim_slots::entry sim_slots::enter(uint64_t call, steady_time now) {
  if (limits_.slots == 0 || serving_.size() < limits_.slots) {
    serving_.insert(call);
    return entry::started;
  }
  if (queue_.size() >= limits_.queue_max)
    return entry::refused;
  queue_.push_back({call, now});
  return entry::queued;
}

std::optional<sim_slots::start> sim_slots::leave(uint64_t call, steady_time now) {
  if (serving_.erase(call) == 0) {
    auto i = std::find_if(queue_.begin(), queue_.end(),
                          [call](const waiter& x) { return x.call == call; });
    if (i != queue_.end())
      queue_.erase(i);
    return std::nullopt;
  }
  if (queue_.empty())
    return std::nullopt;
  auto next = queue_.front();
  queue_.pop_front();
  serving_.insert(next.call);
  return start{next.call, now - next.since};
}

} // namespace sluice
