#pragma once

#include "runtime/charge.hpp"

namespace sluice {

struct settled_charge {
  charge_id id;
  nanousd cost;

  friend bool operator==(const settled_charge&, const settled_charge&) = default;
};

/// A node asks for more to spend. Repeated with the same number until it is answered.
struct grant_request {
  uint64_t number = 0; ///< of this node and account, from 1
  nanousd wanted;
};

/// What a home answers: never negative, zero where there is nothing left.
struct grant_answer {
  uint64_t number = 0; ///< of the request
  nanousd amount;
};

/// What a node tells a home of its spending. Messages may be lost, repeated, late and out of order.
struct settlement {
  std::vector<settled_charge> charges;
  nanousd returned; ///< of all that was granted so far, never less than before
};

} // namespace sluice
