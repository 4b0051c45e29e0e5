#include "actors/ledger/escrow_home.hpp"
#include "actors/ledger/escrow_node.hpp"
#include "tests/support/memory_charge_book.hpp"

#include <gtest/gtest.h>

#include <deque>
#include <functional>
#include <memory>
#include <queue>
#include <random>
#include <set>

/// Histories of a home and four nodes under faults: messages are lost, repeated, late and out of
/// order; nodes crash and come back, or lose their disk; the home is down, moves and leaves a
/// zombie behind; the network is cut. What has been written survives, as each change is one atomic
/// write. After every step the invariants hold, and at the end the ledger is what the provider
/// billed.
namespace sluice {
namespace {

/// A rule that is broken on purpose, which the invariants have to notice.
enum class mutant {
  none,
  forget_open,   ///< a crash forgets what was reserved
  any_grant,     ///< a node takes every grant that comes
  new_grant,     ///< a home grants a repeated request anew
  double_settle, ///< a home books a charge each time it is told
  no_fence,      ///< a deposed home goes on granting
};

constexpr nanousd limit{1'000'000};
constexpr int64_t load_until = 20'000;
constexpr int64_t faults_until = 20'000;
constexpr int64_t end = 60'000; ///< time enough for all that is late

class history {
public:
  history(uint64_t seed, mutant what) : random_(seed), mutant_(what) {
    for (uint64_t i = 0; i < nodes_.size(); ++i) {
      at(draw(1, 20), [this, i] { request(i); });
      at(50, [this, i] { flush(i); });
    }
    at(300, [this] { fault(); });
  }

  /// What is wrong; empty where nothing is.
  std::string run() {
    while (!events_.empty() && wrong_.empty()) {
      auto next = events_.top();
      events_.pop();
      now_ = next.at;
      (*next.what)();
      check();
    }
    if (wrong_.empty())
      check_end();
    return wrong_;
  }

  uint64_t accepted = 0;
  uint64_t assumed = 0;
  uint64_t moves = 0;
  uint64_t crashes = 0;
  uint64_t lost = 0;

private:
  struct node {
    escrow_node escrow;
    bool up = true;
    bool lost = false;
    uint64_t incarnation = 1;
    uint64_t charges = 0;
    int64_t asked_at = -1'000;
  };
  /// A home and its book, which moves with it.
  struct seat {
    seat() : home(limit, book) {}
    seat(const seat& x) : book(x.book), home(limit, book, x.home.shares()) {}
    test::memory_charge_book book;
    escrow_home home;
  };
  struct event {
    int64_t at;
    uint64_t number;
    std::shared_ptr<std::function<void()>> what;
    bool operator<(const event& x) const { return at != x.at ? at > x.at : number > x.number; }
  };

  int64_t draw(int64_t from, int64_t to) {
    return std::uniform_int_distribution<int64_t>{from, to}(random_);
  }
  bool chance(double x) { return std::uniform_real_distribution<>{}(random_) < x; }

  void at(int64_t in, std::function<void()> what) {
    events_.push(
        {now_ + in, ++events_made_, std::make_shared<std::function<void()>>(std::move(what))});
  }

  void send(uint64_t between, const std::function<void()>& what) {
    if (cut_.contains(between) || chance(0.05))
      return;
    at(draw(1, 30), what);
    if (chance(0.08))
      at(draw(1, 300), what); // again, possibly very late
  }

  // -- nodes --

  void request(uint64_t i) {
    auto& x = nodes_[i];
    if (x.up) {
      nanousd most{draw(1, 9'000)};
      charge_id id{i, x.incarnation, ++x.charges};
      if (x.escrow.reserve(id, most)) {
        ++accepted;
        at(draw(20, 400), [this, i, id, most] { answered(i, id, most); });
      } else if (x.asked_at < now_ - 100) {
        x.asked_at = now_;
        auto asked = x.escrow.ask({50'000});
        send(i, [this, i, asked] { grant(i, asked); });
      }
    }
    if (now_ < load_until)
      at(draw(1, 40), [this, i] { request(i); });
  }

  /// The provider bills, whatever has become of the node.
  void answered(uint64_t i, const charge_id& id, nanousd most) {
    nanousd cost{draw(0, most.value)};
    billed_ += cost;
    bill_[id] = cost;
    auto& x = nodes_[i];
    if (x.up && id.incarnation == x.incarnation)
      x.escrow.settle(id, cost);
  }

  void granted(uint64_t i, grant_answer answer) {
    auto& x = nodes_[i];
    if (!x.up)
      return;
    if (mutant_ == mutant::any_grant)
      answer.number = x.escrow.state().grants + 1;
    if (x.escrow.on_grant(answer))
      x.asked_at = -1'000;
  }

  void flush(uint64_t i) {
    auto& x = nodes_[i];
    if (x.up) {
      if (now_ < load_until && chance(0.02))
        x.escrow.give_back({draw(0, 20'000)});
      auto told = x.escrow.report(20);
      send(i, [this, i, told] { settle(i, told); });
    }
    if (now_ < end)
      at(50, [this, i] { flush(i); });
  }

  // -- the home; nothing is answered before it is durable --

  void grant(uint64_t i, grant_request asked) {
    auto* by = answering();
    if (!by)
      return;
    auto number = asked.number;
    auto& home = by->home;
    auto known = home.shares().find(i);
    if (mutant_ == mutant::new_grant && known != home.shares().end() &&
        number == known->second.grants)
      ++asked.number;
    auto answer = home.on_request(i, asked);
    if (!answer)
      return;
    answer->number = number;
    send(i, [this, i, answer = *answer] { granted(i, answer); });
  }

  void settle(uint64_t i, settlement told) {
    if (!home_up_)
      return;
    auto ids = std::vector<charge_id>{};
    for (auto& x : told.charges) {
      ids.push_back(x.id);
      if (mutant_ == mutant::double_settle)
        x.id.number += 1'000'000 * ++doubled_;
    }
    seat_->home.on_settlement(i, told);
    send(i, [this, i, ids] {
      if (nodes_[i].up)
        nodes_[i].escrow.on_confirmed(ids);
    });
  }

  /// Who answers a node, which may not know yet that the home has moved.
  seat* answering() {
    if (!zombies_.empty() && chance(0.4)) {
      if (mutant_ != mutant::no_fence)
        return nullptr; // its backup refuses what an older home writes, so it cannot answer
      return zombies_[static_cast<size_t>(draw(0, static_cast<int64_t>(zombies_.size()) - 1))]
          .get();
    }
    return home_up_ ? seat_.get() : nullptr;
  }

  // -- faults --

  void crash(uint64_t i) {
    auto& x = nodes_[i];
    x.up = false;
    ++crashes;
    at(draw(50, 3'000), [this, i] { restart(i); });
  }

  void restart(uint64_t i) {
    auto& x = nodes_[i];
    if (x.lost)
      return;
    x.up = true;
    ++x.incarnation;
    auto state = x.escrow.state();
    if (mutant_ == mutant::forget_open)
      state.open.clear();
    x.escrow = escrow_node{std::move(state)};
    for (auto& charge : x.escrow.recover(x.incarnation)) {
      assumed_[charge.id] = charge.cost;
      ++assumed;
    }
  }

  void lose(uint64_t i) {
    auto& x = nodes_[i];
    if (x.lost)
      return;
    x.up = false;
    x.lost = true;
    ++lost;
  }

  void move_home() {
    ++moves;
    zombies_.push_back(std::make_unique<seat>(*seat_));
    home_up_ = false;
    at(draw(200, 3'000), [this] { home_up_ = true; });
    at(draw(1'000, 8'000), [this] {
      if (!zombies_.empty())
        zombies_.pop_front();
    });
  }

  void fault() {
    auto which = std::uniform_real_distribution<>{}(random_);
    auto i = static_cast<uint64_t>(draw(0, static_cast<int64_t>(nodes_.size()) - 1));
    if (which < 0.06) {
      move_home();
    } else if (which < 0.08 && lost < 2) {
      lose(i);
    } else if (which < 0.4) {
      if (nodes_[i].up)
        crash(i);
    } else if (which < 0.6) {
      home_up_ = false;
      at(draw(50, 2'500), [this] { home_up_ = true; });
    } else {
      cut_.insert(i);
      at(draw(100, 4'000), [this, i] { cut_.erase(i); });
    }
    if (now_ < faults_until)
      at(draw(100, 1'500), [this] { fault(); });
  }

  // -- invariants --

  void fail_unless(bool good, const char* what) {
    if (!good && wrong_.empty())
      wrong_ = what;
  }

  void check() {
    fail_unless(seat_->home.free() >= nanousd{}, "more is granted than there is");
    for (auto& x : nodes_)
      fail_unless(x.escrow.available() >= nanousd{}, "a node has spent what it has not");
    fail_unless(billed_ <= limit, "more was billed than there is");
  }

  void check_end() {
    nanousd booked;
    for (uint64_t i = 0; i < nodes_.size(); ++i)
      if (nodes_[i].lost)
        booked += seat_->home.lose(i);
    auto ledger = seat_->home.spent();
    fail_unless(ledger <= limit, "the ledger has more than there is");
    fail_unless(ledger >= billed_, "the ledger has less than was billed");
    nanousd sum;
    for (auto& [id, cost] : seat_->book.charges)
      sum += cost;
    fail_unless(sum + booked == ledger, "the rows are not the balance");
    if (lost > 0)
      return;
    nanousd over; // what a crash left open may have cost less
    for (auto& [id, cost] : assumed_)
      over += cost - bill_[id];
    fail_unless(ledger - over == billed_, "the ledger is not the bill");
    for (uint64_t i = 0; i < nodes_.size(); ++i) {
      auto& state = nodes_[i].escrow.state();
      fail_unless(state.outbox.empty() && state.open.empty(), "something is left over");
      auto known = seat_->home.shares().find(i);
      // A last grant may have found no way to its node, which would ask for it again.
      auto given = known == seat_->home.shares().end() ? escrow_share{} : known->second;
      if (given.grants > state.grants)
        given.granted = given.granted - given.last_grant;
      fail_unless(given.granted == state.granted, "a grant is stranded");
    }
  }

  std::mt19937_64 random_;
  mutant mutant_;
  int64_t now_ = 0;
  std::priority_queue<event> events_;
  uint64_t events_made_ = 0;
  std::array<node, 4> nodes_;
  std::unique_ptr<seat> seat_ = std::make_unique<seat>();
  bool home_up_ = true;
  std::deque<std::unique_ptr<seat>> zombies_;
  std::set<uint64_t> cut_;
  uint64_t doubled_ = 0;
  nanousd billed_;
  std::map<charge_id, nanousd> bill_;
  std::map<charge_id, nanousd> assumed_;
  std::string wrong_;
};

TEST(escrow_history_test, holds_in_200_histories) {
  uint64_t accepted = 0, assumed = 0, moves = 0, lost = 0;
  for (uint64_t seed = 1; seed <= 200; ++seed) {
    history x{seed, mutant::none};
    EXPECT_EQ(x.run(), "") << "seed " << seed;
    accepted += x.accepted;
    assumed += x.assumed;
    moves += x.moves;
    lost += x.lost;
  }
  // Histories in which nothing happens prove nothing.
  EXPECT_GT(accepted, 20'000u);
  EXPECT_GT(assumed, 500u);
  EXPECT_GT(moves, 100u);
  EXPECT_GT(lost, 30u);
}

TEST(escrow_history_test, a_broken_rule_is_noticed) {
  struct row {
    mutant what;
    int noticed_min; ///< of 30 histories
  };
  for (auto& x :
       {row{mutant::forget_open, 20}, row{mutant::any_grant, 25}, row{mutant::new_grant, 10},
        row{mutant::double_settle, 25}, row{mutant::no_fence, 5}}) {
    int noticed = 0;
    for (uint64_t seed = 1; seed <= 30; ++seed)
      noticed += history{seed, x.what}.run().empty() ? 0 : 1;
    EXPECT_GE(noticed, x.noticed_min) << static_cast<int>(x.what);
  }
}

} // namespace
} // namespace sluice
