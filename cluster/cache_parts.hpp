#pragma once

#include "actors/cache/calls/own_calls.hpp"
#include "actors/cache/keeper/cache_keeper_actor.hpp"
#include "runtime/log.hpp"

#include <caf/expected.hpp>

#include <memory>

/// What the node makes for its cache before any actor is there.
namespace sluice {

struct kept_answers {
  std::shared_ptr<answer_archive> archive; ///< null where nothing is kept for long
  uint64_t seed = 0;                       ///< of the keys in it
};

/// The folder of the archive; empty where there is none.
std::string archive_folder(const configuration& settings);

/// Opens L3. Says in the log what became of one that could not be used. Fails with
/// `storage_failed`.
caf::expected<kept_answers> open_answers(const configuration& settings, node_log& log);

/// What tells whether two questions mean the same, for the keeper's thread to load; null where L2
/// is off.
std::function<meaning_tools()> tools_maker(const configuration& settings,
                                           std::shared_ptr<node_log> log);

/// Models that the cache asks for itself; null where it asks none.
struct cache_callers {
  answer_checker_actor checker;
  embedder_actor embedder;
};

/// Spawns them. `common` says whom their calls go through.
cache_callers spawn_cache_callers(caf::actor_system& system, const configuration& settings,
                                  const own_calls_setup& common, std::shared_ptr<node_log> log,
                                  uint64_t seed);

} // namespace sluice
