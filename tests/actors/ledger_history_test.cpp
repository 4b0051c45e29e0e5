#include "actors/ledger/ledger_book.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <map>
#include <random>
#include <set>

/// Plays seeded histories of a node's ledger with a crash at any write, and checks after every step
/// that nobody spends more than there is and that the rows sum to the balances. Then it plays them
/// with a disk that breaks one rule, which has to be noticed.
///
/// SLUICE_HISTORIES says how many are played.
namespace sluice {
namespace {

using namespace std::chrono_literals;
using std::chrono::days;
using std::chrono::floor;

enum class broken_rule {
  none,
  forgets_open,    ///< what was open at a crash is lost
  keeps_ended,     ///< a settled charge stays open
  forgets_account, ///< rows are written without their balances
  writes_twice,    ///< a row stands in the ledger twice
  forgets_day,
};

/// What is left after a crash.
struct disk {
  std::map<charge_id, open_charge> open;
  std::map<uint32_t, ledger_account> accounts;
  std::map<std::chrono::sys_days, ledger_day> days;
  std::vector<ledger_row> rows;

  void write(const ledger_batch& x, broken_rule broken) {
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

  ledger_contents contents(uint64_t incarnation, broken_rule broken) const {
    ledger_contents result;
    result.node = 1;
    result.incarnation = incarnation;
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
};

class history {
public:
  history(uint64_t seed, broken_rule broken) : random_(seed), broken_(broken) { start(); }

  /// What was found wrong; empty where nothing was.
  std::string play(int steps) {
    for (int i = 0; i < steps && wrong_.empty(); ++i)
      step();
    write();
    while (wrong_.empty() && !running_.empty())
      end_one();
    write();
    check_end();
    return wrong_;
  }

private:
  uint64_t pick(uint64_t below) { return random_() % below; }

  void start() {
    budget_settings user;
    user.scope = budget_scope::user;
    user.name = "*";
    user.limit = {300};
    budget_settings zone;
    zone.scope = budget_scope::tenant;
    zone.name = "acme";
    zone.limit = {900};
    zone.zone = *time_zone::find("Europe/Berlin");
    book_ = std::make_unique<ledger_book>(budget_rules{{user, zone}, {500}},
                                          disk_.contents(++incarnation_, broken_), now_);
    write();
  }

  void write() {
    disk_.write(book_->take_changes(now_), broken_);
    for (auto& x : decided_)
      running_.push_back(x);
    decided_.clear();
    check();
  }

  /// Before the write, or after it and before anybody hears of it.
  void crash() {
    if (pick(2) == 0)
      disk_.write(book_->take_changes(now_), broken_);
    decided_.clear();
    for (auto& x : running_) // their providers bill them all the same
      billed_[x.id] = x.bill;
    running_.clear();
    start();
  }

  void step() {
    switch (pick(12)) {
    default:
      return reserve();
    case 5:
    case 6:
    case 7:
    case 8:
      return end_one();
    case 9:
    case 10:
      return write();
    case 11:
      if (pick(6) == 0)
        return crash();
      now_ += std::chrono::minutes{pick(120)};
      book_->turn(now_);
    }
  }

  void reserve() {
    charge_order order;
    order.purpose.owner = {pick(2) == 0 ? "acme" : "other", "", "user" + std::to_string(pick(3)),
                           "key" + std::to_string(pick(3))};
    order.most = {static_cast<int64_t>(pick(60))};
    auto verdict = book_->reserve(order, now_);
    if (verdict.why == ec::none)
      decided_.push_back(
          {verdict.id,
           order.most,
           {static_cast<int64_t>(pick(static_cast<uint64_t>(order.most.value) + 1))}});
    check();
  }

  void end_one() {
    if (running_.empty())
      return;
    auto at = running_.begin() + static_cast<std::ptrdiff_t>(pick(running_.size()));
    auto x = *at;
    running_.erase(at);
    charge_outcome outcome;
    outcome.cost = x.bill;
    if (book_->settle(x.id, outcome, now_) != ec::none)
      wrong_ = "a charge that is open cannot be settled";
    if (book_->settle(x.id, outcome, now_) != ec::not_found)
      wrong_ = "a charge was settled twice";
    billed_[x.id] = x.bill;
    check();
  }

  void check() {
    for (auto& x : book_->accounts({}))
      if (x.limited && x.spent + x.open > x.limit)
        wrong_ = "more is spent and set aside than there is";
    if (book_->violations() != 0)
      wrong_ = "two balances of an account";
    std::map<uint32_t, nanousd> sums;
    std::map<std::chrono::sys_days, nanousd> of_days;
    std::set<charge_id> seen;
    for (auto& row : disk_.rows) {
      if (!seen.insert(row.charge.id).second)
        wrong_ = "a charge stands in the ledger twice";
      if (disk_.open.contains(row.charge.id))
        wrong_ = "a charge is open and settled";
      for (auto number : row.charge.accounts)
        sums[number] += row.outcome.cost;
      of_days[floor<days>(row.charge.reserved)] += row.outcome.cost;
    }
    for (auto& [number, x] : disk_.accounts)
      if (sums[number] != x.spent)
        wrong_ = "the rows do not sum to a balance";
    for (auto& [day, sum] : of_days)
      if (sum != disk_.days[day].spent)
        wrong_ = "the rows do not sum to a day";
  }

  /// Everything that was let through is in the ledger, at its bill or, marked, above it.
  void check_end() {
    if (!wrong_.empty())
      return;
    if (!disk_.open.empty())
      wrong_ = "something is open for ever";
    std::map<charge_id, const ledger_row*> rows;
    for (auto& row : disk_.rows)
      rows[row.charge.id] = &row;
    for (auto& [id, bill] : billed_) {
      auto found = rows.find(id);
      if (found == rows.end())
        wrong_ = "a charge is missing";
      else if (found->second->outcome.cost != bill &&
               !(found->second->outcome.has(charge_flag::assumed) &&
                 found->second->outcome.cost > bill))
        wrong_ = "a charge is not what was billed";
    }
  }

  struct run {
    charge_id id;
    nanousd most;
    nanousd bill;
  };

  std::mt19937_64 random_;
  broken_rule broken_;
  disk disk_;
  std::unique_ptr<ledger_book> book_;
  uint64_t incarnation_ = 0;
  // The night in which Berlin's clocks go back.
  wall_time now_ = std::chrono::sys_days{std::chrono::year{2026} / 10 / 24} + 9h;
  std::vector<run> decided_; ///< not on the disk yet, so not sent either
  std::vector<run> running_;
  std::map<charge_id, nanousd> billed_;
  std::string wrong_;
};

uint64_t histories() {
  auto* text = std::getenv("SLUICE_HISTORIES");
  return text ? std::strtoull(text, nullptr, 10) : 300;
}

TEST(ledger_history, no_crash_loses_or_doubles_money) {
  for (uint64_t seed = 1; seed <= histories(); ++seed)
    ASSERT_EQ(history(seed, broken_rule::none).play(200), "") << "seed " << seed;
}

TEST(ledger_history, every_broken_rule_is_noticed) {
  for (auto broken :
       {broken_rule::forgets_open, broken_rule::keeps_ended, broken_rule::forgets_account,
        broken_rule::writes_twice, broken_rule::forgets_day}) {
    auto noticed = 0;
    for (uint64_t seed = 1; seed <= 20; ++seed)
      noticed += history(seed, broken).play(200).empty() ? 0 : 1;
    EXPECT_GE(noticed, 1) << "rule " << static_cast<int>(broken);
  }
}

} // namespace
} // namespace sluice
