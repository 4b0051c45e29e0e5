#include "storage/ledger_check.hpp"

#include "runtime/ec.hpp"
#include "runtime/ledger_chain.hpp"

#include <map>

namespace sluice {

namespace {

/// Rows that are in memory at once: some hundred KiB.
constexpr uint32_t page = 500;

struct sums {
  uint64_t charges = 0;
  nanousd spent;
  nanousd overrun;
};

/// Damaged amounts may leave the range, which must not be undefined.
void add(nanousd& to, nanousd x) {
  to.value = static_cast<int64_t>(static_cast<uint64_t>(to.value) + static_cast<uint64_t>(x.value));
}

void add(sums& to, const ledger_row& x) {
  ++to.charges;
  add(to.spent, cost_of(x));
  add(to.overrun, overrun_of(x));
}

std::string name_of(std::chrono::sys_days x) {
  return "day " + budget_period{period_kind::day, x, {}, {}}.name();
}

std::string name_of(uint64_t row) {
  return "row " + std::to_string(row);
}

std::string text_of(const sums& x) {
  return std::to_string(x.charges) + " charges, " + to_usd_string(x.spent) + " dollars spent, " +
         to_usd_string(x.overrun) + " of it beyond what was reserved";
}

class ledger_checker {
public:
  explicit ledger_checker(const ledger_archive& x) : ledger_(x) {}

  caf::expected<ledger_findings> run() {
    auto days = ledger_.days();
    if (!days)
      return days.error();
    auto accounts = ledger_.accounts();
    if (!accounts)
      return accounts.error();
    for (auto& x : *days)
      if (x.closed)
        closed_.emplace(x.day, x);
    walk();
    for (auto& x : *accounts)
      compare(x);
    for (auto& [number, ignored] : of_accounts_)
      complain("account " + std::to_string(number) + ": rows name it, but it is not there");
    for (auto& x : *days)
      compare(x);
    for (auto& [day, ignored] : of_days_)
      complain(name_of(day) + ": there are rows of it, but it is not there");
    findings_.chain = chain_;
    return std::move(findings_);
  }

private:
  void complain(std::string what) {
    if (findings_.discrepancies.size() < ledger_findings::listed_max)
      findings_.discrepancies.push_back(std::move(what));
    else
      ++findings_.discrepancies_more;
  }

  /// One by one where a page cannot be read, to name each row that is at fault and see the others.
  void walk() {
    uint64_t alone_until = 0;
    for (;;) {
      auto rows = ledger_.rows(next_, next_ < alone_until ? 1 : page);
      if (!rows && next_ >= alone_until) {
        alone_until = next_ + page;
      } else if (!rows) {
        complain(name_of(next_) + ": " + message_of(rows.error()));
        ++next_;
        chain_.clear();
      } else if (rows->empty()) {
        return;
      } else {
        for (auto& x : *rows)
          see(x);
      }
    }
  }

  void see(const numbered_row& x) {
    if (x.number != next_) {
      complain("rows " + std::to_string(next_) + " to " + std::to_string(x.number - 1) +
               " are missing");
      chain_.clear();
    }
    check_chain(x);
    next_ = x.number + 1;
    chain_ = x.chain;
    ++findings_.rows;
    add(findings_.sum, cost_of(x.row));
    for (auto account : x.row.charge.accounts)
      add(of_accounts_[account], x.row);
    auto day = day_of(x.row.charge);
    add(of_days_[day], x.row);
    if (auto closed = closed_.find(day);
        closed != closed_.end() && x.number > closed->second.last_row)
      complain(name_of(x.number) + ": it is of " + name_of(day) + ", which was closed at " +
               name_of(closed->second.last_row));
  }

  /// Nothing can be said of a row whose predecessor is not known.
  void check_chain(const numbered_row& x) {
    if (chain_.empty())
      return;
    auto chain = chain_next(chain_, x.bytes);
    if (!chain || *chain != x.chain)
      complain(name_of(x.number) + ": it does not fit the chain: it was changed, or one before it");
  }

  void compare(const ledger_account& x) {
    ++findings_.accounts;
    auto rows = of_accounts_[x.number];
    of_accounts_.erase(x.number);
    if (rows.charges != x.charges || rows.spent != x.spent || rows.overrun != x.overrun)
      complain("account " + std::to_string(x.number) + ": its rows are " + text_of(rows) +
               "; it says " + text_of({x.charges, x.spent, x.overrun}));
  }

  void compare(const ledger_day& x) {
    ++findings_.days;
    auto rows = of_days_[x.day];
    of_days_.erase(x.day);
    if (rows.charges != x.charges || rows.spent != x.spent)
      complain(name_of(x.day) + ": its rows are " + std::to_string(rows.charges) + " charges, " +
               to_usd_string(rows.spent) + " dollars; it says " + std::to_string(x.charges) +
               " charges, " + to_usd_string(x.spent) + " dollars");
    if (x.closed)
      check_close(x);
  }

  void check_close(const ledger_day& x) {
    auto chain = chain_begin();
    if (x.last_row != 0) {
      auto rows = ledger_.rows(x.last_row, 1);
      if (!rows || rows->empty() || rows->front().number != x.last_row) {
        complain(name_of(x.day) + ": it was closed at " + name_of(x.last_row) +
                 ", which is not there");
        return;
      }
      chain = rows->front().chain;
    }
    if (chain != x.chain)
      complain(name_of(x.day) + ": the chain that it was closed with is not that of " +
               name_of(x.last_row));
  }

  const ledger_archive& ledger_;
  ledger_findings findings_;
  uint64_t next_ = 1;
  std::string chain_ = chain_begin(); ///< of the row before; empty where that is not known
  std::map<uint32_t, sums> of_accounts_;
  std::map<std::chrono::sys_days, sums> of_days_;
  std::map<std::chrono::sys_days, ledger_day> closed_;
};

} // namespace

caf::expected<ledger_findings> verify(const ledger_archive& x) {
  return ledger_checker{x}.run();
}

} // namespace sluice
