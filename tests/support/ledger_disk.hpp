#pragma once

#include "runtime/configuration.hpp"
#include "runtime/ledger_archive.hpp"

#include <cstdlib>
#include <map>
#include <set>
#include <string>

/// What histories of a ledger leave behind, and what has to be true of it at any moment.
namespace sluice::test {

enum class broken_rule {
  none,
  forgets_open,    ///< what was open at a crash is lost
  keeps_ended,     ///< a settled charge stays open
  forgets_account, ///< rows are written without their balances
  writes_twice,    ///< a row stands in the ledger twice
  forgets_day,
  loses_writes, ///< one of seven is acknowledged and not there
};

/// What is left after a crash, of a disk that may break a rule.
struct ledger_disk {
  broken_rule broken = broken_rule::none;
  std::map<charge_id, open_charge> open{};
  std::map<uint32_t, ledger_account> accounts{};
  std::map<std::chrono::sys_days, ledger_day> days{};
  std::vector<ledger_row> rows{};
  wall_time latest{};
  uint64_t writes = 0;

  void write(const ledger_batch& x) {
    if (++writes % 7 == 0 && broken == broken_rule::loses_writes)
      return;
    latest = x.now;
    for (auto& y : x.opened)
      open[y.id] = y;
    if (broken != broken_rule::keeps_ended)
      for (auto& y : x.ended)
        open.erase(y);
    for (auto& y : x.rows) {
      rows.push_back(y);
      if (broken == broken_rule::writes_twice)
        rows.push_back(y);
    }
    if (broken != broken_rule::forgets_account || x.rows.empty())
      for (auto& y : x.accounts)
        accounts[y.number] = y;
    if (broken != broken_rule::forgets_day)
      for (auto& y : x.days)
        days[y.day] = y;
  }

  ledger_contents contents(uint64_t incarnation) const {
    ledger_contents result;
    result.node = 1;
    result.incarnation = incarnation;
    result.latest = latest;
    if (broken != broken_rule::forgets_open)
      for (auto& [id, x] : open)
        result.open.push_back(x);
    for (auto& [number, x] : accounts)
      result.accounts.push_back(x);
    for (auto& [day, x] : days)
      if (!x.closed)
        result.days.push_back(x);
    return result;
  }

  /// What contradicts itself here; empty where nothing does.
  std::string wrong() const {
    std::map<uint32_t, nanousd> sums;
    std::map<std::chrono::sys_days, nanousd> of_days;
    std::set<charge_id> seen;
    for (auto& row : rows) {
      if (!seen.insert(row.charge.id).second)
        return "a charge stands in the ledger twice";
      if (open.contains(row.charge.id))
        return "a charge is open and settled";
      for (auto number : row.charge.accounts)
        sums[number] += row.outcome.cost;
      of_days[std::chrono::floor<std::chrono::days>(row.charge.reserved)] += row.outcome.cost;
    }
    for (auto& [number, x] : accounts)
      if (sums[number] != x.spent)
        return "the rows do not sum to a balance";
    for (auto& [day, sum] : of_days)
      if (auto found = days.find(day); found == days.end() || found->second.spent != sum)
        return "the rows do not sum to a day";
    for (auto& [id, x] : open)
      for (auto number : x.accounts)
        sums[number] += x.most;
    for (auto& [number, x] : accounts)
      if (x.limit && sums[number] > *x.limit)
        return "more is spent and set aside than there is";
    return {};
  }

  /// What is wrong at the end, when everything that was let through, `billed`, has ended: it is in
  /// the ledger at its bill or, marked, above it, and nothing else is.
  std::string wrong_at_end(const std::map<charge_id, nanousd>& billed) const {
    if (!open.empty())
      return "something is open for ever";
    std::map<charge_id, const ledger_row*> found;
    for (auto& row : rows) {
      found[row.charge.id] = &row;
      if (!billed.contains(row.charge.id) && !row.outcome.has(charge_flag::assumed))
        return "a charge is nobody's";
    }
    for (auto& [id, bill] : billed) {
      auto at = found.find(id);
      if (at == found.end())
        return "a charge is missing";
      auto& outcome = at->second->outcome;
      if (outcome.cost != bill && !(outcome.has(charge_flag::assumed) && outcome.cost > bill))
        return "a charge is not what was billed";
    }
    return {};
  }
};

/// What histories play with: a day of each user's in UTC, and one tenant's in Berlin.
inline std::vector<budget_settings> history_budgets() {
  budget_settings user;
  user.scope = budget_scope::user;
  user.name = "*";
  user.limit = {300};
  budget_settings zone;
  zone.scope = budget_scope::tenant;
  zone.name = "acme";
  zone.limit = {900};
  zone.zone = *time_zone::find("Europe/Berlin");
  return {user, zone};
}

/// An order of one of a few callers; `pick` gives a number below its argument.
template <class Pick>
charge_order history_order(Pick pick) {
  charge_order order;
  order.purpose.owner = {pick(2) == 0 ? "acme" : "other", "", "user" + std::to_string(pick(3)),
                         "key" + std::to_string(pick(3))};
  order.most = {static_cast<int64_t>(pick(60))};
  return order;
}

/// How many histories are played: SLUICE_HISTORIES, or so many that a usual run stays short.
inline uint64_t histories() {
  auto* text = std::getenv("SLUICE_HISTORIES");
  return text ? std::strtoull(text, nullptr, 10) : 300;
}

} // namespace sluice::test
