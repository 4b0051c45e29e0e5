#include "api/sim/sim_json.hpp"
#include "api/sim/sim_run.hpp"
#include "api/sim/sim_text.hpp"

namespace sluice {

void sim_run::append_delta(std::string& out) const {
  const auto& choice = plan_.choices[choice_];
  std::string endless_piece;
  std::string_view piece;
  auto argument = static_cast<size_t>(plan_.tool.empty() ? index_ : index_ - 1);
  if (plan_.effects.disruption == sim_disruption::endless) {
    append_sim_token(endless_piece, choice.seed, static_cast<uint64_t>(index_));
    piece = endless_piece;
  } else if (argument < choice.ends.size()) {
    auto begin = argument == 0 ? 0 : choice.ends[argument - 1];
    piece = std::string_view{choice.text}.substr(begin, choice.ends[argument] - begin);
  }
  if (plan_.kind == endpoint::completions) {
    append_json_string(out, piece);
  } else if (plan_.tool.empty()) {
    out += R"({"content":)";
    append_json_string(out, piece);
    out += '}';
  } else if (index_ == 0) {
    out += R"({"tool_calls":[{"index":0,"id":"call_sim_)";
    append_hex(out, choice.seed);
    out += R"(","type":"function","function":{"name":)";
    append_json_string(out, plan_.tool);
    out += R"(,"arguments":""}}]})";
  } else {
    out += R"({"tool_calls":[{"index":0,"function":{"arguments":)";
    append_json_string(out, piece);
    out += "}}]}";
  }
}

void sim_run::append_event(std::string& out, sim_step_kind kind) const {
  if (kind == sim_step_kind::done) {
    out += "data: [DONE]\n\n";
    return;
  }
  if (kind == sim_step_kind::error) {
    out += "data: " + error_body(refusal_of_status(500)) + "\n\n";
    return;
  }
  out += plan_.event_head;
  if (kind == sim_step_kind::garbage) {
    out += "{\"index\":\n\n"; // the blank line ends the event inside an object
    return;
  }
  if (kind == sim_step_kind::usage) {
    out += plan_.usage_tail;
    return;
  }
  bool chat = plan_.kind == endpoint::chat_completions;
  out += R"({"index":)";
  append_decimal(out, static_cast<int64_t>(choice_));
  out += chat ? R"(,"delta":)" : R"(,"text":)";
  if (kind == sim_step_kind::content)
    append_delta(out);
  else if (kind == sim_step_kind::role)
    out += plan_.tool.empty() ? R"({"role":"assistant","content":"","refusal":null})"
                              : R"({"role":"assistant","content":null})";
  else
    out += chat ? "{}" : R"("")";
  out += R"(,"logprobs":null,"finish_reason":)";
  if (kind == sim_step_kind::finish) {
    out += '"';
    out += plan_.choices[choice_].finish_reason;
    out += "\"}";
  } else {
    out += "null}";
  }
  out += plan_.event_tail;
}

} // namespace sluice
