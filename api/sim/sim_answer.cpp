#include "api/sim/sim_answer.hpp"

#include "api/sim/sim_hash.hpp"
#include "api/sim/sim_schema.hpp"
#include "api/sim/sim_text.hpp"
#include "api/sim/sim_tokens.hpp"

#include <algorithm>

namespace sluice {

using nlohmann::json;

namespace {

/// From half to one and a half of `typical`.
int64_t around(int64_t typical, uint64_t seed) {
  if (typical == 0)
    return 0;
  return typical / 2 + static_cast<int64_t>(seed % static_cast<uint64_t>(typical));
}

bool asks_for_magic(const std::string& text) {
  return text.find("[[sim:") != std::string::npos;
}

std::string words(const sim_request& request, const sim_prompt& prompt, const sim_effects& effects,
                  uint64_t seed) {
  // A token beyond the limit lets it be seen that the limit ended the text.
  auto most = request.output_max + 1;
  if (effects.tokens)
    return sim_text(seed, std::min(*effects.tokens, most));
  auto length = std::min(around(request.row->answer_tokens, sim_mix(seed)), most);
  // Magic is not said back, for an answer that comes back as a prompt must not do it again.
  if (prompt.text.empty() || asks_for_magic(prompt.text))
    return sim_text(seed, length);
  auto result = sim_echo(prompt.text);
  for (int64_t i = 1; i < length; ++i)
    append_sim_token(result, seed, static_cast<uint64_t>(i));
  return result;
}

caf::expected<std::string> content(const sim_request& request, const sim_prompt& prompt,
                                   const sim_effects& effects, uint64_t seed) {
  switch (request.form) {
  case sim_form::text:
  case sim_form::packed: // asked for each of its questions
    break;
  case sim_form::json_object:
    return json{{"simulated", true}, {"answer", sim_text(seed, 8)}}.dump();
  case sim_form::json_schema:
  case sim_form::tool_call: {
    auto value = sim_value_for(request.schema, seed);
    if (!value)
      return value.error();
    return value->dump();
  }
  }
  return words(request, prompt, effects, seed);
}

/// Ends `text` before the first of the stop sequences in it.
void stop_at(std::string& text, const std::vector<std::string>& stops) {
  for (const auto& stop : stops)
    text.resize(std::min(text.find(stop), text.size()));
}

/// Divides the text into at most `most` tokens and cuts it there.
void limit(sim_choice& choice, int64_t most) {
  auto room = most - choice.head_tokens;
  for (size_t i = 0; i < choice.text.size();) {
    if (static_cast<int64_t>(choice.ends.size()) >= room) {
      choice.text.resize(i);
      choice.finish_reason = "length";
      return;
    }
    i = sim_token_end(choice.text, i);
    choice.ends.push_back(static_cast<uint32_t>(i));
  }
}

/// What one question of a packed prompt asks for by itself.
sim_effects effects_of(const sim_prompt& question) {
  sim_effects result;
  auto faults = find_magic(question.text);
  if (faults)
    for (const auto& fault : *faults) {
      if (fault.effects.tokens)
        result.tokens = fault.effects.tokens;
      if (fault.effects.pack != sim_pack_fault::none)
        result.pack = fault.effects.pack;
    }
  return result;
}

/// One choice in which each question is answered as it would be alone. Thoughts are as long as
/// those about all of them.
caf::expected<sim_answer> answer_packed(const sim_request& request, const sim_effects& effects) {
  sim_answer result;
  sim_choice choice;
  choice.seed = sim_mix(request.prompts.front().hash);
  choice.finish_reason = "stop";
  auto answers = json::array();
  auto broken = false;
  auto magic = std::ranges::any_of(request.prompts, [](auto& x) { return asks_for_magic(x.text); });
  int64_t reasoning = 0;
  for (size_t i = 0; i < request.prompts.size(); ++i) {
    const auto& prompt = request.prompts[i];
    auto own = magic ? effects_of(prompt) : effects;
    auto seed = sim_mix(prompt.hash);
    reasoning += around(request.row->reasoning_tokens, seed);
    json entry{{"item", i + 1}, {"answer", words(request, prompt, own, seed)}};
    broken = broken || own.pack == sim_pack_fault::broken;
    if (own.pack == sim_pack_fault::twice)
      answers.push_back(entry);
    if (own.pack != sim_pack_fault::missing)
      answers.push_back(std::move(entry));
  }
  result.reasoning = std::min(effects.reasoning.value_or(reasoning), request.output_max);
  choice.text =
      json{{"answers", std::move(answers)}}.dump(-1, ' ', false, json::error_handler_t::replace);
  if (broken)
    choice.text.resize(choice.text.size() - 2);
  limit(choice, request.output_max - result.reasoning);
  result.choices.push_back(std::move(choice));
  return result;
}

} // namespace

caf::expected<sim_answer> answer(const sim_request& request, const sim_effects& effects) {
  if (request.form == sim_form::packed)
    return answer_packed(request, effects);
  sim_answer result;
  bool calls = request.form == sim_form::tool_call;
  for (const auto& prompt : request.prompts) {
    for (int64_t i = 0; i < request.n; ++i) {
      sim_choice choice;
      choice.seed = sim_mix(prompt.hash + static_cast<uint64_t>(i));
      choice.finish_reason = calls && !request.tool_named ? "tool_calls" : "stop";
      auto reasoning = around(request.row->reasoning_tokens, choice.seed);
      reasoning = std::min(effects.reasoning.value_or(reasoning), request.output_max);
      result.reasoning += reasoning;
      auto visible = request.output_max - reasoning;
      auto text = content(request, prompt, effects, choice.seed);
      if (!text)
        return text.error();
      choice.text = std::move(*text);
      if (calls)
        choice.head_tokens = std::min(sim_count_tokens(request.tool), visible);
      else
        stop_at(choice.text, request.stop);
      limit(choice, visible);
      result.choices.push_back(std::move(choice));
    }
  }
  return result;
}

} // namespace sluice
