#include "runtime/money.hpp"

#include <gtest/gtest.h>

#include <iostream>
#include <limits>
#include <random>

using namespace sluice;

namespace {

constexpr int64_t int64_max = std::numeric_limits<int64_t>::max();
constexpr int64_t int64_min = std::numeric_limits<int64_t>::min();

} // namespace

TEST(money_test, costs_each_bucket_at_its_own_price) {
  token_usage usage{1'000'000, 2'000'000, 3'000'000, 4'000'000, 5'000'000};
  token_price price{1, 10, 100, 1'000, 10'000};
  EXPECT_EQ(cost(usage, price), nanousd{54'321});
}

TEST(money_test, costs_a_known_call_exactly) {
  // gpt-4o-mini: 0.15 and 0.60 dollars per million; 12 tokens in, 7 out are 6,000 nano-dollars.
  token_usage usage{12, 0, 0, 7, 0};
  token_price price{150'000'000, 75'000'000, 150'000'000, 600'000'000, 600'000'000};
  EXPECT_EQ(cost(usage, price), nanousd{6'000});
}

TEST(money_test, rounds_up_once_over_all_buckets) {
  EXPECT_EQ(cost({1, 0, 0, 0, 0}, {1, 0, 0, 0, 0}), nanousd{1});
  EXPECT_EQ(cost({1, 1, 1, 1, 1}, {1, 1, 1, 1, 1}), nanousd{1});
  EXPECT_EQ(cost({1, 0, 0, 1, 0}, {500'000, 0, 0, 500'000, 0}), nanousd{1});
  EXPECT_EQ(cost({1, 0, 0, 1, 0}, {500'000, 0, 0, 500'001, 0}), nanousd{2});
}

TEST(money_test, costs_nothing_for_nothing) {
  EXPECT_EQ(cost({}, {1, 2, 3, 4, 5}), nanousd{0});
  EXPECT_EQ(cost({1, 2, 3, 4, 5}, {}), nanousd{0});
}

TEST(money_test, refuses_negative_counts_and_prices) {
  EXPECT_EQ(cost({-1, 0, 0, 0, 0}, {}), std::nullopt);
  EXPECT_EQ(cost({0, 0, 0, 0, int64_min}, {}), std::nullopt);
  EXPECT_EQ(cost({}, {0, 0, -1, 0, 0}), std::nullopt);
}

TEST(money_test, refuses_a_sum_out_of_range_and_takes_the_last_one_in_range) {
  EXPECT_EQ(cost({1'000'000, 0, 0, 0, 0}, {int64_max, 0, 0, 0, 0}), nanousd{int64_max});
  EXPECT_EQ(cost({1'000'000, 0, 0, 1, 0}, {int64_max, 0, 0, 1, 0}), std::nullopt);
  token_usage most{int64_max, int64_max, int64_max, int64_max, int64_max};
  token_price dearest{int64_max, int64_max, int64_max, int64_max, int64_max};
  EXPECT_EQ(cost(most, dearest), std::nullopt);
}

TEST(money_test, never_understates_a_cost_and_overstates_it_by_less_than_one) {
  auto seed = std::random_device{}();
  std::cout << "seed " << seed << '\n';
  std::mt19937_64 random{seed};
  auto below = [&random](int64_t limit) {
    return std::uniform_int_distribution<int64_t>{0, limit - 1}(random);
  };
  for (int i = 0; i < 10'000; ++i) {
    token_usage usage{below(200'000), below(200'000), below(200'000), below(200'000), 0};
    token_price price{below(1'000'000), below(1'000'000), below(1'000'000), below(1'000'000), 0};
    auto exact = usage.input * price.input + usage.cache_read * price.cache_read +
                 usage.cache_write * price.cache_write + usage.output * price.output;
    auto result = cost(usage, price);
    ASSERT_TRUE(result);
    ASSERT_GE(result->value * 1'000'000, exact);
    ASSERT_LT((result->value - 1) * 1'000'000, exact);
  }
}

TEST(money_test, reads_decimal_dollars_exactly) {
  EXPECT_EQ(parse_usd_nanos("0.15"), 150'000'000);
  EXPECT_EQ(parse_usd_nanos("10"), 10'000'000'000);
  EXPECT_EQ(parse_usd_nanos("2.50"), 2'500'000'000);
  EXPECT_EQ(parse_usd_nanos("0"), 0);
  EXPECT_EQ(parse_usd_nanos("0.0"), 0);
  EXPECT_EQ(parse_usd_nanos("000.000000001"), 1);
  EXPECT_EQ(parse_usd_nanos("0.1000000000000"), 100'000'000);
}

TEST(money_test, reads_exponents) {
  EXPECT_EQ(parse_usd_nanos("2.5e-1"), 250'000'000);
  EXPECT_EQ(parse_usd_nanos("1E-7"), 100);
  EXPECT_EQ(parse_usd_nanos("1e+3"), 1'000'000'000'000);
  EXPECT_EQ(parse_usd_nanos("0e999"), 0);
  EXPECT_EQ(parse_usd_nanos("1e-10"), std::nullopt);
  EXPECT_EQ(parse_usd_nanos("1e999"), std::nullopt);
  EXPECT_EQ(parse_usd_nanos("1e1000"), std::nullopt);
}

TEST(money_test, reads_up_to_the_end_of_the_range) {
  EXPECT_EQ(parse_usd_nanos("9223372036.854775807"), int64_max);
  EXPECT_EQ(parse_usd_nanos("9223372036.854775808"), std::nullopt);
  EXPECT_EQ(parse_usd_nanos("0.0000000001"), std::nullopt);
}

TEST(money_test, refuses_what_is_no_plain_amount) {
  for (auto text : {"", " ", "-1", "+1", "1.", ".5", "1,5", "0x10", "1 ", " 1", "1e", "1e-",
                    "1.5.2", "nan", "inf", "1_000", "$1", "1e1.5"})
    EXPECT_EQ(parse_usd_nanos(text), std::nullopt) << text;
}

TEST(money_test, prints_as_many_decimals_as_are_needed) {
  EXPECT_EQ(to_usd_string({0}), "0");
  EXPECT_EQ(to_usd_string({123'000}), "0.000123");
  EXPECT_EQ(to_usd_string({1}), "0.000000001");
  EXPECT_EQ(to_usd_string({1'000'000'000}), "1");
  EXPECT_EQ(to_usd_string({10'500'000'000}), "10.5");
  EXPECT_EQ(to_usd_string({-1'250'000'000}), "-1.25");
  EXPECT_EQ(to_usd_string({int64_max}), "9223372036.854775807");
  EXPECT_EQ(to_usd_string({int64_min}), "-9223372036.854775808");
}

TEST(money_test, reads_back_what_it_printed) {
  for (int64_t x :
       {int64_t{0}, int64_t{1}, int64_t{999'999'999}, int64_t{1'000'000'001}, int64_max})
    EXPECT_EQ(parse_usd_nanos(to_usd_string({x})), x);
}

TEST(money_test, a_discount_is_exact_and_never_below_the_bill) {
  token_price price{400'000'000, 100'000'000, 1, 1'600'000'000, 3};
  EXPECT_EQ(discounted(price, 50), (token_price{200'000'000, 50'000'000, 1, 800'000'000, 2}));
  EXPECT_EQ(discounted(price, 0), price);
  EXPECT_EQ(discounted(price, 100), token_price{});
  EXPECT_EQ(discounted({int64_max, 0, 0, 0, 0}, 1).input, int64_max - int64_max / 100);
}
