#include "runtime/memory_ledger.hpp"

#include "runtime/ec.hpp"
#include "runtime/ledger_chain.hpp"

#include <algorithm>

namespace sluice {

namespace {

template <class Key, class Value>
std::vector<Value> values(const std::map<Key, Value>& x) {
  std::vector<Value> result;
  result.reserve(x.size());
  for (auto& entry : x)
    result.push_back(entry.second);
  return result;
}

} // namespace

caf::expected<ledger_contents> memory_ledger::begin() {
  std::lock_guard lock{mutex_};
  if (incarnation_ == 0)
    chain_ = chain_begin();
  ledger_contents result;
  result.node = settings_.node;
  result.incarnation = ++incarnation_;
  result.latest = latest_;
  result.open = values(open_);
  result.accounts = values(accounts_);
  result.budgets = budgets_;
  for (auto& [day, x] : days_)
    if (!x.closed)
      result.days.push_back(x);
  return result;
}

caf::error memory_ledger::add(ledger_row&& x) {
  auto chain = chain_next(chain_, encode_row(x));
  if (!chain)
    return chain.error();
  chain_ = std::move(*chain);
  rows_.push_back({++row_last_, chain_, std::move(x)});
  if (rows_.size() > settings_.rows_max)
    rows_.pop_front();
  return {};
}

caf::error memory_ledger::commit(ledger_batch&& x) {
  std::lock_guard lock{mutex_};
  if (incarnation_ == 0)
    return make_error(ec::storage_failed, "the ledger has not begun");
  latest_ = std::max(latest_, x.now);
  for (auto& charge : x.opened)
    open_.insert_or_assign(charge.id, std::move(charge));
  for (auto& id : x.ended)
    open_.erase(id);
  for (auto& row : x.rows)
    if (auto error = add(std::move(row)))
      return error;
  for (auto& account : x.accounts)
    accounts_.insert_or_assign(account.number, std::move(account));
  for (auto& day : x.days) {
    if (day.closed) {
      day.last_row = row_last_;
      day.chain = chain_;
    }
    days_.insert_or_assign(day.day, std::move(day));
  }
  for (auto& change : x.budgets) {
    std::erase_if(budgets_, [&](auto& y) { return y.same_place(change.rule); });
    if (!change.undo)
      budgets_.push_back(std::move(change.rule));
  }
  return {};
}

caf::expected<std::vector<numbered_row>> memory_ledger::rows(uint64_t from,
                                                             uint32_t count_max) const {
  std::lock_guard lock{mutex_};
  std::vector<numbered_row> result;
  auto i = std::ranges::lower_bound(rows_, from, {}, &numbered_row::number);
  for (; i != rows_.end() && result.size() < count_max; ++i) {
    result.push_back(*i);
    result.back().bytes = encode_row(i->row);
  }
  return result;
}

caf::expected<std::vector<ledger_account>> memory_ledger::accounts() const {
  std::lock_guard lock{mutex_};
  return values(accounts_);
}

caf::expected<std::vector<ledger_day>> memory_ledger::days() const {
  std::lock_guard lock{mutex_};
  return values(days_);
}

caf::expected<std::vector<open_charge>> memory_ledger::open() const {
  std::lock_guard lock{mutex_};
  return values(open_);
}

caf::error memory_ledger::back_up(const std::string&) const {
  return make_error(
      ec::invalid_value,
      "this ledger is kept in memory only; give the node a data folder to back it up");
}

} // namespace sluice
