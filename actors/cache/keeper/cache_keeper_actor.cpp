#include "actors/cache/keeper/cache_keeper_actor.hpp"

#include "actors/cache/cache_shard_actor.hpp"
#include "actors/cache/checker/answer_checker_actor.hpp"
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

void say(keeper_pointer self) {
  auto& state = self->state;
  for (auto& word : state.say)
    self->send(word.to, std::move(word.what));
  state.say.clear();
  if (state.keeper->questions_wait() && !std::exchange(state.woken, true))
    self->send(self, keeper_wake_atom::value);
}

/// Gives L1 what was worth most before the start, and L2 what it can take.
void warm(keeper_pointer self) {
  auto& setup = self->state.setup;
  std::vector<cache_fill> fills;
  auto more = self->state.keeper->warm_some(now(), fills);
  for (auto& fill : fills) {
    auto& shard = setup.shards[rendezvous(fill.key, setup.shards.size())];
    self->send(shard, std::move(fill));
  }
  if (more) // behind whoever asked meanwhile
    self->send(self, keeper_warm_atom::value);
}

/// Longer than a checker takes for anything: it is dead then.
constexpr std::chrono::seconds checker_patience{60};

void hand_out_checks(keeper_pointer self) {
  for (auto& check : self->state.keeper->take_checks()) {
    check_result nothing{check.ticket, check_outcome::unknown};
    self->request(self->state.setup.checker, checker_patience, std::move(check))
        .then([self](const check_result& x) { self->state.keeper->checked(x, now()); },
              [self, nothing](const caf::error&) { self->state.keeper->checked(nothing, now()); });
  }
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

waking_cache_keeper_actor::behavior_type
cache_keeper_role(keeper_pointer self, std::shared_ptr<cache_keeper_setup> setup) {
  auto& state = self->state;
  state.setup = std::move(*setup);
  if (state.setup.shards.empty())
    state.setup.settings.hottest = 0;
  state.setup.settings.checks_max = state.setup.checker ? check_desk::under_way_max : 0;
  if (state.setup.make_judge)
    state.judge = state.setup.make_judge();
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
        say(self);
      },
      [self](answer_fill& x) {
        self->state.setup.gate->leave_fill(x.answer.content.size());
        self->state.keeper->keep(std::move(x), now());
        hand_out_checks(self);
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
        self->quit();
      },
      [self](keeper_wake_atom) {
        self->state.woken = false;
        self->state.keeper->read(now(), self->state.say);
        say(self);
      },
      [self](keeper_tick_atom) {
        self->state.keeper->tidy(now());
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
