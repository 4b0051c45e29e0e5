#pragma once

#include "runtime/actors.hpp"
#include "storage/store.hpp"

#include <caf/typed_response_promise.hpp>

#include <memory>
#include <vector>

namespace sluice {

/// Said by the store to itself, behind the writes that already wait in its mailbox.
using flush_atom = caf::atom_constant<caf::atom("flush")>;

using flushing_store_actor = store_actor::extend<caf::reacts_to<flush_atom>>;

struct store_state {
  static inline constexpr const char* name = "store";

  void flush();

  std::unique_ptr<store> disk;
  std::vector<store_write> waiting;
  std::vector<caf::typed_response_promise<store_written>> owed; ///< one for each of `waiting`
  uint64_t bytes = 0;                                           ///< of `waiting`
};

/// Spawned by the composition root, once a node, on a thread of its own, for it waits for the disk.
/// Owns the database. Writes that come while it waits for one are made together by the next (group
/// commit): with one fsync for all of them, the more there is to do the less each costs. Reads are
/// answered in between and see what is on the disk. Asks nobody; stops at `drain`, which comes
/// after everybody who writes has ended, with a last write of what waits.
///
/// What waits is bounded by those who write: each bounds what it has under way.
flushing_store_actor::behavior_type
store_keeper(flushing_store_actor::stateful_pointer<store_state> self,
             std::shared_ptr<std::unique_ptr<store>> disk);

} // namespace sluice
