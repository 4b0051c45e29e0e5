#include "actors/cache/embedder/embedder_actor.hpp"

#include "actors/cache/embedder/embedding_format.hpp"
#include "actors/cache/judge/embedding_judge.hpp"

#include <caf/typed_response_promise.hpp>
#include <spdlog/spdlog.h>

namespace sluice {

namespace {

using embedder_pointer = ticking_embedder_actor::stateful_pointer<embedder_state>;

/// Of a body that is not written yet; twice the usual four bytes a token, as it is set aside of a
/// budget.
int64_t tokens_of(const std::vector<std::string>& texts) {
  size_t bytes = 0;
  for (auto& x : texts)
    bytes += std::min(x.size(), embedded_bytes_max) + 2;
  return static_cast<int64_t>(bytes / 2);
}

void complain(embedder_pointer self, const caf::error& what) {
  auto& state = self->state;
  auto now = self->clock().now();
  if (!state.setup.log || (state.told && now - *state.told < embedder_state::told_every))
    return;
  state.told = now;
  state.setup.log->lines()->warn("the cache cannot use the embeddings of '{}': {}",
                                 state.setup.calls.model, message_of(what));
}

caf::expected<text_reading> reading_of(embedder_pointer self, const reading_order& asked,
                                       const own_call_end& x) {
  if (x.what == own_call_end::kind::declined)
    return make_error(ec::rate_limited, "too many calls at once, or the day's budget is used up");
  if (x.what == own_call_end::kind::failed)
    return make_error(x.why);
  auto vectors = embeddings_of(*x.body, asked.texts.size(), self->state.setup.dimensions);
  if (!vectors) {
    complain(self, vectors.error());
    return vectors.error();
  }
  text_reading result;
  for (size_t i = 0; i < asked.texts.size(); ++i)
    result.forms.push_back(form_of_embedding(asked.texts[i], std::move((*vectors)[i])));
  return result;
}

} // namespace

own_calls_setup embedding_calls(std::string model, nanousd budget) {
  own_calls_setup result;
  result.name = "embed";
  result.route = "cache embed";
  result.model = std::move(model);
  result.kind = endpoint::embeddings;
  result.budget = budget;
  result.under_way_max = embedder_state::under_way_max;
  result.patience = embedder_state::patience;
  result.number = 0xfffc;
  return result;
}

ticking_embedder_actor::behavior_type embedder(embedder_pointer self, embedder_setup setup) {
  auto& state = self->state;
  state.setup = std::move(setup);
  state.calls = make_own_calls(self, state.setup.calls);
  auto* calls = state.calls.get();
  return {
      [calls](const upstream_reply& x) { calls->on_reply(x); },
      [calls](const upstream_failure& x) { calls->on_failure(x); },
      // Nothing is asked for as a stream.
      [](const stream_block&) {},
      [](const stream_end&) {},
      [self, calls](reading_order& order) -> caf::result<text_reading> {
        auto promise = self->make_response_promise<text_reading>();
        auto asked = std::make_shared<const reading_order>(std::move(order));
        own_call call;
        call.tenant = asked->tenant;
        call.input_tokens = tokens_of(asked->texts);
        call.body = [asked](std::string_view upstream_model) {
          return embedding_request(asked->texts, upstream_model);
        };
        call.end = [self, promise, asked](const own_call_end& x) mutable {
          if (auto reading = reading_of(self, *asked, x))
            promise.deliver(std::move(*reading));
          else
            promise.deliver(reading.error());
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
