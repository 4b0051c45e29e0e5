#include "tests/support/configuration_fixture.hpp"

/// The section `budgets`.
namespace sluice {
namespace {

using test::configuration_test;

const std::string keys = "keys:\n"
                         "  - {id: ci, key: '${K}', tenant: acme, team: research, user: ann}\n"
                         "  - {id: app, key: '${L}', tenant: other}\n";

class budgets_configuration_test : public configuration_test {
protected:
  budgets_configuration_test() {
    variables["K"] = "sk-0123456789abcdef";
    variables["L"] = "sk-fedcba9876543210";
  }

  loaded with(const std::string& budgets) const { return load(keys + "budgets:\n" + budgets); }

  /// The one mistake of `budgets`, as "path: message".
  std::string mistake(const std::string& budgets) const {
    auto x = with(budgets);
    return x.mistakes.size() == 1 ? x.mistakes[0].path + ": " + x.mistakes[0].message
                                  : to_text(x.mistakes);
  }
};

TEST_F(budgets_configuration_test, reads_whose_they_are_how_much_and_for_how_long) {
  auto x = with("  - {tenant: acme, limit: 250.50, period: month, time_zone: Europe/Berlin}\n"
                "  - {user: '*', tenant: acme, limit: 5, model: sim-medium, action: downgrade}\n"
                "  - {team: research, limit: 0, action: alert, period: week}\n"
                "  - {key: app, limit: 1}\n");
  EXPECT_EQ(to_text(x.mistakes), "");
  auto& read = x.config.budgets;
  ASSERT_EQ(read.size(), 4u);
  EXPECT_EQ(read[0].scope, budget_scope::tenant);
  EXPECT_EQ(read[0].name, "acme");
  EXPECT_EQ(read[0].limit, nanousd{250'500'000'000});
  EXPECT_EQ(read[0].period, period_kind::month);
  EXPECT_EQ(read[0].zone.name(), "Europe/Berlin");
  EXPECT_EQ(read[0].action, budget_action::refuse);
  EXPECT_EQ(read[1].scope, budget_scope::user);
  EXPECT_EQ(read[1].name, "*");
  EXPECT_EQ(read[1].tenant, "acme");
  EXPECT_EQ(read[1].model, "sim-medium");
  EXPECT_EQ(read[1].action, budget_action::downgrade);
  EXPECT_EQ(read[2].limit, nanousd{0});
  EXPECT_EQ(read[2].period, period_kind::week);
  EXPECT_EQ(read[2].zone.name(), "UTC");
  EXPECT_EQ(read[3].scope, budget_scope::key);
}

TEST_F(budgets_configuration_test, without_the_section_there_are_none) {
  EXPECT_TRUE(load(keys).config.budgets.empty());
  EXPECT_EQ(to_text(load("budgets: [{tenant: default, limit: 1}]\n").mistakes), "");
}

TEST_F(budgets_configuration_test, says_what_is_wrong_and_where) {
  EXPECT_EQ(mistake("  - {limit: 5}\n"), "budgets[0]: does not say whose budget it is");
  EXPECT_EQ(mistake("  - {tenant: acme}\n"), "budgets[0].limit: is missing");
  EXPECT_EQ(mistake("  - {tenant: acne, limit: 5}\n"),
            "budgets[0].tenant: 'acne' is no tenant of this configuration; did you mean 'acme'?");
  EXPECT_EQ(mistake("  - {user: anna, limit: 5}\n"),
            "budgets[0].user: 'anna' is no user of this configuration; did you mean 'ann'?");
  EXPECT_EQ(mistake("  - {tenant: acme, limit: 5, model: sim-mediun}\n"),
            "budgets[0].model: 'sim-mediun' is no model of this configuration; did you mean "
            "'sim-medium'?");
  EXPECT_NE(mistake("  - {tenant: acme, limit: 5, time_zone: Europe/Rom}\n").find("Europe/Rome"),
            std::string::npos);
  EXPECT_EQ(mistake("  - {team: research, user: ann, limit: 5}\n"),
            "budgets[0].user: stands beside 'team'");
  EXPECT_EQ(mistake("  - {tenant: acme, limit: 5}\n  - {tenant: acme, limit: 6}\n"),
            "budgets[1]: is a second budget of the same owner, model, period and time zone");
  EXPECT_EQ(with("  - {tenant: acme, limit: -5}\n").mistakes.size(), 1u);
  EXPECT_EQ(with("  - {tenant: acme, limit: 5, period: year}\n").mistakes.size(), 1u);
  EXPECT_EQ(with("  - {tenant: acme, limit: 5, action: cry}\n").mistakes.size(), 1u);
  EXPECT_EQ(with("  - {tenant: acme, limit: 5, limits: 6}\n").mistakes.size(), 1u);
}

} // namespace
} // namespace sluice
