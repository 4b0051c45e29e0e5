#pragma once

#include "actors/cache/calls/own_calls.hpp"

#include <random>

namespace sluice {

using ticking_answer_checker_actor = answer_checker_actor::extend<
    // What the ledger says of its charges.
    caf::reacts_to<ledger_verdicts>,
    // It is time to look for calls that nobody will answer any more.
    caf::reacts_to<own_calls_tick_atom>>;

struct answer_checker_setup {
  own_calls_setup calls; ///< as `check_calls` makes it
  uint64_t seed = 0;     ///< of the marks, which nobody may guess
};

/// Calls of a checker that asks `model` for at most `budget` a day; whom they go through is still
/// to be said.
own_calls_setup check_calls(std::string model, nanousd budget);

struct answer_checker_state {
  static inline constexpr const char* name = "answer_checker";

  /// Checks under way; another one is declined. A check takes a second or two, and samples come
  /// with would-be hits of one keeper, which reads some hundred questions a second, so this many
  /// are some ten a second.
  static constexpr size_t under_way_max = 16;
  /// Nobody waits for a sample, but it should be of the same hour.
  static constexpr std::chrono::seconds patience{30};

  std::unique_ptr<own_calls> calls;
  std::mt19937_64 random;
};

/// Compares answers for the keeper. Spawned by the composition root, one where `similar.checker`
/// names a model, on the scheduler. Owns its calls under way and what was spent on this day since
/// the start; one attempt each, as a sample more or less does not matter. Where the router or an
/// upstream dies, checks end as unknown when their time is over. Stops at `drain`: what is under
/// way is given up.
ticking_answer_checker_actor::behavior_type
answer_checker(ticking_answer_checker_actor::stateful_pointer<answer_checker_state> self,
               answer_checker_setup setup);

} // namespace sluice
