#pragma once

#include "api/sim/sim_plan.hpp"
#include "api/sim/sim_request.hpp"

#include <string>
#include <string_view>
#include <variant>
#include <vector>

/// Several chats in one call, `endpoint::chat_batch`. Each is answered as it would be alone; what
/// is wrong with one stands in its own entry of the reply.
namespace sluice {

/// One of the chats, or what a provider would say against it.
struct sim_chat {
  std::variant<sim_request, sim_refusal> asked;
  sim_effects effects; ///< those that are about its answer, not about the call
};

struct sim_chat_batch {
  std::string model;
  const sim_model* row = nullptr;
  std::vector<sim_chat> chats;
};

/// Reads the body of a call. Refuses what is wrong with the call and not with one of its chats.
std::variant<sim_chat_batch, sim_refusal> read_sim_chat_batch(const sim_reading& how,
                                                              std::string_view body);

/// Divides the wishes of one chat: what strikes the call goes into `call`, where the first
/// disruption stands; what is about the answer stays. An error in place of an answer is the chat's
/// own.
void take_call_effects(sim_effects& call, sim_effects& chat);

/// The plan of the call. `making.effects` are the call's own. Refuses more tokens than the
/// simulator works out at once.
std::variant<sim_plan, sim_refusal> plan_chat_batch(const sim_chat_batch& batch,
                                                    const sim_making& making);

} // namespace sluice
