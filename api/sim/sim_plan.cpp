#include "api/sim/sim_plan.hpp"

#include "api/sim/sim_answer.hpp"
#include "api/sim/sim_embedding.hpp"
#include "api/sim/sim_hash.hpp"
#include "api/sim/sim_json.hpp"
#include "api/sim/sim_plan_parts.hpp"
#include "api/sim/sim_text.hpp"

#include <algorithm>

namespace sluice {
namespace {

/// "{"id":…,"object":…,…," up to the list of choices.
std::string head_json(const sim_request& request, const sim_making& making, uint64_t id) {
  bool chat = request.kind == endpoint::chat_completions;
  std::string out = chat ? R"({"id":"chatcmpl-sim-)" : R"({"id":"cmpl-sim-)";
  append_hex(out, id);
  out += R"(","object":")";
  out += !chat ? "text_completion" : request.stream ? "chat.completion.chunk" : "chat.completion";
  out += R"(","created":)";
  append_decimal(
      out, std::chrono::duration_cast<std::chrono::seconds>(making.now.time_since_epoch()).count());
  out += R"(,"model":)";
  append_json_string(out, request.model);
  out += R"(,"system_fingerprint":"fp_simulated","simulated":true,"choices":[)";
  return out;
}

std::string call_id(uint64_t seed) {
  std::string result = "call_sim_";
  append_hex(result, seed);
  return result;
}

void append_message(std::string& out, const sim_choice& choice, const std::string& tool) {
  out += R"({"role":"assistant","content":)";
  if (tool.empty()) {
    append_json_string(out, choice.text);
  } else {
    out += R"(null,"tool_calls":[{"id":")" + call_id(choice.seed) +
           R"(","type":"function","function":{"name":)";
    append_json_string(out, tool);
    out += R"(,"arguments":)";
    append_json_string(out, choice.text);
    out += "}}]";
  }
  out += R"(,"refusal":null,"annotations":[]})";
}

std::string choices_json(const sim_plan& plan) {
  std::string out;
  for (size_t i = 0; i < plan.choices.size(); ++i) {
    const auto& choice = plan.choices[i];
    out += i == 0 ? R"({"index":)" : R"(,{"index":)";
    append_decimal(out, static_cast<int64_t>(i));
    if (plan.kind == endpoint::chat_completions) {
      out += R"(,"message":)";
      append_message(out, choice, plan.tool);
    } else {
      out += R"(,"text":)";
      append_json_string(out, choice.text);
    }
    out += R"(,"logprobs":null,"finish_reason":")";
    out += choice.finish_reason;
    out += "\"}";
  }
  return out;
}

/// The reply whole, or its beginning where it has no end: `sim_run` goes on with it.
void write_body(sim_plan& plan, const std::string& head) {
  plan.body = head;
  if (plan.effects.disruption == sim_disruption::endless) {
    plan.body += plan.kind == endpoint::chat_completions
                     ? R"({"index":0,"message":{"role":"assistant","content":")"
                     : R"({"index":0,"text":")";
    return;
  }
  plan.body += choices_json(plan) + "]";
  if (!plan.effects.usage_left_out)
    plan.body += R"(,"usage":)" + sim_usage_json(plan.usage, false);
  plan.body += "}";
}

void write_events(sim_plan& plan, const std::string& head, bool include_usage) {
  plan.event_head = "data: " + head;
  plan.event_tail = "]}\n\n";
  if (!include_usage || plan.effects.usage_left_out)
    return;
  plan.event_tail = "],\"usage\":null}\n\n";
  plan.usage_tail = R"(],"usage":)" + sim_usage_json(plan.usage, false) + "}\n\n";
}

void write_embeddings(sim_plan& plan, const sim_request& request) {
  auto& out = plan.body;
  out = R"({"object":"list","data":[)";
  if (plan.effects.disruption == sim_disruption::endless) {
    out += R"({"object":"embedding","index":0,"embedding":[)";
    return;
  }
  for (size_t i = 0; i < request.prompts.size(); ++i) {
    out += i == 0 ? R"({"object":"embedding","index":)" : R"(,{"object":"embedding","index":)";
    append_decimal(out, static_cast<int64_t>(i));
    out += R"(,"embedding":)";
    const auto& prompt = request.prompts[i];
    auto vector = sim_embedding(prompt.text, prompt.hash, request.dimensions);
    if (request.base64) {
      out += '"';
      append_float_base64(out, vector);
      out += '"';
    } else {
      append_float_list(out, vector);
    }
    out += '}';
  }
  out += R"(],"model":)";
  append_json_string(out, request.model);
  out += R"(,"simulated":true)";
  if (!plan.effects.usage_left_out)
    out += R"(,"usage":)" + sim_usage_json(plan.usage, true);
  out += '}';
}

} // namespace

std::variant<sim_plan, sim_refusal> plan_answer(const sim_request& request,
                                                const sim_making& making) {
  if (auto refusal = refuse_sim_tokens(sim_tokens_at_most(request, making.effects), "n"))
    return *refusal;
  auto id = sim_mix(request.prompts.front().hash ^ sim_mix(making.call));
  auto plan = begin_sim_plan(making, id);
  plan.kind = request.kind;
  plan.model = request.model;
  plan.items = static_cast<int64_t>(request.prompts.size());
  plan.price = request.row->price;
  plan.tool = request.tool;
  plan.streamed = request.stream;
  auto prompt_tokens = request.prompt_tokens();
  plan.usage.cache_read = std::min(making.effects.cached.value_or(0), prompt_tokens);
  plan.usage.input = prompt_tokens - plan.usage.cache_read;
  take_sim_time(plan, making);
  if (request.kind == endpoint::embeddings) {
    write_embeddings(plan, request);
    break_sim_body(plan);
    return plan;
  }
  auto answered = answer(request, making.effects);
  if (!answered) {
    auto refusal = refusal_of_status(400);
    refusal.message = message_of(answered.error());
    refusal.param = request.form == sim_form::tool_call ? "tools" : "response_format";
    return refusal;
  }
  plan.choices = std::move(answered->choices);
  plan.usage.reasoning = answered->reasoning;
  for (const auto& choice : plan.choices)
    plan.usage.output += choice.tokens();
  auto head = head_json(request, making, id);
  if (request.stream) {
    write_events(plan, head, request.include_usage);
  } else {
    write_body(plan, head);
    break_sim_body(plan);
  }
  return plan;
}

sim_plan plan_refusal(const sim_refusal& refusal, const sim_making& making) {
  auto plan = begin_sim_plan(making, sim_mix(making.call));
  plan.status = refusal.status;
  plan.body = error_body(refusal);
  plan.served = false;
  plan.effects.disruption = sim_disruption::none;
  if (plan.effects.retry_after.count() >= 0) {
    auto ms = plan.effects.retry_after.count();
    plan.headers.emplace_back("retry-after-ms", std::to_string(ms));
    plan.headers.emplace_back("retry-after", std::to_string((ms + 999) / 1000));
  }
  if (plan.effects.should_retry)
    plan.headers.emplace_back("x-should-retry", *plan.effects.should_retry ? "true" : "false");
  return plan;
}

} // namespace sluice
