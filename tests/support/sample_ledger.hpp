#pragma once

#include "runtime/ledger_archive.hpp"
#include "runtime/ledger_chain.hpp"

#include <map>
#include <utility>

namespace sluice::test {

inline const wall_time ledger_begin = std::chrono::sys_days{std::chrono::year{2026} / 11 / 23};

inline open_charge charge_of(charge_id id, wall_time reserved = ledger_begin) {
  open_charge x;
  x.id = id;
  auto n = std::to_string(id.number);
  x.purpose = {{"acme", "search", "user-" + n, "key-1"},
               "request-" + n,
               2,
               "chat",
               "gpt",
               "main",
               "2026-11"};
  x.most = {1'000 + static_cast<int64_t>(id.number)};
  x.reserved = reserved;
  x.accounts = {1, 2 + static_cast<uint32_t>(id.number % 2)};
  return x;
}

/// Every third costs more than was reserved, every seventh nobody knows.
inline ledger_row row_of(const open_charge& charge) {
  ledger_row x;
  x.charge = charge;
  auto n = static_cast<int64_t>(charge.id.number);
  x.outcome.usage = {n, 1, 2, 3 * n, 4};
  x.outcome.cost = {n % 3 == 0 ? charge.most.value + 7 : 500 + n};
  x.outcome.counterfactual = {9'000};
  if (n % 3 == 0)
    x.outcome.set(charge_flag::overrun);
  if (n % 7 == 0) {
    x.outcome = {};
    x.outcome.set(charge_flag::assumed);
  }
  x.settled = charge.reserved + std::chrono::seconds{3};
  return x;
}

inline ledger_account account_of(uint32_t number) {
  ledger_account x;
  x.number = number;
  x.scope = budget_scope::team;
  x.owner = {"acme", "search", "", ""};
  x.model = "gpt";
  x.period = period_kind::week;
  x.zone = "Europe/Rome";
  x.begin = ledger_begin;
  x.end = ledger_begin + std::chrono::days{7};
  x.limit = nanousd{5'000'000};
  x.action = budget_action::downgrade;
  x.granted = {900'000};
  x.returned = {3};
  x.grants = 12;
  x.alerted = 80;
  return x;
}

/// Who keeps a ledger in tests: its accounts and days are what its rows make them.
struct ledger_keeper {
  explicit ledger_keeper(ledger_archive& x) : archive(x) {
    auto found = archive.begin();
    if (!found)
      return;
    contents = *found;
    for (auto& account : found->accounts)
      accounts[account.number] = account;
    for (auto& day : found->days)
      days[day.day] = day;
  }

  open_charge next(wall_time reserved = ledger_begin) {
    return charge_of({contents.node, contents.incarnation, ++number}, reserved);
  }
  /// Adds the row of `charge`, and what it changes, to `x`.
  void settle(ledger_batch& x, const open_charge& charge) {
    auto row = row_of(charge);
    for (auto id : charge.accounts) {
      auto& account = accounts.try_emplace(id, account_of(id)).first->second;
      ++account.charges;
      account.spent += cost_of(row);
      account.overrun += overrun_of(row);
      x.accounts.push_back(account);
    }
    auto& day = days[day_of(charge)];
    day.day = day_of(charge);
    ++day.charges;
    day.spent += cost_of(row);
    x.days.push_back(day);
    x.ended.push_back(charge.id);
    x.rows.push_back(std::move(row));
  }
  /// `count` rows, opened and settled in two commits.
  caf::error settled(size_t count, wall_time reserved = ledger_begin) {
    ledger_batch first{reserved, {}, {}, {}, {}, {}};
    ledger_batch second{reserved + std::chrono::seconds{3}, {}, {}, {}, {}, {}};
    for (size_t i = 0; i < count; ++i) {
      first.opened.push_back(next(reserved));
      settle(second, first.opened.back());
    }
    if (auto error = archive.commit(std::move(first)))
      return error;
    return archive.commit(std::move(second));
  }
  caf::error close(std::chrono::sys_days day) {
    auto closed = days[day];
    closed.day = day;
    closed.closed = true;
    ledger_batch x;
    x.now = ledger_begin + std::chrono::days{30};
    x.days.push_back(closed);
    days.erase(day);
    return archive.commit(std::move(x));
  }

  ledger_archive& archive;
  ledger_contents contents;
  std::map<uint32_t, ledger_account> accounts;
  std::map<std::chrono::sys_days, ledger_day> days;
  uint64_t number = 0;
};

} // namespace sluice::test
