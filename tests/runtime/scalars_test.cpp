#include "runtime/configuration/scalars.hpp"

#include <gtest/gtest.h>

#include <map>

using namespace sluice;
using namespace std::chrono_literals;

namespace {

constexpr bounds<std::chrono::microseconds> any_duration{0us, 24h};
constexpr bounds<uint64_t> any_size{0, ~uint64_t{0}};

environment variables(std::map<std::string, std::string> x) {
  return [x = std::move(x)](const std::string& name) -> std::optional<std::string> {
    auto i = x.find(name);
    return i == x.end() ? std::nullopt : std::optional{i->second};
  };
}

} // namespace

TEST(scalars_test, reads_whole_numbers_within_their_bounds) {
  EXPECT_EQ(parse_integer("0", {0, 10}).value, 0u);
  EXPECT_EQ(parse_integer("10", {0, 10}).value, 10u);
  EXPECT_EQ(parse_integer("18446744073709551615", any_size).value, ~uint64_t{0});
  auto over = parse_integer("11", {1, 10});
  EXPECT_FALSE(over.value);
  EXPECT_EQ(over.message, "is out of range");
  EXPECT_EQ(over.allowed, "1 to 10");
  EXPECT_EQ(parse_integer("-1", {0, 10}).message, "is out of range");
  EXPECT_EQ(parse_integer("18446744073709551616", any_size).message, "is out of range");
  for (auto text : {"", "-", "1.5", "1e3", "abc", " 1", "0x10", "1_000", "+1"})
    EXPECT_EQ(parse_integer(text, {0, 10}).message, "is not a whole number") << text;
}

TEST(scalars_test, reads_durations) {
  EXPECT_EQ(parse_duration("500ms", any_duration).value, 500ms);
  EXPECT_EQ(parse_duration("30s", any_duration).value, 30s);
  EXPECT_EQ(parse_duration("5m", any_duration).value, 5min);
  EXPECT_EQ(parse_duration("1h", any_duration).value, 1h);
  EXPECT_EQ(parse_duration("7us", any_duration).value, 7us);
  EXPECT_EQ(parse_duration("0.08s", any_duration).value, 80ms);
  EXPECT_EQ(parse_duration("1.5m", any_duration).value, 90s);
  EXPECT_EQ(parse_duration("0", any_duration).value, 0us);
  for (auto text : {"", "5", "5 s", "s", "5sec", "-5s", "1.s", ".5s", "1.5.5s", "0.1us", "1e3s",
                    "99999999999999999999h", "0.0000000001h"})
    EXPECT_FALSE(parse_duration(text, any_duration).value) << text;
}

TEST(scalars_test, says_the_bounds_of_a_duration_in_its_units) {
  auto x = parse_duration("2h", {500ms, 90s});
  EXPECT_EQ(x.message, "is out of range");
  EXPECT_EQ(x.allowed, "500ms to 90s");
}

TEST(scalars_test, reads_sizes) {
  EXPECT_EQ(parse_size("32MiB", any_size).value, 32u * 1024 * 1024);
  EXPECT_EQ(parse_size("1KiB", any_size).value, 1024u);
  EXPECT_EQ(parse_size("1.25KiB", any_size).value, 1280u);
  EXPECT_EQ(parse_size("2GB", any_size).value, 2'000'000'000u);
  EXPECT_EQ(parse_size("4096", any_size).value, 4096u);
  EXPECT_EQ(parse_size("4096B", any_size).value, 4096u);
  for (auto text : {"", "MiB", "32 MiB", "32mib", "-1", "1TiB", "0.3KiB", "99999999999GiB"})
    EXPECT_FALSE(parse_size(text, any_size).value) << text;
  EXPECT_EQ(parse_size("1", {1024, 1024 * 1024}).allowed, "1KiB to 1MiB");
}

TEST(scalars_test, reads_decimals_and_no_words_for_them) {
  EXPECT_EQ(parse_decimal("0.85", {0, 1}).value, 0.85);
  EXPECT_EQ(parse_decimal("1", {0, 1}).value, 1.0);
  EXPECT_EQ(parse_decimal("1.01", {0, 1}).allowed, "0 to 1");
  for (auto text : {"", "nan", "inf", "-inf", "0,5", "x", "0.5x"})
    EXPECT_FALSE(parse_decimal(text, {0, 1}).value) << text;
}

TEST(scalars_test, reads_flags) {
  EXPECT_EQ(parse_flag("true").value, true);
  EXPECT_EQ(parse_flag("false").value, false);
  for (auto text : {"", "yes", "True", "1", "on"})
    EXPECT_FALSE(parse_flag(text).value) << text;
}

TEST(scalars_test, reads_money_exactly) {
  constexpr bounds<nanousd> range{{0}, {1'000'000'000'000}};
  EXPECT_EQ(parse_usd("0.000000001", range).value, nanousd{1});
  EXPECT_EQ(parse_usd("100.0", range).value, nanousd{100'000'000'000});
  EXPECT_EQ(parse_usd("1000.01", range).allowed, "0 to 1000 US dollars");
  EXPECT_FALSE(parse_usd("0.0000000001", range).value);
  EXPECT_FALSE(parse_usd("ten", range).value);
}

TEST(scalars_test, puts_variables_in) {
  auto env = variables({{"A", "1"}, {"B_2", "two"}, {"EMPTY", ""}, {"TRICK", "${A}"}});
  EXPECT_EQ(expand_variables("", env).value, "");
  EXPECT_EQ(expand_variables("plain", env).value, "plain");
  EXPECT_EQ(expand_variables("${A}", env).value, "1");
  EXPECT_EQ(expand_variables("x${A}y${B_2}z", env).value, "x1ytwoz");
  EXPECT_EQ(expand_variables("${MISSING:-default}", env).value, "default");
  EXPECT_EQ(expand_variables("${EMPTY:-default}", env).value, "default");
  EXPECT_EQ(expand_variables("${MISSING:-}", env).value, "");
  EXPECT_EQ(expand_variables("${EMPTY}", env).value, "");
  EXPECT_EQ(expand_variables("cost $5, $${A}", env).value, "cost $5, ${A}");
}

TEST(scalars_test, does_not_expand_what_a_variable_holds) {
  auto env = variables({{"TRICK", "${A}"}});
  EXPECT_EQ(expand_variables("${TRICK}", env).value, "${A}");
}

TEST(scalars_test, names_a_variable_that_is_missing) {
  auto x = expand_variables("a ${MISSING}", variables({}));
  EXPECT_FALSE(x.value);
  EXPECT_EQ(x.message, "the environment variable MISSING is not set");
  EXPECT_EQ(x.allowed, "set it, or write ${MISSING:-default}");
}

TEST(scalars_test, refuses_what_is_no_reference) {
  for (auto text : {"${", "${A", "${}", "${1A}", "${A-b}", "${A B}", "${:-x}"})
    EXPECT_FALSE(expand_variables(text, variables({{"A", "1"}})).value) << text;
}
