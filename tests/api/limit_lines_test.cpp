#include "api/gateway/limit_lines.hpp"

#include <gtest/gtest.h>

/// What answers say of budgets and tokens.
namespace sluice {
namespace {

using namespace std::chrono_literals;

std::string lines(const budget_standing& budget, const token_allowance& tokens) {
  std::string result;
  add_limit_lines(result, budget, tokens);
  return result;
}

TEST(limit_lines, what_has_no_limit_is_not_told) {
  EXPECT_EQ(lines({}, {}), "");
}

TEST(limit_lines, money_is_exact_and_a_second_that_has_begun_counts) {
  EXPECT_EQ(lines({true, {2'000'000'000}, {1'999'999'999}, 1'001ms}, {}),
            "\r\nx-sluice-budget-limit: 2\r\nx-sluice-budget-remaining: 1.999999999"
            "\r\nx-sluice-budget-reset: 2");
}

TEST(limit_lines, tokens_are_told_as_openai_does) {
  EXPECT_EQ(lines({}, {90'000, 17, 59'988ms}),
            "\r\nx-ratelimit-limit-tokens: 90000\r\nx-ratelimit-remaining-tokens: 17"
            "\r\nx-ratelimit-reset-tokens: 59988ms");
}

} // namespace
} // namespace sluice
