#include "api/gateway/budget_wish.hpp"

#include "runtime/ec.hpp"

#include <gtest/gtest.h>

namespace sluice {
namespace {

class budget_wish_test : public ::testing::Test {
protected:
  budget_wish_test() {
    key_settings key;
    key.id = "ci";
    key.tenant = "acme";
    key.team = "search";
    key.user = "ada";
    settings.keys.push_back(key);
    model offered;
    offered.name = "gpt-4o";
    settings.models.push_back(offered);
  }

  /// What is wrong with `body`: "code: message".
  std::string problem(std::string_view body) const {
    auto read = read_budget_change(body, settings);
    return read ? "nothing"
                : std::string{to_string_view(code_of(read.error()))} + ": " +
                      message_of(read.error());
  }

  configuration settings;
};

TEST_F(budget_wish_test, reads_every_field) {
  auto read = read_budget_change(R"({"key": "ci", "tenant": "acme", "limit": 12.5,
      "period": "month", "time_zone": "Europe/Berlin", "model": "gpt-4o", "action": "downgrade"})",
                                 settings);
  ASSERT_TRUE(read) << message_of(read.error());
  budget_rule expected{budget_scope::key,
                       "ci",
                       "acme",
                       "gpt-4o",
                       period_kind::month,
                       "Europe/Berlin",
                       budget_action::downgrade,
                       true,
                       {12'500'000'000},
                       true};
  EXPECT_EQ(read->rule, expected);
  EXPECT_FALSE(read->undo);
}

TEST_F(budget_wish_test, takes_no_limit_and_what_is_configured) {
  auto none = read_budget_change(R"({"tenant": "acme", "limit": null})", settings);
  ASSERT_TRUE(none);
  EXPECT_FALSE(none->rule.limited);
  auto undone = read_budget_change(R"({"user": "*", "limit": "configured"})", settings);
  ASSERT_TRUE(undone);
  EXPECT_TRUE(undone->undo);
}

TEST_F(budget_wish_test, counts_every_nano_dollar) {
  auto read = read_budget_change(R"({"tenant": "acme", "limit": "0.000000001"})", settings);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->rule.limit.value, 1);
}

TEST_F(budget_wish_test, names_what_is_wrong) {
  EXPECT_EQ(problem("[]"), "invalid_json: The body must be one JSON object.");
  EXPECT_EQ(
      problem(R"({"limit": 1})"),
      "missing_required_parameter: Say whose budget it is: 'tenant', 'team', 'user' or 'key'.");
  EXPECT_EQ(problem(R"({"tenant": "acme"})").substr(0, 46),
            "missing_required_parameter: 'limit' is missing");
  EXPECT_EQ(problem(R"({"tenant": "acme", "limits": 1})"),
            "invalid_value: 'limits' is no field of a budget.");
  EXPECT_EQ(problem(R"({"tenant": "acmee", "limit": 1})"),
            "invalid_value: 'tenant' is nobody that this node's configuration knows; did you mean "
            "'acme'?");
  EXPECT_EQ(problem(R"({"team": "search", "user": "ada", "limit": 1})"),
            "invalid_value: 'user' stands beside 'team'; give one of team, user and key, and the "
            "tenant.");
  EXPECT_EQ(problem(R"({"tenant": "acme", "limit": -1})").substr(0, 44),
            "invalid_value: 'limit' must be US dollars fr");
  EXPECT_EQ(problem(R"({"tenant": "acme", "limit": 1, "period": "year"})"),
            "invalid_value: 'period' must be one of day, week, month.");
  EXPECT_EQ(problem(R"({"tenant": "acme", "limit": 1, "time_zone": "Mars"})").substr(0, 39),
            "invalid_value: 'time_zone' is unknown: ");
}

} // namespace
} // namespace sluice
