#pragma once

#include "actors/cache/calls/own_calls.hpp"
#include "runtime/log.hpp"

#include <memory>

namespace sluice {

using ticking_embedder_actor = embedder_actor::extend<
    // What the ledger says of its charges.
    caf::reacts_to<ledger_verdicts>,
    // It is time to look for calls that nobody will answer any more.
    caf::reacts_to<own_calls_tick_atom>>;

struct embedder_setup {
  own_calls_setup calls; ///< as `embedding_calls` makes it
  size_t dimensions = 0; ///< of the model's vectors
  std::shared_ptr<node_log> log;
};

/// Calls of an embedder that asks `model` for at most `budget` a day; whom they go through is still
/// to be said.
own_calls_setup embedding_calls(std::string model, nanousd budget);

struct embedder_state {
  static inline constexpr const char* name = "embedder";

  /// Calls at once: at a tenth of a second and up to eight texts each, some hundred questions a
  /// second and more than a keeper has disk and judge for.
  static constexpr size_t under_way_max = 8;
  /// Who asks waits no longer than `keeper_wait_max` of the gateway; what comes later is still
  /// kept with the answer.
  static constexpr std::chrono::seconds patience{5};
  /// Between two lines of the log that say what goes wrong with every call.
  static constexpr std::chrono::minutes told_every{1};

  embedder_setup setup;
  std::unique_ptr<own_calls> calls;
  std::optional<steady_time> told;
};

/// Reads texts for the keeper with a provider's embeddings. Spawned by the composition root, one
/// where `similar.embeddings` names a model, on the scheduler. Owns its calls under way and what
/// was spent on this day since the start; one attempt each, as a question that is not read is asked
/// of the provider. Where the router or an upstream dies, readings fail when their time is over.
/// Stops at `drain`: what is under way is given up.
ticking_embedder_actor::behavior_type
embedder(ticking_embedder_actor::stateful_pointer<embedder_state> self, embedder_setup setup);

} // namespace sluice
