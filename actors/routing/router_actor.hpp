#pragma once

#include "actors/routing/router.hpp"
#include "runtime/actors.hpp"

namespace sluice {

struct router_state {
  static inline constexpr const char* name = "router";

  catalogue_ptr models;
  health_view health;
};

/// Spawned by the composition root, once a node, on the scheduler; whoever asks from a loop wakes
/// it on that loop's thread. Owns its view of the deployments' health and shares the catalogue,
/// which never changes. Asks nobody and monitors nobody: when an upstream dies its calls fail, and
/// their callers go on to the next candidate. Holds no promises and sets no timers, so it stops as
/// soon as it is told to or nobody holds its handle.
///
/// Several loops have breakers of their own for the same deployment. The last word counts: it only
/// decides who is asked first.
router_actor::behavior_type router(router_actor::stateful_pointer<router_state> self,
                                   catalogue_ptr models);

} // namespace sluice
