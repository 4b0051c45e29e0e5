#include "actors/cache/prefetch/prefetcher_actor.hpp"

namespace sluice {

prefetcher_actor::behavior_type
prefetcher_role(prefetcher_actor::stateful_pointer<prefetcher_state> self,
                const succession_settings& settings, std::shared_ptr<cache_warming> gate) {
  self->state.known = std::make_unique<succession>(settings);
  self->state.gate = std::move(gate);
  return {
      [self](asked_note& x) {
        self->state.gate->leave_note();
        auto to = x.client;
        for (auto& order : self->state.known->learn(std::move(x), self->clock().now()))
          self->send(to, std::move(order));
      },
      [self](const drain&) { self->quit(); },
  };
}

} // namespace sluice
