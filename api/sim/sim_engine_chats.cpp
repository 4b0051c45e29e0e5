#include "api/sim/sim_chat_batch.hpp"
#include "api/sim/sim_engine.hpp"

#include <utility>

namespace sluice {

/// As `plan`, of several chats in one call.
sim_plan sim_engine::plan_chats(std::string_view body, sim_making& making) {
  auto read = read_sim_chat_batch({endpoint::chat_batch, settings_.seed, options_.any_model}, body);
  auto* batch = std::get_if<sim_chat_batch>(&read);
  auto refused = [&](const sim_refusal& why) {
    auto plan = plan_refusal(why, making);
    plan.kind = endpoint::chat_batch;
    if (batch != nullptr) {
      plan.model = batch->model;
      plan.items = static_cast<int64_t>(batch->chats.size());
    }
    return plan;
  };
  if (batch == nullptr)
    return refused(std::get<sim_refusal>(read));
  size_t asked = 0;
  for (auto& chat : batch->chats) {
    const auto* request = std::get_if<sim_request>(&chat.asked);
    if (request == nullptr)
      continue;
    auto wished = wishes_in(*request);
    if (!wished) {
      auto why = refusal_of_status(400);
      why.message = message_of(wished.error());
      why.param = "messages";
      chat.asked = std::move(why);
      continue;
    }
    asked += wished->asked;
    chat.effects = wished->effects;
    take_call_effects(making.effects, chat.effects);
    if (chat.effects.disruption == sim_disruption::status)
      chat.asked = refusal_of_status(chat.effects.status);
  }
  // A magic prompt comes before all rules, which act on the call.
  if (asked == 0) {
    making.effects = struck_by_rule({endpoint::chat_batch, batch->model, false});
    if (making.effects.disruption == sim_disruption::status)
      return refused(refusal_of_status(making.effects.status));
    for (auto& chat : batch->chats) {
      chat.effects.tokens = making.effects.tokens;
      chat.effects.reasoning = making.effects.reasoning;
      chat.effects.cached = making.effects.cached;
      chat.effects.usage_left_out = making.effects.usage_left_out;
    }
  }
  auto planned = plan_chat_batch(*batch, making);
  if (auto* why = std::get_if<sim_refusal>(&planned))
    return refused(*why);
  auto& result = std::get<sim_plan>(planned);
  set_price(result);
  return std::move(result);
}

} // namespace sluice
