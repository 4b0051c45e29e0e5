#include "actors/ledger/escrow_home.hpp"
#include "actors/ledger/escrow_node.hpp"
#include "tests/support/memory_charge_book.hpp"

#include <gtest/gtest.h>

namespace sluice {
namespace {

charge_id id(uint64_t number, uint64_t incarnation = 1) {
  return {7, incarnation, number};
}

class escrow_test : public testing::Test {
protected:
  /// As much as the home gives.
  nanousd fill(int64_t wanted) {
    auto answer = home.on_request(7, node.ask({wanted}));
    EXPECT_TRUE(answer);
    EXPECT_TRUE(answer && node.on_grant(*answer));
    return answer ? answer->amount : nanousd{};
  }
  void tell() { node.on_confirmed(home.on_settlement(7, node.report(100))); }

  test::memory_charge_book book;
  escrow_home home{{1'000}, book};
  escrow_node node;
};

TEST_F(escrow_test, nothing_is_spent_that_was_not_granted) {
  EXPECT_FALSE(node.reserve(id(1), {1}));
  EXPECT_EQ(fill(600), nanousd{600});
  EXPECT_EQ(home.free(), nanousd{400});
  EXPECT_TRUE(node.reserve(id(1), {500}));
  EXPECT_FALSE(node.reserve(id(2), {101}));
  EXPECT_TRUE(node.reserve(id(2), {100}));
  EXPECT_EQ(node.available(), nanousd{});
  EXPECT_EQ(node.reserved(), nanousd{600});
  EXPECT_FALSE(node.reserve(id(2), {0})) << "an id names one charge";
  EXPECT_FALSE(node.reserve(id(3), {-1}));
}

TEST_F(escrow_test, what_a_charge_did_not_cost_can_be_spent_again) {
  fill(1'000);
  node.reserve(id(1), {700});
  EXPECT_TRUE(node.settle(id(1), {100}));
  EXPECT_FALSE(node.settle(id(1), {100})) << "it is settled";
  EXPECT_FALSE(node.reserve(id(1), {1})) << "and its id is used";
  EXPECT_EQ(node.available(), nanousd{900});
  tell();
  EXPECT_EQ(home.spent(), nanousd{100});
  EXPECT_EQ(home.free(), nanousd{}) << "the rest stays with the node";
  EXPECT_TRUE(node.state().outbox.empty());
}

TEST_F(escrow_test, a_charge_counts_once_however_often_it_is_told) {
  fill(1'000);
  node.reserve(id(1), {700});
  node.settle(id(1), {100});
  auto told = node.report(100);
  home.on_settlement(7, told);
  home.on_settlement(7, told);
  EXPECT_EQ(home.spent(), nanousd{100});
  EXPECT_EQ(book.charges.size(), 1u);
}

TEST_F(escrow_test, a_grant_is_given_once_however_often_it_is_asked_for) {
  auto request = node.ask({300});
  auto first = home.on_request(7, request);
  auto again = home.on_request(7, request);
  ASSERT_TRUE(first && again);
  EXPECT_EQ(again->amount, first->amount);
  EXPECT_EQ(home.free(), nanousd{700});
  EXPECT_TRUE(node.on_grant(*first));
  EXPECT_FALSE(node.on_grant(*again));
  EXPECT_EQ(node.available(), nanousd{300});
  EXPECT_EQ(fill(900), nanousd{700}) << "what there is";
  EXPECT_EQ(fill(900), nanousd{});
  EXPECT_FALSE(home.on_request(7, request)) << "late";
  EXPECT_FALSE(home.on_request(7, {9, {1}})) << "a home that forgot its grants gives none";
}

TEST_F(escrow_test, what_cost_more_than_was_reserved_is_a_debt) {
  fill(100);
  node.reserve(id(1), {100});
  node.settle(id(1), {150});
  EXPECT_EQ(node.available(), nanousd{-50});
  EXPECT_FALSE(node.reserve(id(2), {0}));
  fill(60);
  EXPECT_EQ(node.available(), nanousd{10});
  tell();
  EXPECT_EQ(home.spent(), nanousd{150});
}

TEST_F(escrow_test, what_a_crash_left_open_counts_as_what_it_can_cost) {
  fill(1'000);
  node.reserve(id(1), {100});
  node.reserve(id(2), {200});
  node.settle(id(1), {60});
  escrow_node next{node.state()};
  EXPECT_EQ(next.available(), node.available());
  auto assumed = next.recover(2);
  ASSERT_EQ(assumed.size(), 1u);
  EXPECT_EQ(assumed[0], (settled_charge{id(2), {200}}));
  EXPECT_EQ(next.reserved(), nanousd{});
  EXPECT_EQ(next.state().spent, nanousd{260});
  EXPECT_TRUE(next.reserve(id(1, 2), {10}));
  EXPECT_TRUE(next.recover(2).empty()) << "its own are under way";
}

TEST_F(escrow_test, gives_back_what_is_neither_spent_nor_reserved) {
  fill(1'000);
  node.reserve(id(1), {300});
  EXPECT_EQ(node.give_back({500}), nanousd{500});
  EXPECT_EQ(node.give_back({500}), nanousd{200});
  EXPECT_EQ(node.give_back({500}), nanousd{});
  EXPECT_EQ(node.give_back({-5}), nanousd{});
  auto late = node.report(0);
  tell();
  EXPECT_EQ(home.free(), nanousd{700});
  late.returned = {500};
  home.on_settlement(7, late);
  EXPECT_EQ(home.free(), nanousd{700}) << "what comes late takes nothing back";
}

TEST_F(escrow_test, reports_so_many_charges_at_once) {
  fill(1'000);
  for (uint64_t i = 1; i <= 5; ++i) {
    node.reserve(id(i), {10});
    node.settle(id(i), {1});
  }
  auto told = node.report(2);
  ASSERT_EQ(told.charges.size(), 2u);
  EXPECT_EQ(told.charges[1].id, id(2));
  node.on_confirmed(home.on_settlement(7, told));
  EXPECT_EQ(node.report(2).charges[0].id, id(3));
}

TEST_F(escrow_test, a_lost_node_may_have_spent_all_it_had) {
  fill(600);
  node.reserve(id(1), {100});
  node.settle(id(1), {40});
  tell();
  EXPECT_EQ(home.lose(7), nanousd{560});
  EXPECT_EQ(home.spent(), nanousd{600});
  EXPECT_FALSE(home.on_request(7, node.ask({1}))) << "it is lost";
  node.give_back({560});
  tell();
  EXPECT_EQ(home.free(), nanousd{400}) << "what it says late frees nothing";
  EXPECT_EQ(home.spent(), nanousd{600});
}

TEST_F(escrow_test, a_lowered_limit_takes_nothing_that_was_granted) {
  fill(600);
  home.set_limit({500});
  EXPECT_EQ(home.free(), nanousd{-100});
  EXPECT_EQ(fill(10), nanousd{});
  node.give_back({600});
  tell();
  EXPECT_EQ(fill(1'000), nanousd{500});
}

} // namespace
} // namespace sluice
