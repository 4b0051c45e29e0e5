#pragma once

#include "runtime/actors.hpp"

#include <memory>
#include <vector>

namespace sluice::test {

/// What a ledger was asked, and how it is to answer.
struct ledger_word {
  std::vector<charge_order> reserved;
  std::vector<charge_end> settled;
  charge_verdict verdict{}; ///< of orders; its call and id are filled in
  bool silent = false;      ///< holds its answers back in `owed`
  std::vector<std::pair<ledger_client_actor, ledger_verdicts>> owed{};
};

/// Grants or refuses as the test says.
inline ledger_actor::behavior_type fake_ledger(ledger_actor::pointer self,
                                               std::shared_ptr<ledger_word> word) {
  return {
      [self, word](const ledger_orders& x) {
        ledger_verdicts out;
        for (auto& end : x.settle) {
          word->settled.push_back(end);
          if (end.call != 0)
            out.settled.push_back({end.call, ec::none});
        }
        for (auto& order : x.reserve) {
          word->reserved.push_back(order);
          auto verdict = word->verdict;
          verdict.call = order.call;
          if (verdict.why == ec::none)
            verdict.id = {1, 1, word->reserved.size()};
          out.reserved.push_back(std::move(verdict));
        }
        if (out.settled.empty() && out.reserved.empty())
          return;
        if (word->silent)
          word->owed.emplace_back(x.client, std::move(out));
        else
          self->send(x.client, std::move(out));
      },
      [](const account_query&) { return account_list{}; },
      [](const budget_query&) { return budget_list{}; },
      [](const budget_change&) { return budget_list{}; },
      [](const drain&) {},
  };
}

} // namespace sluice::test
