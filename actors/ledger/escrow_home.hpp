#pragma once

#include "actors/ledger/escrow_messages.hpp"

#include <map>
#include <optional>

namespace sluice {

/// The charges of an account that its home knows. They outlive the process, and are too many for
/// memory.
class charge_book {
public:
  virtual ~charge_book() = default;
  /// Adds a charge. False where there is one with this id, which then stays as it is.
  virtual bool add(const settled_charge& x) = 0;
};

/// What an account's home knows of one node.
struct escrow_share {
  nanousd granted;     ///< so far
  nanousd returned;    ///< of that, so far
  nanousd settled;     ///< of that, so far
  uint64_t grants = 0; ///< requests that were answered
  nanousd last_grant;  ///< the answer to the last of them
  bool closed = false; ///< the node is lost: nothing is granted to it any more

  friend bool operator==(const escrow_share&, const escrow_share&) = default;
};

/// One account on one day: how much it has, and who may spend what of it. The home grants no more
/// than the limit to all nodes together, less what they gave back. What a node did not spend of a
/// reservation stays with the node.
///
/// Messages may be lost, repeated, late and out of order: an answer is repeated to a request that
/// is repeated, a charge counts once, and what a node returned never becomes less. The caller makes
/// each change durable before it answers, the book's part of it in the same atomic write.
///
/// For one thread.
class escrow_home {
public:
  /// Goes on from `shares`, by node. `book` outlives this.
  escrow_home(nanousd limit, charge_book& book, std::map<uint64_t, escrow_share> shares = {});

  /// What is granted to nobody. Negative after the limit was lowered.
  nanousd free() const;
  /// Cost of all charges that were told, and what lost nodes may have spent.
  nanousd spent() const;
  nanousd limit() const { return limit_; }
  /// From now on. What is granted already stays granted.
  void set_limit(nanousd limit) { limit_ = limit; }

  /// At most `request.wanted`. Nothing is answered to a request that is older than the last one, as
  /// its node has its answer; nor to one that skips some, as then this has forgotten what it
  /// granted and must not grant it again; nor to a node that is lost.
  std::optional<grant_answer> on_request(uint64_t node, const grant_request& request);

  /// Returns the charges that the node need not tell any more: all of them.
  std::vector<charge_id> on_settlement(uint64_t node, const settlement& x);

  /// The node's disk is gone. What it could have spent counts as spent: returns how much of that no
  /// charge says.
  nanousd lose(uint64_t node);

  const std::map<uint64_t, escrow_share>& shares() const { return shares_; }

private:
  nanousd limit_;
  charge_book& book_;
  std::map<uint64_t, escrow_share> shares_;
};

} // namespace sluice
