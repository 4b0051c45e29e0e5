#include "actors/ledger/ledger_actor.hpp"

#include <spdlog/spdlog.h>

namespace sluice {

namespace {

constexpr std::chrono::seconds tick_time{1};

std::string whose(const account_view& x) {
  auto result = std::string{to_string_view(x.scope)} + " (tenant '" + x.owner.tenant;
  result += "', team '" + x.owner.team + "', user '" + x.owner.user + "', key '" + x.owner.key_id;
  return result + "', model '" + x.model + "')";
}

} // namespace

wall_time ledger_actor_state::now() {
  return clock->now(setup->wall(), self->clock().now());
}

void ledger_actor_state::take(ledger_orders& x) {
  auto found =
      std::find_if(owed.begin(), owed.end(), [&](auto& y) { return y.client == x.client; });
  if (found == owed.end())
    found = owed.insert(owed.end(), {x.client, {}});
  auto& verdicts = found->verdicts;
  auto at = now();
  for (auto& end : x.settle) { // first, for it may make room
    auto why = broken ? ec::storage_failed : book->settle(end.id, end.outcome, at);
    if (end.call != 0)
      verdicts.settled.push_back({end.call, why});
  }
  for (auto& order : x.reserve) {
    if (broken) {
      charge_verdict refused;
      refused.call = order.call;
      refused.why = ec::storage_failed;
      verdicts.reserved.push_back(std::move(refused));
      continue;
    }
    verdicts.reserved.push_back(book->reserve(order, at));
    told.refused += verdicts.reserved.back().why == ec::budget_exceeded ? 1 : 0;
    told.refused_tokens += verdicts.reserved.back().why == ec::rate_limited ? 1 : 0;
  }
  changed = true;
  if (std::exchange(flushing, true))
    return;
  // Behind all that is in the mailbox already: that goes into the same write.
  self->send(self, ledger_flush_atom::value);
}

/// Written at once, with all that waits: it is rare, and who sets it wants to know that it counts.
caf::result<budget_list> ledger_actor_state::change(const budget_change& x) {
  if (!broken) {
    book->change(x, now());
    changed = true;
    flush();
  }
  if (broken)
    return make_error(ec::storage_failed);
  return budgets();
}

void ledger_actor_state::flush() {
  flushing = false;
  if (!broken) {
    auto batch = book->take_changes(now());
    told.rows += batch.rows.size();
    for (auto& row : batch.rows)
      told.assumed += row.outcome.has(charge_flag::assumed) ? 1 : 0;
    if (!batch.empty()) {
      auto error = setup->archive->commit(std::move(batch));
      ++told.commits;
      if (error) {
        broken = true;
        if (setup->log)
          setup->log->lines()->error("the ledger cannot be written, so that nothing more is sent "
                                     "to a provider: {}",
                                     message_of(error));
        if (setup->on_broken)
          setup->on_broken(error);
      }
    }
  }
  answer(!broken);
  tell_alarms();
}

/// What was decided is on the disk, or nothing of it counts.
void ledger_actor_state::answer(bool written) {
  for (auto& x : std::exchange(owed, {})) {
    if (!written) {
      for (auto& y : x.verdicts.reserved)
        if (y.why == ec::none) {
          y.why = ec::storage_failed;
          y.id = {};
        }
      for (auto& y : x.verdicts.settled)
        y.why = ec::storage_failed;
    }
    if (!x.verdicts.reserved.empty() || !x.verdicts.settled.empty())
      self->send(x.client, std::move(x.verdicts));
  }
}

void ledger_actor_state::tell_alarms() {
  for (auto& x : book->take_alarms()) {
    ++told.alarms[x.percent];
    if (!setup->log)
      continue;
    auto& of = x.account;
    auto& lines = setup->log->lines();
    if (x.percent > 0)
      lines->warn("budget: {} % of ${} used by {} in {}", x.percent, to_usd_string(of.limit),
                  whose(of), of.period_name);
    else
      lines->warn("budget: ${} used in {} so far by {}; if that goes on it is ${} at the end of "
                  "the {}, and the budget is ${}",
                  to_usd_string(of.spent), of.period_name, whose(of), to_usd_string(x.foreseen),
                  to_string_view(of.period), to_usd_string(of.limit));
  }
}

void ledger_actor_state::report() {
  if (!std::exchange(changed, false) || !setup->monitor)
    return;
  auto out = std::exchange(told, {});
  out.accounts = book->tenants();
  out.open = book->open();
  out.open_sum = book->open_sum();
  out.violations = book->violations();
  out.clock_doubted = clock->doubted();
  out.failed = broken;
  self->send(setup->monitor, std::move(out));
}

flushing_ledger_actor::behavior_type
ledger_keeper(flushing_ledger_actor::stateful_pointer<ledger_actor_state> self,
              std::shared_ptr<ledger_setup> setup) {
  auto& state = self->state;
  state.self = self;
  state.setup = std::move(setup);
  state.clock = std::make_unique<budget_clock>(state.setup->wall(), self->clock().now(),
                                               state.setup->contents.latest);
  state.book =
      std::make_unique<ledger_book>(std::move(state.setup->rules), std::move(state.setup->contents),
                                    state.now(), state.setup->tokens);
  state.changed = true;
  state.flush(); // what was open at the last end, before anything else is decided
  self->delayed_send(self, tick_time, ledger_tick_atom::value);
  return {
      [self](ledger_orders& x) { self->state.take(x); },
      [self](const account_query& x) { return account_list{self->state.book->accounts(x.owner)}; },
      [self](const budget_query&) { return self->state.budgets(); },
      [self](const budget_change& x) { return self->state.change(x); },
      [self](const drain&) {
        self->state.flush();
        self->state.report();
        self->state.setup.reset();
        self->quit();
      },
      [self](ledger_flush_atom) { self->state.flush(); },
      [self](ledger_tick_atom) {
        auto& own = self->state;
        own.book->turn(own.now());
        own.flush();
        own.report();
        self->delayed_send(self, tick_time, ledger_tick_atom::value);
      },
  };
}

} // namespace sluice
