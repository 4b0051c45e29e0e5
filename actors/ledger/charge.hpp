#pragma once

#include "runtime/money.hpp"

#include <compare>
#include <cstdint>
#include <vector>

namespace sluice {

/// Names a charge: one attempt at a provider, of which two are two charges. Never used twice.
struct charge_id {
  uint64_t node = 0;        ///< who made it; the same over restarts
  uint64_t incarnation = 0; ///< of that node, one more with each start
  uint64_t number = 0;      ///< within it

  friend auto operator<=>(const charge_id&, const charge_id&) = default;
};

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
