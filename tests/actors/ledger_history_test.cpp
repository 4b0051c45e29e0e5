#include "actors/ledger/ledger_book.hpp"

#include "tests/support/ledger_disk.hpp"

#include <gtest/gtest.h>

#include <map>
#include <random>

/// Plays seeded histories of a node's ledger with a crash at any write, and checks after every step
/// that nobody spends more than there is and that the rows sum to the balances. Then it plays them
/// with a disk that breaks one rule, which has to be noticed.
///
/// SLUICE_HISTORIES says how many are played.
namespace sluice {
namespace {

using namespace std::chrono_literals;
using test::broken_rule;

class history {
public:
  history(uint64_t seed, broken_rule broken) : random_(seed), disk_{broken} { start(); }

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
    book_ = std::make_unique<ledger_book>(budget_rules{test::history_budgets(), {500}},
                                          disk_.contents(++incarnation_), now_);
    write();
  }

  void write() {
    disk_.write(book_->take_changes(now_));
    for (auto& x : decided_)
      running_.push_back(x);
    decided_.clear();
    check();
  }

  /// Before the write, or after it and before anybody hears of it.
  void crash() {
    if (pick(2) == 0)
      disk_.write(book_->take_changes(now_));
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
    auto order = test::history_order([this](uint64_t below) { return pick(below); });
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
    if (auto found = disk_.wrong(); !found.empty())
      wrong_ = found;
  }

  void check_end() {
    if (wrong_.empty())
      wrong_ = disk_.wrong_at_end(billed_);
  }

  struct run {
    charge_id id;
    nanousd most;
    nanousd bill;
  };

  std::mt19937_64 random_;
  test::ledger_disk disk_;
  std::unique_ptr<ledger_book> book_;
  uint64_t incarnation_ = 0;
  // The night in which Berlin's clocks go back.
  wall_time now_ = std::chrono::sys_days{std::chrono::year{2026} / 10 / 24} + 9h;
  std::vector<run> decided_; ///< not on the disk yet, so not sent either
  std::vector<run> running_;
  std::map<charge_id, nanousd> billed_;
  std::string wrong_;
};

TEST(ledger_history, no_crash_loses_or_doubles_money) {
  for (uint64_t seed = 1; seed <= test::histories(); ++seed)
    ASSERT_EQ(history(seed, broken_rule::none).play(200), "") << "seed " << seed;
}

TEST(ledger_history, every_broken_rule_is_noticed) {
  for (auto broken :
       {broken_rule::forgets_open, broken_rule::keeps_ended, broken_rule::forgets_account,
        broken_rule::writes_twice, broken_rule::forgets_day, broken_rule::loses_writes}) {
    auto noticed = 0;
    for (uint64_t seed = 1; seed <= 20; ++seed)
      noticed += history(seed, broken).play(200).empty() ? 0 : 1;
    EXPECT_GE(noticed, 1) << "rule " << static_cast<int>(broken);
  }
}

} // namespace
} // namespace sluice
