#include "cluster/ledger_lines.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace sluice {
namespace {

using namespace std::chrono_literals;

numbered_row sample() {
  numbered_row result;
  result.number = 7;
  auto& charge = result.row.charge;
  charge.id = {1, 2, 3};
  charge.reserved = std::chrono::sys_days{std::chrono::year{2026} / 11 / 23} + 12h;
  charge.most = {900};
  charge.purpose.owner = {"acme", "r&d, \"north\"", "", "ci"};
  charge.purpose.request_id = "req_1";
  charge.purpose.attempt = 2;
  charge.purpose.model = "=cmd";
  result.row.settled = charge.reserved + 1500ms;
  result.row.outcome.usage = {1, 2, 3, 4, 5};
  result.row.outcome.cost = {100};
  result.row.outcome.set(charge_flag::failed);
  return result;
}

TEST(ledger_lines, a_row_in_json_has_all_of_it) {
  auto x = row_json(sample());
  EXPECT_EQ(x["row"], 7);
  EXPECT_EQ(x["charge"], "1-2-3");
  EXPECT_EQ(x["reserved"], "2026-11-23T12:00:00.000Z");
  EXPECT_EQ(x["settled"], "2026-11-23T12:00:01.500Z");
  EXPECT_EQ(x["cost_nanousd"], 100);
  EXPECT_EQ(x["reasoning_tokens"], 5);
  EXPECT_EQ(x["flags"], "failed");
}

TEST(ledger_lines, an_assumed_row_costs_what_was_reserved) {
  auto x = sample();
  x.row.outcome.set(charge_flag::assumed);
  EXPECT_EQ(row_json(x)["cost_nanousd"], 900);
  EXPECT_EQ(row_json(x)["flags"], "assumed failed");
}

TEST(ledger_lines, csv_quotes_what_has_to_be_quoted) {
  auto line = row_csv(sample());
  EXPECT_NE(line.find(",acme,\"r&d, \"\"north\"\"\",,ci,=cmd,"), std::string::npos) << line;
  auto count = [](const std::string& x) { return std::count(x.begin(), x.end(), ','); };
  EXPECT_EQ(count(line), count(csv_head()) + 1); // one stands in quotes
}

TEST(ledger_lines, an_account_says_whose_it_is) {
  ledger_account x;
  x.scope = budget_scope::user;
  x.owner = {"acme", "", "ann", ""};
  x.model = "gpt-4o";
  x.begin = std::chrono::sys_days{std::chrono::year{2026} / 11 / 23};
  x.limit = nanousd{5'000'000'000};
  x.spent = {1'500'000'000};
  x.charges = 3;
  EXPECT_EQ(account_text(x, {1}), "user 'ann' of tenant 'acme', model 'gpt-4o', day 2026-11-23 "
                                  "(UTC): $1.5 of $5, $0.000000001 open, 3 charges");
  EXPECT_EQ(account_json(x, {1})["limit_nanousd"], 5'000'000'000);
  x.limit.reset();
  EXPECT_FALSE(account_json(x, {}).contains("limit_nanousd"));
}

TEST(ledger_lines, a_closed_day_has_its_chain) {
  ledger_day x;
  x.day = std::chrono::sys_days{std::chrono::year{2026} / 11 / 23};
  EXPECT_EQ(day_json(x)["day"], "2026-11-23");
  EXPECT_FALSE(day_json(x).contains("chain"));
  x.closed = true;
  x.chain = "\x01\xff";
  EXPECT_EQ(day_json(x)["chain"], "01ff");
}

} // namespace
} // namespace sluice
