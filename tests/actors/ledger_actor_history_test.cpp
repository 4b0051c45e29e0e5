#include "actors/ledger/ledger_actor.hpp"
#include "tests/support/deterministic_system.hpp"
#include "tests/support/ledger_disk.hpp"

#include <random>

/// Plays seeded histories of the ledger's actor on the deterministic scheduler: orders of several
/// clients wait, overtake each other and come twice, the actor handles one message at a time, and a
/// crash falls on any write, also on the first of a start, before it or after it. After every step
/// the disk has to be right, and what anybody was told has to stand on it. Then it plays them with
/// a disk that breaks one rule, which has to be noticed.
namespace sluice {
namespace {

using namespace std::chrono_literals;
using test::broken_rule;

/// From a start to a crash.
struct life {
  bool over = false;
  int writes_left = -1; ///< until the crash; below zero there is none
  bool written = false; ///< whether the write that it falls on is on the disk
};

class crashing_archive final : public ledger_archive {
public:
  crashing_archive(test::ledger_disk* disk, std::shared_ptr<life> own)
      : disk_(*disk), life_(std::move(own)) {}

  caf::expected<ledger_contents> begin() override { return ledger_contents{}; }
  caf::error commit(ledger_batch&& x) override {
    bool crashes = life_->writes_left == 0;
    if (!life_->over && (!crashes || life_->written))
      disk_.write(x);
    life_->over = life_->over || crashes;
    if (life_->over)
      return make_error(ec::storage_failed, "the plug is pulled");
    if (life_->writes_left > 0)
      --life_->writes_left;
    return {};
  }
  caf::expected<std::vector<numbered_row>> rows(uint64_t, uint32_t) const override {
    return std::vector<numbered_row>{};
  }
  caf::expected<std::vector<ledger_account>> accounts() const override {
    return std::vector<ledger_account>{};
  }
  caf::expected<std::vector<ledger_day>> days() const override { return std::vector<ledger_day>{}; }
  caf::expected<std::vector<open_charge>> open() const override {
    return std::vector<open_charge>{};
  }
  caf::error back_up(const std::string&) const override { return {}; }

private:
  test::ledger_disk& disk_;
  std::shared_ptr<life> life_;
};

ledger_client_actor::behavior_type listener(ledger_client_actor::pointer,
                                            std::function<void(const ledger_verdicts&)> hear) {
  return {[hear](const ledger_verdicts& x) { hear(x); }};
}

class ledger_actor_history : public test::deterministic_system {
protected:
  /// What was found wrong; empty where nothing was.
  std::string play(uint64_t seed, broken_rule broken) {
    random_.seed(seed);
    disk_ = {broken};
    wrong_.clear();
    billed_.clear();
    incarnation_ = 0;
    begin();
    for (int i = 0; i < 200 && wrong_.empty(); ++i) {
      step();
      check();
    }
    finish();
    end_life();
    crashes += incarnation_ - 1;
    charges += billed_.size();
    return wrong_;
  }

  uint64_t crashes = 0;
  uint64_t charges = 0;

private:
  struct run {
    charge_id id;
    nanousd bill;
  };

  uint64_t pick(uint64_t below) { return random_() % below; }

  void begin() {
    life_ = std::make_shared<life>();
    if (incarnation_ > 0 && pick(4) == 0)
      plan_crash();
    auto setup = std::make_shared<ledger_setup>(
        ledger_setup{std::make_unique<crashing_archive>(&disk_, life_),
                     disk_.contents(++incarnation_),
                     budget_rules{test::history_budgets(), {500}},
                     {},
                     {},
                     [this] { return now_; },
                     {}});
    ledger_ = caf::actor_cast<ledger_actor>(sys.spawn(ledger_keeper, setup));
    for (auto& x : clients_)
      x = sys.spawn(listener, [this, own = life_](const ledger_verdicts& said) {
        if (!own->over) // nobody hears the dead
          hear(said);
      });
  }

  void end_life() {
    life_->over = true;
    caf::anon_send_exit(ledger_, caf::exit_reason::kill);
    for (auto& x : clients_)
      caf::anon_send_exit(x, caf::exit_reason::kill);
    sched.run();
    late_.clear();
    asked_.clear();
    running_.clear();
    ended_.clear();
  }

  void plan_crash() {
    life_->writes_left = static_cast<int>(pick(3));
    life_->written = pick(2) == 0;
  }

  void step() {
    switch (pick(16)) {
    default:
      return reserve();
    case 3:
    case 4:
      return end_one();
    case 5:
    case 6:
    case 7:
    case 8:
      return deliver();
    case 9:
    case 10:
    case 11:
    case 12:
    case 13:
      for (auto i = pick(6); i > 0; --i)
        sched.try_run_once();
      return;
    case 14:
      return pass_time(std::chrono::minutes{pick(90)});
    case 15:
      if (pick(4) == 0 && life_->writes_left < 0)
        plan_crash();
    }
  }

  /// Both clocks go on together.
  void pass_time(std::chrono::minutes d) {
    now_ += d;
    sched.advance_time(d);
  }

  void reserve() {
    ledger_orders orders;
    orders.client = clients_[pick(clients_.size())];
    for (auto i = pick(3) + 1; i > 0; --i) {
      auto order = test::history_order([this](uint64_t below) { return pick(below); });
      order.call = ++calls_;
      asked_[order.call] = order.most;
      orders.reserve.push_back(std::move(order));
    }
    late_.push_back(std::move(orders));
  }

  /// Now and then it is said twice.
  void end_one() {
    if (running_.empty())
      return;
    auto at = running_.begin() + static_cast<std::ptrdiff_t>(pick(running_.size()));
    ledger_orders orders;
    orders.client = clients_[pick(clients_.size())];
    charge_end end;
    end.call = ++calls_;
    end.id = at->id;
    end.outcome.cost = at->bill;
    orders.settle.push_back(end);
    ended_[end.call] = *at;
    running_.erase(at);
    if (pick(8) == 0)
      late_.push_back(orders);
    late_.push_back(std::move(orders));
  }

  /// One of those that wait, whichever.
  void deliver() {
    if (late_.empty())
      return;
    std::swap(late_[pick(late_.size())], late_.back());
    caf::anon_send(ledger_, std::move(late_.back()));
    late_.pop_back();
  }

  void hear(const ledger_verdicts& x) {
    for (auto& said : x.reserved) {
      if (said.why == ec::budget_exceeded)
        continue;
      if (said.why != ec::none)
        return fail("a charge was refused for another reason");
      if (!disk_.open.contains(said.id))
        return fail("what was set aside is not on the disk");
      auto most = asked_.at(said.call).value;
      run made{said.id, {static_cast<int64_t>(pick(static_cast<uint64_t>(most) + 1))}};
      billed_[made.id] = made.bill; // it is sent now, and its provider bills it whatever happens
      running_.push_back(made);
    }
    for (auto& said : x.settled) {
      auto row = std::find_if(disk_.rows.begin(), disk_.rows.end(),
                              [&](auto& y) { return y.charge.id == ended_.at(said.call).id; });
      if (said.why != ec::none && said.why != ec::not_found)
        return fail("a charge that is open cannot be settled");
      if (row == disk_.rows.end() || row->outcome.cost != ended_.at(said.call).bill)
        return fail("what was settled is not on the disk");
    }
  }

  void fail(const char* why) {
    if (wrong_.empty())
      wrong_ = why;
  }

  void check() {
    if (auto found = disk_.wrong(); !found.empty())
      fail(found.c_str());
    while (life_->over && wrong_.empty()) {
      end_life();
      begin();
      sched.run();
    }
  }

  /// Everything that is under way comes to its end.
  void finish() {
    for (int quiet = 0; wrong_.empty() && quiet < 2;) { // the second: what the first was told late
      quiet = late_.empty() && running_.empty() ? quiet + 1 : 0;
      end_one();
      deliver();
      sched.run();
      check();
    }
    if (wrong_.empty())
      wrong_ = account_mistake();
    if (wrong_.empty())
      wrong_ = disk_.wrong_at_end(billed_);
  }

  /// What the actor says of the accounts, beside what the disk does.
  std::string account_mistake() {
    auto accounts = ask<account_list>(ledger_, account_query{});
    if (!accounts)
      return "the accounts are not told";
    for (auto& x : accounts->accounts)
      if (x.open.value != 0 || (x.limited && x.spent > x.limit))
        return "something is open for ever in an account, or more is spent than there is";
    return {};
  }

  std::mt19937_64 random_;
  test::ledger_disk disk_;
  std::shared_ptr<life> life_;
  ledger_actor ledger_;
  std::array<ledger_client_actor, 3> clients_;
  uint64_t incarnation_ = 0;
  uint64_t calls_ = 0;
  // The night in which Berlin's clocks go back.
  wall_time now_ = std::chrono::sys_days{std::chrono::year{2026} / 10 / 24} + 9h;
  std::vector<ledger_orders> late_;   ///< said, and not delivered yet
  std::map<uint64_t, nanousd> asked_; ///< the most that may be spent, by call
  std::map<uint64_t, run> ended_;     ///< by call
  std::vector<run> running_;
  std::map<charge_id, nanousd> billed_;
  std::string wrong_;
};

TEST_F(ledger_actor_history, no_crash_and_no_order_of_messages_loses_or_doubles_money) {
  for (uint64_t seed = 1; seed <= test::histories(); ++seed)
    ASSERT_EQ(play(seed, broken_rule::none), "") << "seed " << seed;
  EXPECT_GT(crashes, test::histories() / 2);
  EXPECT_GT(charges, 20 * test::histories());
}

TEST_F(ledger_actor_history, every_broken_rule_is_noticed) {
  for (auto broken :
       {broken_rule::forgets_open, broken_rule::keeps_ended, broken_rule::forgets_account,
        broken_rule::writes_twice, broken_rule::forgets_day, broken_rule::loses_writes}) {
    auto noticed = 0;
    for (uint64_t seed = 1; seed <= 20; ++seed)
      noticed += play(seed, broken).empty() ? 0 : 1;
    EXPECT_GE(noticed, 1) << "rule " << static_cast<int>(broken);
  }
}

} // namespace
} // namespace sluice
