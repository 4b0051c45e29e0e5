#pragma once

#include "actors/cache/keeper/cache_keeper.hpp"
#include "runtime/configuration.hpp"
#include "runtime/keeper_gate.hpp"
#include "runtime/log.hpp"

#include <functional>

namespace sluice {

using keeper_wake_atom = caf::atom_constant<caf::atom("kp_wake")>;
using keeper_tick_atom = caf::atom_constant<caf::atom("kp_tick")>;
using keeper_warm_atom = caf::atom_constant<caf::atom("kp_warm")>;

using waking_cache_keeper_actor = cache_keeper_actor::extend<
    // Questions wait to be read. It stands behind the lookups that came before it: they are read
    // together.
    caf::reacts_to<keeper_wake_atom>,
    // A second has passed.
    caf::reacts_to<keeper_tick_atom>,
    // There is more of the archive to be put into L1 and L2.
    caf::reacts_to<keeper_warm_atom>>;

struct cache_keeper_setup {
  keeper_settings settings;
  /// What takes a moment to load; called on the actor's thread, once.
  std::function<std::unique_ptr<text_judge>()> make_judge;
  std::shared_ptr<answer_archive> archive;
  std::vector<cache_shard_actor> shards; ///< of L1, which is filled after the start
  monitor_actor monitor;
  std::shared_ptr<keeper_gate> gate; ///< what is told passed it
  std::shared_ptr<node_log> log;     ///< may be null
  answer_checker_actor checker;      ///< null where vectors are compared
};

struct cache_keeper_state {
  static inline constexpr const char* name = "cache_keeper";

  cache_keeper_setup setup;
  std::unique_ptr<text_judge> judge;
  std::unique_ptr<cache_keeper> keeper;
  std::vector<keeper_word> say; ///< empty between messages; keeps its memory
  bool woken = false;
};

/// Keeps L2 and L3. Spawned by the node, one, on a thread of its own, as it waits for the disk and
/// for the encoder. It owns the index by meaning; the archive is its alone while it lives. Clients
/// that die are not waited for; a shard or monitor that dies is not missed, and neither is a
/// checker: what it was asked proves nothing then. Stops at `drain`.
waking_cache_keeper_actor::behavior_type
cache_keeper_role(waking_cache_keeper_actor::stateful_pointer<cache_keeper_state> self,
                  std::shared_ptr<cache_keeper_setup> setup);

keeper_settings keeper_settings_of(const configuration& settings, uint64_t seed);

} // namespace sluice
