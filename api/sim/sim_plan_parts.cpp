#include "api/sim/sim_plan_parts.hpp"

#include "api/sim/sim_json.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

namespace sluice {
namespace {

/// Tokens of all answers of a call, which are held at once: some 20 MB.
constexpr int64_t tokens_max = 2'000'000;

std::chrono::nanoseconds scaled(std::chrono::nanoseconds x, double scale) {
  return std::chrono::nanoseconds{std::llround(static_cast<double>(x.count()) * scale)};
}

/// An error object in place of an answer, with the status 200.
void fail(sim_plan& plan) {
  plan.body = error_body(refusal_of_status(500));
  plan.usage = {};
  plan.longest.reset();
  plan.failed = true;
}

} // namespace

sim_plan begin_sim_plan(const sim_making& making, uint64_t id) {
  sim_plan result;
  result.effects = making.effects;
  result.attempt_id = making.attempt_id;
  std::string request_id = "req_sim_";
  append_hex(request_id, id);
  // The rate limits are constants: they are there so that a gateway has some to pass on.
  result.headers = {{"x-sluice-simulated", "true"},
                    {"x-request-id", std::move(request_id)},
                    {"x-ratelimit-limit-requests", "10000"},
                    {"x-ratelimit-remaining-requests", "9999"},
                    {"x-ratelimit-reset-requests", "6ms"}};
  result.first_byte = scaled(making.effects.first_byte, making.settings.scale);
  return result;
}

void take_sim_time(sim_plan& plan, const sim_making& making) {
  const auto& settings = making.settings;
  auto per_token = making.effects.per_token.value_or(settings.per_output_token);
  plan.per_token = scaled(per_token, settings.scale);
  plan.first_byte += scaled(settings.call_base + settings.per_prompt * plan.items, settings.scale);
}

int64_t sim_tokens_at_most(const sim_request& request, const sim_effects& effects) {
  auto each = std::min(effects.tokens.value_or(2 * request.row->answer_tokens), request.output_max);
  return each * request.n * static_cast<int64_t>(request.prompts.size());
}

std::optional<sim_refusal> refuse_sim_tokens(int64_t tokens, std::string param) {
  if (tokens <= tokens_max)
    return std::nullopt;
  auto refusal = refusal_of_status(400);
  refusal.message = "The simulator makes at most 2000000 tokens a call.";
  refusal.param = std::move(param);
  return refusal;
}

void break_sim_body(sim_plan& plan) {
  if (plan.effects.disruption == sim_disruption::malformed)
    plan.body.resize(plan.body.size() / 2);
  else if (plan.effects.disruption == sim_disruption::error_event)
    fail(plan);
  else
    return;
  plan.effects.disruption = sim_disruption::none;
}

std::string sim_usage_json(const token_usage& usage, bool embedding) {
  std::string out = R"({"prompt_tokens":)";
  append_decimal(out, usage.input_total());
  if (!embedding) {
    out += R"(,"completion_tokens":)";
    append_decimal(out, usage.output_total());
  }
  out += R"(,"total_tokens":)";
  append_decimal(out, usage.input_total() + usage.output_total());
  if (!embedding) {
    out += R"(,"prompt_tokens_details":{"cached_tokens":)";
    append_decimal(out, usage.cache_read);
    out += R"(,"audio_tokens":0},"completion_tokens_details":{"reasoning_tokens":)";
    append_decimal(out, usage.reasoning);
    out += R"(,"audio_tokens":0,"accepted_prediction_tokens":0,"rejected_prediction_tokens":0})";
  }
  out += '}';
  return out;
}

} // namespace sluice
