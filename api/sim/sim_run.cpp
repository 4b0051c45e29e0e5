#include "api/sim/sim_run.hpp"

#include "api/sim/sim_text.hpp"

#include <algorithm>
#include <limits>

namespace sluice {

using disruption = sim_disruption;

sim_run::sim_run(sim_plan plan, steady_time begun) : plan_(std::move(plan)), begun_(begun) {
  if (plan_.streamed && plan_.status == 200)
    phase_ = plan_.kind == endpoint::chat_completions ? phase::roles : phase::tokens;
}

steady_time sim_run::due_after(int64_t tokens) const {
  return begun_ + plan_.first_byte + plan_.per_token * tokens;
}

int64_t sim_run::length(size_t choice) const {
  if (plan_.effects.disruption == disruption::endless)
    return std::numeric_limits<int64_t>::max();
  const auto& x = plan_.choices[choice];
  // The name of a function comes in an event of its own before its arguments.
  return static_cast<int64_t>(x.ends.size()) + (plan_.tool.empty() ? 0 : 1);
}

int64_t sim_run::tokens_of_next() const {
  bool names = !plan_.tool.empty() && index_ == 0;
  return names ? plan_.choices[choice_].head_tokens : 1;
}

/// Whether the disruption strikes inside the reply now.
bool sim_run::breaks() const {
  auto what = plan_.effects.disruption;
  if (broken_ || what == disruption::none || what == disruption::endless)
    return false;
  if (phase_ == phase::end || phase_ == phase::done)
    return true; // at the latest before the end
  return plan_.streamed ? events_ >= plan_.effects.after : phase_ != phase::body;
}

sim_step sim_run::next() const {
  auto what = plan_.effects.disruption;
  if (what == disruption::hang)
    return {sim_step_kind::silence, steady_time::max()};
  if (what == disruption::reset)
    return {sim_step_kind::cut, begun_ + plan_.first_byte};
  auto step = next_of_phase();
  if (!breaks())
    return step;
  if (what == disruption::stall)
    return {sim_step_kind::silence, steady_time::max()};
  if (what == disruption::cut)
    return {sim_step_kind::cut, step.due};
  bool error = what == disruption::error_event;
  return {error ? sim_step_kind::error : sim_step_kind::garbage, step.due};
}

sim_step sim_run::next_of_phase() const {
  auto made = plan_.usage.reasoning + tokens_;
  switch (phase_) {
  case phase::body: {
    bool whole = plan_.effects.disruption == disruption::none;
    bool endless = plan_.effects.disruption == disruption::endless;
    auto tokens = plan_.longest.value_or(plan_.usage.output_total());
    return {whole ? sim_step_kind::body : sim_step_kind::part, due_after(endless ? 0 : tokens)};
  }
  case phase::endless:
    return {sim_step_kind::part, due_after(made + 1)};
  case phase::roles:
    return {sim_step_kind::role, due_after(0)};
  case phase::tokens:
    if (index_ < length(choice_))
      return {sim_step_kind::content, due_after(made + tokens_of_next())};
    return {sim_step_kind::finish, due_after(made)};
  case phase::usage:
    return {sim_step_kind::usage, due_after(made)};
  case phase::done:
    return {sim_step_kind::done, due_after(made)};
  case phase::error:
  case phase::end:
    break;
  }
  return {sim_step_kind::end, plan_.streamed ? due_after(made) : begun_};
}

void sim_run::take(std::string& out) {
  auto kind = next().kind;
  if (kind == sim_step_kind::error || kind == sim_step_kind::garbage) {
    append_event(out, kind);
    broken_ = true;
    if (kind == sim_step_kind::error)
      phase_ = phase::error;
  } else if (kind == sim_step_kind::body) {
    out += plan_.body;
    phase_ = phase::end;
  } else if (phase_ == phase::body) {
    bool endless = plan_.effects.disruption == disruption::endless;
    out.append(plan_.body, 0, endless ? plan_.body.size() : plan_.body.size() / 2);
    phase_ = endless ? phase::endless : phase::end;
  } else if (phase_ == phase::endless) {
    if (plan_.kind == endpoint::embeddings)
      out += "0.5,";
    else
      append_sim_token(out, plan_.choices.front().seed, static_cast<uint64_t>(tokens_));
    ++tokens_;
  } else {
    append_event(out, kind);
    go_on();
  }
  ++events_;
}

void sim_run::go_on() {
  switch (phase_) {
  case phase::roles:
    if (++choice_ == plan_.choices.size()) {
      choice_ = 0;
      phase_ = phase::tokens;
    }
    return;
  case phase::tokens:
    if (index_ < length(choice_))
      tokens_ += tokens_of_next();
    return next_choice();
  case phase::usage:
    phase_ = phase::done;
    return;
  default:
    phase_ = phase::end;
  }
}

/// The choices take turns, a token each, as they do where a model makes them together.
void sim_run::next_choice() {
  auto choices = plan_.choices.size();
  for (size_t tried = 0; tried < 2 * choices; ++tried) {
    if (++choice_ == choices) {
      choice_ = 0;
      ++index_;
    }
    if (index_ <= length(choice_))
      return;
  }
  phase_ = plan_.usage_tail.empty() ? phase::done : phase::usage;
}

token_usage sim_run::used(steady_time now) const {
  auto what = plan_.effects.disruption;
  if (plan_.status != 200 || what == disruption::hang || what == disruption::reset)
    return {};
  auto result = plan_.usage;
  auto elapsed = now - begun_ - plan_.first_byte;
  int64_t made = 0;
  if (elapsed.count() >= 0)
    made = plan_.per_token.count() > 0 ? elapsed / plan_.per_token : plan_.usage.output_total();
  // A whole reply is made before its first byte; a stream is made as it is read, after the
  // thinking.
  bool piecemeal = plan_.streamed || phase_ == phase::endless;
  if (!piecemeal && phase_ != phase::body)
    return result;
  if (!piecemeal && plan_.longest) {
    // All chats are as far as the longest is, in proportion.
    auto longest = std::max<int64_t>(*plan_.longest, 1);
    made = std::min(made, longest);
    result.reasoning = result.reasoning * made / longest;
    result.output = result.output * made / longest;
    return result;
  }
  if (piecemeal && tokens_ > 0)
    made = plan_.usage.reasoning + tokens_;
  result.reasoning = std::min(made, plan_.usage.reasoning);
  result.output = piecemeal ? tokens_ : std::min(made - result.reasoning, plan_.usage.output);
  return result;
}

sim_outcome sim_run::outcome() const {
  if (plan_.status != 200 || plan_.failed || phase_ == phase::error ||
      plan_.effects.disruption == disruption::reset)
    return sim_outcome::failed;
  auto kind = next().kind;
  if (kind == sim_step_kind::cut)
    return sim_outcome::cut;
  return kind == sim_step_kind::end ? sim_outcome::finished : sim_outcome::cancelled;
}

} // namespace sluice
