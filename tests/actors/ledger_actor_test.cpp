#include "actors/ledger/ledger_actor.hpp"

#include "tests/support/deterministic_system.hpp"

/// The ledger's actor before an archive that counts its writes and fails when told to.
namespace sluice {
namespace {

using namespace std::chrono_literals;

struct counting_archive final : ledger_archive {
  struct counts {
    uint64_t commits = 0;
    uint64_t rows = 0;
    uint64_t opened = 0;
    bool fails = false;
  };

  explicit counting_archive(std::shared_ptr<counts> x) : seen(std::move(x)) {}

  caf::expected<ledger_contents> begin() override { return ledger_contents{}; }
  caf::error commit(ledger_batch&& x) override {
    if (seen->fails)
      return make_error(ec::storage_failed, "no space left");
    ++seen->commits;
    seen->rows += x.rows.size();
    seen->opened += x.opened.size();
    return {};
  }
  caf::expected<std::vector<numbered_row>> rows(uint64_t, uint32_t) const override { return none; }
  caf::expected<std::vector<ledger_account>> accounts() const override { return none_of; }
  caf::expected<std::vector<ledger_day>> days() const override { return no_days; }
  caf::expected<std::vector<open_charge>> open() const override { return nothing_open; }
  caf::error back_up(const std::string&) const override { return {}; }

  std::shared_ptr<counts> seen;
  std::vector<numbered_row> none{};
  std::vector<ledger_account> none_of{};
  std::vector<ledger_day> no_days{};
  std::vector<open_charge> nothing_open{};
};

using verdict_list = std::shared_ptr<std::vector<ledger_verdicts>>;

ledger_client_actor::behavior_type listener(ledger_client_actor::pointer, verdict_list heard) {
  return {[heard](ledger_verdicts& x) { heard->push_back(std::move(x)); }};
}

class ledger_actor_test : public test::deterministic_system {
protected:
  ledger_actor_test() {
    auto setup =
        std::make_shared<ledger_setup>(ledger_setup{std::make_unique<counting_archive>(seen),
                                                    {},
                                                    budget_rules{{}, {100}},
                                                    {},
                                                    {},
                                                    [this] { return wall; },
                                                    [this](const caf::error&) { ++broken; }});
    setup->contents.node = 1;
    setup->contents.incarnation = 1;
    ledger = caf::actor_cast<ledger_actor>(spawn(ledger_keeper, setup));
    client = spawn(listener, heard);
  }

  charge_order order(uint64_t call, int64_t most) {
    charge_order result;
    result.call = call;
    result.purpose.owner = {"acme", "", "", "key"};
    result.most = {most};
    return result;
  }

  std::shared_ptr<counting_archive::counts> seen = std::make_shared<counting_archive::counts>();
  verdict_list heard = std::make_shared<std::vector<ledger_verdicts>>();
  wall_time wall = std::chrono::sys_days{std::chrono::year{2026} / 11 / 23} + 12h;
  int broken = 0;
  ledger_actor ledger;
  ledger_client_actor client;
};

TEST_F(ledger_actor_test, what_waits_is_written_together_and_answered_after_it) {
  for (uint64_t call = 1; call <= 64; ++call)
    caf::anon_send(ledger, ledger_orders{client, {order(call, 1)}, {}});
  sched.run();
  EXPECT_EQ(seen->commits, 1u);
  EXPECT_EQ(seen->opened, 64u);
  ASSERT_EQ(heard->size(), 1u); // one message for one write
  EXPECT_EQ(heard->front().reserved.size(), 64u);
}

TEST_F(ledger_actor_test, a_charge_is_reserved_and_settled) {
  tell(ledger, ledger_orders{client, {order(1, 10)}, {}});
  auto made = heard->back().reserved.at(0);
  ASSERT_EQ(made.why, ec::none);
  charge_outcome outcome;
  outcome.cost = {4};
  tell(ledger, ledger_orders{client, {}, {{2, made.id, outcome}}});
  EXPECT_EQ(heard->back().settled.at(0).call, 2u);
  EXPECT_EQ(heard->back().settled.at(0).why, ec::none);
  auto accounts = ask<account_list>(ledger, account_query{{"acme", "", "", "key"}});
  ASSERT_TRUE(accounts);
  ASSERT_EQ(accounts->accounts.size(), 2u);
  EXPECT_EQ(accounts->accounts[0].spent, nanousd{4});
  EXPECT_EQ(seen->rows, 1u);
}

TEST_F(ledger_actor_test, who_wants_no_answer_gets_none) {
  tell(ledger, ledger_orders{client, {order(1, 10)}, {}});
  auto made = heard->back().reserved.at(0);
  heard->clear();
  tell(ledger, ledger_orders{client, {}, {{0, made.id, {}}}});
  EXPECT_TRUE(heard->empty());
  EXPECT_EQ(seen->rows, 1u);
}

TEST_F(ledger_actor_test, settlements_make_room_for_reservations_beside_them) {
  tell(ledger, ledger_orders{client, {order(1, 100)}, {}});
  auto made = heard->back().reserved.at(0);
  tell(ledger, ledger_orders{client, {order(2, 100)}, {{0, made.id, {}}}});
  EXPECT_EQ(heard->back().reserved.at(0).why, ec::none);
}

TEST_F(ledger_actor_test, nothing_is_set_aside_once_the_disk_has_failed) {
  seen->fails = true;
  tell(ledger, ledger_orders{client, {order(1, 1)}, {}});
  EXPECT_EQ(heard->back().reserved.at(0).why, ec::storage_failed);
  EXPECT_EQ(heard->back().reserved.at(0).id.number, 0u);
  EXPECT_EQ(broken, 1);
  seen->fails = false; // it would work again, but nobody knows what is on the disk
  tell(ledger, ledger_orders{client, {order(2, 1)}, {{3, {1, 1, 1}, {}}}});
  EXPECT_EQ(heard->back().reserved.at(0).why, ec::storage_failed);
  EXPECT_EQ(heard->back().settled.at(0).why, ec::storage_failed);
  EXPECT_EQ(broken, 1);
}

TEST_F(ledger_actor_test, a_day_that_is_over_is_closed) {
  tell(ledger, ledger_orders{client, {order(1, 10)}, {}});
  tell(ledger, ledger_orders{client, {}, {{2, heard->back().reserved.at(0).id, {}}}});
  auto before = seen->commits;
  wall += 13h;
  pass(13h);
  EXPECT_GT(seen->commits, before);
  tell(ledger, ledger_orders{client, {order(3, 100)}, {}});
  EXPECT_EQ(heard->back().reserved.at(0).why, ec::none); // the new day's budget
}

TEST_F(ledger_actor_test, stops_with_a_last_write) {
  caf::anon_send(ledger, ledger_orders{client, {order(1, 10)}, {}});
  caf::anon_send(ledger, drain{});
  sched.run();
  EXPECT_EQ(seen->opened, 1u);
  EXPECT_EQ(heard->size(), 1u);
}

} // namespace
} // namespace sluice
