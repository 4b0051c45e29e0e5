#pragma once

#include "actors/ledger/ledger_book.hpp"
#include "runtime/actors.hpp"
#include "runtime/log.hpp"

#include <functional>
#include <memory>

namespace sluice {

struct ledger_setup {
  std::unique_ptr<ledger_archive> archive;
  /// As the archive told at `begin`, which is the caller's, for it can fail.
  ledger_contents contents;
  budget_rules rules;
  monitor_actor monitor;           ///< may be null
  std::shared_ptr<node_log> log;   ///< may be null
  std::function<wall_time()> wall; ///< the time of day
  /// The disk took no more, so that nothing can be charged: the node has to stop. On the actor's
  /// thread; may be empty.
  std::function<void(const caf::error&)> on_broken;
  token_limits::per_minute tokens{}; ///< of the keys that have such a limit
};

using ledger_flush_atom = caf::atom_constant<caf::atom("ldgflush")>;
using ledger_tick_atom = caf::atom_constant<caf::atom("ldgtick")>;
using flushing_ledger_actor =
    ledger_actor::extend<caf::reacts_to<ledger_flush_atom>, caf::reacts_to<ledger_tick_atom>>;

struct ledger_actor_state {
  static inline constexpr const char* name = "ledger";

  wall_time now();
  void take(ledger_orders& x);
  caf::result<budget_list> change(const budget_change& x);
  budget_list budgets() const { return {book->budgets(), book->accounts({})}; }
  void flush();
  void answer(bool written);
  void tell_alarms();
  void report();

  flushing_ledger_actor::pointer self = nullptr;
  std::shared_ptr<ledger_setup> setup;
  std::unique_ptr<ledger_book> book;
  std::unique_ptr<budget_clock> clock;
  struct owed_answer {
    ledger_client_actor client;
    ledger_verdicts verdicts;
  };
  std::vector<owed_answer> owed; ///< one for each client; after the next write
  ledger_report told;            ///< what is to be told next
  bool flushing = false;
  bool changed = false; ///< since the last report
  bool broken = false;
};

/// Spawned by the composition root, once a node, on a thread of its own, for it waits for the disk.
/// Owns the accounts and the archive of the ledger. What is asked while it waits for the disk is
/// decided together afterwards and written with one fsync (group commit); nobody is answered before
/// that. After a failed write nothing is set aside any more: every order fails as `storage_failed`,
/// and the node is told to stop. When a client dies, what is set aside for it stays so until the
/// next start, which counts it as spent. Stops at `drain`, which comes after everybody who charges
/// has ended, with a last write.
///
/// What waits is bounded by those who charge: each bounds the requests that it has under way.
flushing_ledger_actor::behavior_type
ledger_keeper(flushing_ledger_actor::stateful_pointer<ledger_actor_state> self,
              std::shared_ptr<ledger_setup> setup);

} // namespace sluice
