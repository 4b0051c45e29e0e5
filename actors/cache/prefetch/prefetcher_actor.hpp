#pragma once

#include "actors/cache/prefetch/succession.hpp"
#include "runtime/cache_warming.hpp"

#include <memory>

namespace sluice {

struct prefetcher_state {
  static inline constexpr const char* name = "prefetcher";

  std::unique_ptr<succession> known;
  std::shared_ptr<cache_warming> gate;
};

/// Learns what is usually asked after what, and orders it from the host that told it of the
/// question before. Spawned by the node, one, where the operator wants it; owns what it has learnt,
/// which ends with it. A host that dies is not missed. Stops at `drain`. Notes passed `gate`, which
/// bounds its mailbox.
prefetcher_actor::behavior_type
prefetcher_role(prefetcher_actor::stateful_pointer<prefetcher_state> self,
                const succession_settings& settings, std::shared_ptr<cache_warming> gate);

} // namespace sluice
