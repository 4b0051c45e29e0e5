#include "actors/routing/router_actor.hpp"

namespace sluice {

namespace {

caf::result<route_decision> answer(router_state& state, const route_query& query, steady_time now) {
  auto decision = route(*state.models, query, state.health, now);
  if (!decision)
    return decision.error();
  state.health.tried(decision->candidates.front().deployment, now);
  return std::move(*decision);
}

void note_health(router_state& state, const deployment_health& x, steady_time now) {
  // Names that the catalogue does not have are not kept, so the view cannot outgrow it.
  if (x.available || !state.models->find_deployment(x.deployment))
    state.health.recovered(x.deployment);
  else
    state.health.failed(x.deployment, now);
}

} // namespace

router_actor::behavior_type router(router_actor::stateful_pointer<router_state> self,
                                   catalogue_ptr models) {
  self->state.models = std::move(models);
  return {
      [self](const route_query& query) { return answer(self->state, query, self->clock().now()); },
      [self](const deployment_health& x) { note_health(self->state, x, self->clock().now()); },
  };
}

} // namespace sluice
