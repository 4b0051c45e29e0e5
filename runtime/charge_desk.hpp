#pragma once

#include "runtime/actors.hpp"

#include <functional>
#include <unordered_map>

namespace sluice {

/// Charges of an actor that makes few calls: numbers what it asks of the ledger, and calls back
/// with what that says. Without a ledger everything is granted and nothing written down.
///
/// For one thread, that of the actor, which hands `ledger_verdicts` to `take`.
class charge_desk {
public:
  using when_reserved = std::function<void(const charge_verdict&)>;
  using when_settled = std::function<void(ec)>;

  /// `client` makes the actor's handle when it is asked for: an actor that kept its own would never
  /// end.
  charge_desk(ledger_actor ledger, std::function<ledger_client_actor()> client)
      : ledger_(std::move(ledger)), client_(std::move(client)) {}

  /// Sets `order.most` aside; `order.call` is filled in here. Returns the number for `forget`.
  /// Without a ledger `then` is called before this returns.
  uint64_t reserve(charge_order order, when_reserved then);
  /// Nobody wants to know any more: where it is granted all the same, it ends as not sent.
  void forget(uint64_t call);
  /// Ends a charge; one without a number, as without a ledger, needs no end. `then` may be empty.
  void settle(const charge_id& id, const charge_outcome& outcome, when_settled then = {});
  void take(const ledger_verdicts& x);

  /// Whether the ledger owes no answer.
  bool idle() const { return reserving_.empty() && settling_.empty(); }

private:
  ledger_actor ledger_;
  std::function<ledger_client_actor()> client_;
  std::unordered_map<uint64_t, when_reserved> reserving_; ///< empty where it is forgotten
  std::unordered_map<uint64_t, when_settled> settling_;
  uint64_t call_next_ = 1;
};

} // namespace sluice
