#include "api/sim/sim_chat_batch.hpp"

#include "api/sim/sim_hash.hpp"
#include "api/sim/sim_json.hpp"
#include "api/sim/sim_plan_parts.hpp"

#include <algorithm>
#include <utility>

namespace sluice {

using nlohmann::json;

namespace {

sim_refusal bad_chat(std::string message, std::string param) {
  return {400, std::move(message), "invalid_request_error", std::move(param), {}};
}

std::variant<sim_request, sim_refusal> read_chat(const sim_reading& how, const std::string& model,
                                                 const json& body) {
  if (!body.is_object())
    return bad_chat("Each of 'requests' must be a JSON object.", {});
  auto result = read_sim_object(how, body);
  const auto* request = std::get_if<sim_request>(&result);
  if (request == nullptr)
    return result;
  if (request->model != model)
    return bad_chat("All requests of a batch must be for its model, '" + model + "'.", "model");
  if (request->stream)
    return bad_chat("A request of a batch cannot be streamed.", "stream");
  return result;
}

void read_requests(sim_chat_batch& to, sim_fields& from, const sim_reading& how) {
  const auto* requests = from.find("requests");
  if (requests == nullptr)
    return from.refuse("requests", "Missing required parameter: 'requests'.",
                       "missing_required_parameter");
  if (!requests->is_array() || requests->empty())
    return from.refuse("requests", "'requests' must be a list of at least one request.",
                       "invalid_type");
  if (requests->size() > sim_items_max)
    return from.refuse("requests", "'requests' can hold at most 2048 items.",
                       "array_above_max_length");
  int64_t answers = 0;
  for (const auto& body : *requests) {
    to.chats.push_back({read_chat(how, to.model, body), {}});
    if (const auto* request = std::get_if<sim_request>(&to.chats.back().asked))
      answers += request->n;
  }
  if (answers > sim_answers_max)
    from.refuse("requests", "The simulator gives at most 4096 answers a call.", "invalid_value");
}

void add(token_usage& to, const token_usage& x) {
  to.input += x.input;
  to.cache_read += x.cache_read;
  to.cache_write += x.cache_write;
  to.output += x.output;
  to.reasoning += x.reasoning;
}

std::string head_json(const std::string& model) {
  std::string out = R"({"object":"chat.completion.batch","model":)";
  append_json_string(out, model);
  return out + R"(,"simulated":true,"data":[)";
}

void append_entry(std::string& out, size_t index, uint16_t status, std::string_view body) {
  out += index == 0 ? R"({"index":)" : R"(,{"index":)";
  append_decimal(out, static_cast<int64_t>(index));
  out += R"(,"status":)";
  append_decimal(out, status);
  out += R"(,"body":)";
  out += body;
  out += '}';
}

/// Answers one chat into the reply, and adds what it used.
void append_chat(sim_plan& plan, const sim_chat& chat, size_t index, const sim_making& making) {
  const auto* why = std::get_if<sim_refusal>(&chat.asked);
  // The ids of two equal chats differ, as those of two equal calls do.
  sim_making own{making.settings, chat.effects, sim_mix(making.call) + index, making.now, {}};
  std::variant<sim_plan, sim_refusal> answered;
  if (why == nullptr) {
    answered = plan_answer(std::get<sim_request>(chat.asked), own);
    why = std::get_if<sim_refusal>(&answered);
  }
  if (why != nullptr)
    return append_entry(plan.body, index, why->status, error_body(*why));
  const auto& answer = std::get<sim_plan>(answered);
  append_entry(plan.body, index, answer.status, answer.body);
  add(plan.usage, answer.usage);
  plan.longest = std::max(plan.longest.value_or(0), answer.usage.output_total());
}

/// A reply that never ends: its beginning, and what `sim_run` goes on from.
void begin_endless(sim_plan& plan) {
  plan.body += R"({"index":0,"status":200,"body":{"choices":[{"index":0,"message":{"content":")";
  plan.choices.resize(1);
}

} // namespace

std::variant<sim_chat_batch, sim_refusal> read_sim_chat_batch(const sim_reading& how,
                                                              std::string_view body) {
  json parsed;
  if (auto why = parse_sim_body(body, parsed))
    return *std::move(why);
  std::optional<sim_refusal> refusal;
  sim_fields fields{parsed, refusal};
  auto as_chat = how;
  as_chat.kind = endpoint::chat_completions;
  sim_request head;
  read_sim_model(head, fields, how.any_model);
  sim_chat_batch result{head.model, head.row, {}};
  if (!refusal)
    read_requests(result, fields, as_chat);
  if (refusal)
    return *std::move(refusal);
  return result;
}

void take_call_effects(sim_effects& call, sim_effects& chat) {
  call.first_byte += std::exchange(chat.first_byte, {});
  if (chat.per_token)
    call.per_token = std::exchange(chat.per_token, {});
  auto what = chat.disruption;
  if (what == sim_disruption::none || what == sim_disruption::status ||
      what == sim_disruption::error_event)
    return;
  chat.disruption = sim_disruption::none;
  if (call.disruption != sim_disruption::none)
    return;
  call.disruption = what;
  call.after = chat.after;
}

std::variant<sim_plan, sim_refusal> plan_chat_batch(const sim_chat_batch& batch,
                                                    const sim_making& making) {
  int64_t tokens = 0;
  for (const auto& chat : batch.chats)
    if (const auto* request = std::get_if<sim_request>(&chat.asked))
      tokens += sim_tokens_at_most(*request, chat.effects);
  if (auto refusal = refuse_sim_tokens(tokens, "requests"))
    return *std::move(refusal);
  auto plan = begin_sim_plan(making, sim_mix(making.call));
  plan.kind = endpoint::chat_batch;
  plan.model = batch.model;
  plan.items = static_cast<int64_t>(batch.chats.size());
  plan.price = batch.row->price;
  plan.longest = 0;
  take_sim_time(plan, making);
  plan.body = head_json(batch.model);
  for (size_t i = 0; i < batch.chats.size(); ++i)
    append_chat(plan, batch.chats[i], i, making);
  if (plan.effects.disruption == sim_disruption::endless) {
    plan.body = head_json(batch.model);
    begin_endless(plan);
    return plan;
  }
  plan.body += ']';
  if (!plan.effects.usage_left_out)
    plan.body += R"(,"usage":)" + sim_usage_json(plan.usage, false);
  plan.body += '}';
  break_sim_body(plan);
  return plan;
}

} // namespace sluice
