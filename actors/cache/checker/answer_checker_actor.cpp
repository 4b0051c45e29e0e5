#include "actors/cache/checker/answer_checker_actor.hpp"

#include "actors/cache/checker/check_prompt.hpp"

#include <caf/typed_response_promise.hpp>

namespace sluice {

namespace {

/// Of a body that is not written yet; twice the usual four bytes a token, as it is set aside of a
/// budget.
int64_t tokens_of(const answer_check& x) {
  constexpr size_t instruction_tokens = 250;
  auto bytes = std::min(x.question.size(), check_text_bytes_max) +
               std::min(x.kept.size(), check_text_bytes_max) +
               std::min(x.fresh.size(), check_text_bytes_max);
  return static_cast<int64_t>(instruction_tokens + bytes / 2);
}

check_outcome outcome_of(const own_call_end& x) {
  switch (x.what) {
  case own_call_end::kind::answered:
    return check_outcome_of(*x.body);
  case own_call_end::kind::declined:
    return check_outcome::declined;
  case own_call_end::kind::failed:
    return check_outcome::unknown;
  }
  return check_outcome::unknown;
}

} // namespace

own_calls_setup check_calls(std::string model, nanousd budget) {
  own_calls_setup result;
  result.name = "check";
  result.route = "cache check";
  result.model = std::move(model);
  result.kind = endpoint::chat_completions;
  result.budget = budget;
  result.under_way_max = answer_checker_state::under_way_max;
  result.patience = answer_checker_state::patience;
  result.number = 0xfffd;
  return result;
}

ticking_answer_checker_actor::behavior_type
answer_checker(ticking_answer_checker_actor::stateful_pointer<answer_checker_state> self,
               answer_checker_setup setup) {
  auto& state = self->state;
  state.random.seed(setup.seed);
  state.calls = make_own_calls(self, std::move(setup.calls));
  auto* calls = state.calls.get();
  return {
      [calls](const upstream_reply& x) { calls->on_reply(x); },
      [calls](const upstream_failure& x) { calls->on_failure(x); },
      // Nothing is asked for as a stream.
      [](const stream_block&) {},
      [](const stream_end&) {},
      [self, calls](answer_check& asked) -> caf::result<check_result> {
        auto promise = self->make_response_promise<check_result>();
        own_call call;
        call.tenant = asked.tenant;
        call.input_tokens = tokens_of(asked);
        call.output_tokens_max = check_output_tokens_max;
        call.end = [promise, ticket = asked.ticket](const own_call_end& x) mutable {
          promise.deliver(check_result{ticket, outcome_of(x)});
        };
        call.body = [mark = self->state.random(),
                     asked = std::move(asked)](std::string_view upstream_model) {
          return check_request(asked, upstream_model, mark);
        };
        calls->make(std::move(call));
        return promise;
      },
      [self, calls](const drain&) { calls->stop([self] { self->quit(); }); },
      [calls](const ledger_verdicts& x) { calls->on_verdicts(x); },
      [calls](own_calls_tick_atom) { calls->tick(); },
  };
}

} // namespace sluice
