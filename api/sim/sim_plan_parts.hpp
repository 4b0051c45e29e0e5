#pragma once

#include "api/sim/sim_plan.hpp"
#include "api/sim/sim_request.hpp"

#include <optional>
#include <string>

/// The steps of making a plan that one call and a batch of chats have in common.
namespace sluice {

/// Everything that a plan has whatever it answers. `id` tells it from others.
sim_plan begin_sim_plan(const sim_making& making, uint64_t id);

/// Sets the time that an answer to `plan.items` takes.
void take_sim_time(sim_plan& plan, const sim_making& making);

/// Output tokens of all answers to `request`, at most.
int64_t sim_tokens_at_most(const sim_request& request, const sim_effects& effects);

/// Refuses a call whose answers together would be too large to hold; `param` is to blame.
std::optional<sim_refusal> refuse_sim_tokens(int64_t tokens, std::string param);

/// What every 200 can be made to say instead of an answer.
void break_sim_body(sim_plan& plan);

/// The usage object of a reply.
std::string sim_usage_json(const token_usage& usage, bool embedding);

} // namespace sluice
