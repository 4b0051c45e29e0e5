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
    // Texts wait to be read. It stands behind the lookups that came before it: they are read
    // together.
    caf::reacts_to<keeper_wake_atom>,
    // A second has passed.
    caf::reacts_to<keeper_tick_atom>,
    // There is more of the archive to be put into L1 and L2.
    caf::reacts_to<keeper_warm_atom>>;

/// What questions are read and compared with.
struct meaning_tools {
  std::shared_ptr<text_reader> reader; ///< null where an actor reads
  std::shared_ptr<text_judge> judge;
};

struct cache_keeper_setup {
  keeper_settings settings;
  /// What takes a moment to load; called on the actor's thread, once. Null where nothing is
  /// compared by meaning.
  std::function<meaning_tools()> make_tools;
  text_reader_actor reader; ///< null where `make_tools` makes one
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
  std::shared_ptr<text_judge> judge;
  std::unique_ptr<cache_keeper> keeper;
  std::vector<keeper_word> say; ///< empty between messages; keeps its memory
  bool woken = false;
  bool warms_later = false; ///< goes on with what follows a start once something has been read
};

/// Reads texts with `reader`. Spawned by the keeper, one where no provider reads, on a thread of
/// its own, as a text takes milliseconds. An order that fails is answered with why. Stops at
/// `drain`.
text_reader_actor::behavior_type encoder_thread(text_reader_actor::pointer self,
                                                std::shared_ptr<text_reader> reader);

/// Keeps L2 and L3. Spawned by the node, one, on a thread of its own, as it waits for the disk. It
/// owns the index by meaning and the thread of its encoder; the archive is its alone while it
/// lives. Clients that die are not waited for; a shard or monitor that dies is not missed. Where a
/// reader dies, questions go unread, and where a checker does, what it was asked proves nothing.
/// Stops at `drain`.
waking_cache_keeper_actor::behavior_type
cache_keeper_role(waking_cache_keeper_actor::stateful_pointer<cache_keeper_state> self,
                  std::shared_ptr<cache_keeper_setup> setup);

keeper_settings keeper_settings_of(const configuration& settings, uint64_t seed);

} // namespace sluice
