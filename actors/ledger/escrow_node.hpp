#pragma once

#include "actors/ledger/escrow_messages.hpp"

#include <map>
#include <optional>

namespace sluice {

/// All of an `escrow_node` that outlives the process.
struct escrow_state {
  nanousd granted;                     ///< so far
  nanousd returned;                    ///< of that, so far
  nanousd spent;                       ///< cost of all charges that are settled
  uint64_t grants = 0;                 ///< that arrived
  std::map<charge_id, nanousd> open;   ///< reservations, by what a charge can cost at most
  std::map<charge_id, nanousd> outbox; ///< settled charges that the home has not confirmed

  friend bool operator==(const escrow_state&, const escrow_state&) = default;
};

/// What one node may spend of one account on one day. It spends only what the account's home has
/// granted it, so nobody has to be asked for a request, and all nodes together spend no more than
/// the account has (escrow; Balegas et al. 2015, "Extending Eventually Consistent Cloud Databases
/// for Enforcing Numeric Invariants").
///
/// A charge is reserved at what it can cost at most before its provider is called, and settled at
/// what it did cost. The caller makes each call's change durable before it acts on it: before the
/// provider is called, before the last of an answer is given out, before a message is answered.
/// Each change is one atomic write.
///
/// For one thread.
class escrow_node {
public:
  escrow_node() = default;
  explicit escrow_node(escrow_state state);

  /// What can still be reserved. Negative where a charge cost more than was reserved for it: the
  /// next grant pays that first.
  nanousd available() const;
  /// Reserved by charges that are not settled.
  nanousd reserved() const { return reserved_; }

  /// False, and nothing is reserved, where `most` is negative or more than there is, or the id is
  /// not new.
  bool reserve(const charge_id& id, nanousd most);
  /// The charge did cost `cost`, which may be more than was reserved: what was spent is never left
  /// out. False where nothing is reserved under this id; then nothing changes.
  bool settle(const charge_id& id, nanousd cost);

  /// What a process of an earlier incarnation left open may have cost what was reserved, and counts
  /// as that. Returns these charges, for the ledger to mark them as assumed.
  std::vector<settled_charge> recover(uint64_t incarnation);

  /// The request for a grant that is due now.
  grant_request ask(nanousd wanted) const { return {state_.grants + 1, wanted}; }
  /// False for an answer to another request, which is late or came twice; then nothing changes.
  bool on_grant(const grant_answer& x);

  /// Gives back up to `most` of what is neither spent nor reserved. Returns how much.
  nanousd give_back(nanousd most);

  /// What the home is to be told: at most `charges_max` charges, those with the lowest ids first.
  settlement report(size_t charges_max) const;
  /// The home has these.
  void on_confirmed(const std::vector<charge_id>& ids);

  const escrow_state& state() const { return state_; }

private:
  escrow_state state_;
  nanousd reserved_; ///< sum of `state_.open`
};

} // namespace sluice
