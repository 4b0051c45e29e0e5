#pragma once

#include "actors/ledger/escrow_home.hpp"

#include <map>

namespace sluice::test {

/// A book in memory. Copies of it are of one moment.
class memory_charge_book final : public charge_book {
public:
  bool add(const settled_charge& x) override { return charges.emplace(x.id, x.cost).second; }

  std::map<charge_id, nanousd> charges;
};

} // namespace sluice::test
