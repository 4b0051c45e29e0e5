#include "actors/cache/keeper/cache_keeper_actor.hpp"

#include "actors/cache/cache_shard_actor.hpp"
#include "actors/cache/checker/answer_checker_actor.hpp"
#include "actors/cache/embedder/embedder_actor.hpp"
#include "actors/cache/judge/minilm_judge.hpp"
#include "runtime/rendezvous.hpp"

#include <spdlog/spdlog.h>

namespace sluice {

namespace {

constexpr std::chrono::seconds tick_interval{1};

keeper_times now() {
  return {std::chrono::steady_clock::now(), std::chrono::system_clock::now()};
}

using keeper_pointer = waking_cache_keeper_actor::stateful_pointer<cache_keeper_state>;

/// Longer than a reader or checker takes for anything: it is dead then.
constexpr std::chrono::seconds helper_patience{60};

void texts_read(keeper_pointer self, uint64_t ticket, std::vector<question_form>* forms);
void checked(keeper_pointer self, const check_result& x);

void hand_out_readings(keeper_pointer self) {
  auto& state = self->state;
  for (auto& each : state.keeper->take_readings()) {
    auto ticket = each.ticket;
    auto count = each.what.texts.size();
    self->request(state.setup.reader, helper_patience, std::move(each.what))
        .then(
            [self, ticket, count](text_reading& x) {
              texts_read(self, ticket, x.forms.size() == count ? &x.forms : nullptr);
            },
            [self, ticket](const caf::error&) { texts_read(self, ticket, nullptr); });
  }
}

void hand_out_checks(keeper_pointer self) {
  for (auto& check : self->state.keeper->take_checks()) {
    check_result nothing{check.ticket, check_outcome::unknown};
    self->request(self->state.setup.checker, helper_patience, std::move(check))
        .then([self](const check_result& x) { checked(self, x); },
              [self, nothing](const caf::error&) { checked(self, nothing); });
  }
}

/// After whatever may have changed what is to be said, read or checked.
void go_on(keeper_pointer self) {
  auto& state = self->state;
  for (auto& word : state.say)
    self->send(word.to, std::move(word.what));
  state.say.clear();
  hand_out_readings(self);
  hand_out_checks(self);
  if (state.keeper->wants_to_read() && !std::exchange(state.woken, true))
    self->send(self, keeper_wake_atom::value);
}

void texts_read(keeper_pointer self, uint64_t ticket, std::vector<question_form>* forms) {
  auto& state = self->state;
  state.keeper->texts_read(ticket, forms, now(), state.say);
  go_on(self);
  if (std::exchange(state.warms_later, false))
    self->send(self, keeper_warm_atom::value);
}

void checked(keeper_pointer self, const check_result& x) {
  self->state.keeper->checked(x, now());
  go_on(self);
}

/// Gives L1 what was worth most before the start, and L2 what it can take.
void warm(keeper_pointer self) {
  auto& setup = self->state.setup;
  std::vector<cache_fill> fills;
  auto step = self->state.keeper->warm_some(now(), fills);
  for (auto& fill : fills) {
    auto& shard = setup.shards[rendezvous(fill.key, setup.shards.size())];
    self->send(shard, std::move(fill));
  }
  if (step == warm_step::more) // behind whoever asked meanwhile
    self->send(self, keeper_warm_atom::value);
  self->state.warms_later = step == warm_step::later;
  go_on(self);
}

void report(keeper_pointer self) {
  if (self->state.setup.monitor)
    self->send(self->state.setup.monitor, self->state.keeper->report());
}

void tell_evidence(keeper_pointer self) {
  auto& x = self->state.keeper->evidence_loaded();
  if (!self->state.setup.log || x.kept + x.dropped + x.damaged == 0)
    return;
  self->state.setup.log->lines()->info(
      "the cache goes on with what {} namespaces have shown; {} are dropped, as another encoder "
      "or judge showed it, and {} as they are damaged",
      x.kept, x.dropped, x.damaged);
}

} // namespace

text_reader_actor::behavior_type encoder_thread(text_reader_actor::pointer self,
                                                std::shared_ptr<text_reader> reader) {
  return {
      [reader](const reading_order& x) -> caf::result<text_reading> {
        const std::vector<std::string_view> texts{x.texts.begin(), x.texts.end()};
        auto forms = reader->read(texts);
        if (!forms)
          return forms.error();
        return text_reading{std::move(*forms)};
      },
      [self](const drain&) { self->quit(); },
  };
}

waking_cache_keeper_actor::behavior_type
cache_keeper_role(keeper_pointer self, std::shared_ptr<cache_keeper_setup> setup) {
  auto& state = self->state;
  state.setup = std::move(*setup);
  if (state.setup.shards.empty())
    state.setup.settings.hottest = 0;
  state.setup.settings.checks_max = state.setup.checker ? answer_checker_state::under_way_max : 0;
  state.setup.settings.apart = state.setup.reader != nullptr;
  if (state.setup.reader)
    state.setup.settings.readings_max = embedder_state::under_way_max;
  if (state.setup.make_tools) {
    auto tools = state.setup.make_tools();
    state.judge = std::move(tools.judge);
    if (tools.reader)
      state.setup.reader = self->spawn<caf::detached>(encoder_thread, std::move(tools.reader));
  }
  state.keeper =
      std::make_unique<cache_keeper>(state.setup.settings, *state.setup.archive, state.judge.get());
  tell_evidence(self);
  state.setup.gate->open();
  self->send(self, keeper_warm_atom::value);
  self->send(self, keeper_tick_atom::value);
  return {
      [self](kept_lookup& x) {
        self->state.setup.gate->leave_lookup();
        self->state.keeper->look_up(std::move(x), now(), self->state.say);
        go_on(self);
      },
      [self](answer_fill& x) {
        self->state.setup.gate->leave_fill(x.answer.content.size());
        self->state.keeper->keep(std::move(x), now());
        go_on(self);
      },
      [self](const cache_purge& x) -> caf::result<uint64_t> {
        auto count = self->state.keeper->purge(x);
        if (!count)
          return count.error();
        return *count;
      },
      [self](const drain&) {
        self->state.keeper->tidy(now());
        self->state.keeper->save_evidence(now());
        report(self);
        if (self->state.setup.reader)
          self->send(self->state.setup.reader, drain{});
        self->quit();
      },
      [self](keeper_wake_atom) {
        self->state.woken = false;
        self->state.keeper->read(now(), self->state.say);
        go_on(self);
      },
      [self](keeper_tick_atom) {
        self->state.keeper->tidy(now());
        self->state.keeper->read(now(), self->state.say);
        go_on(self);
        report(self);
        self->delayed_send(self, tick_interval, keeper_tick_atom::value);
      },
      [self](keeper_warm_atom) { warm(self); },
  };
}

keeper_settings keeper_settings_of(const configuration& settings, uint64_t seed) {
  auto& cache = settings.cache;
  keeper_settings result;
  result.ttl = cache.ttl;
  result.ttl_jitter_percent = cache.ttl_jitter_percent;
  result.stale_if_error = cache.stale_if_error;
  result.kept_beyond = std::max(cache.stale_if_error, stale_max_of(cache));
  result.seed = seed;
  result.hottest = settings.optimizer.cache_size;
  result.semantic.entries_max = cache.similar.entries_max;
  result.semantic.similarity_min = settings.optimizer.similarity_threshold;
  result.semantic.bound.regions = judge_priors();
  result.semantic.bound.error_rate_max = cache.similar.error_rate_max;
  result.semantic.seed = seed + 1;
  return result;
}

} // namespace sluice
