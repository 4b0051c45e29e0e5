#include "runtime/ec.hpp"

#include <caf/all.hpp>
#include <gtest/gtest.h>

#include <set>
#include <vector>

using namespace sluice;

TEST(ec_test, has_one_row_for_every_code_in_order) {
  auto table = ec_table();
  ASSERT_EQ(table.size(), static_cast<size_t>(ec::budget_exceeded) + 1);
  for (size_t i = 0; i < table.size(); ++i) {
    EXPECT_EQ(static_cast<size_t>(table[i].code), i);
    EXPECT_EQ(&properties(table[i].code), &table[i]);
  }
}

TEST(ec_test, gives_every_code_a_name_of_its_own_and_a_sentence) {
  std::set<std::string_view> names;
  for (auto& x : ec_table()) {
    EXPECT_FALSE(x.name.empty());
    EXPECT_TRUE(names.insert(x.name).second) << x.name;
    ASSERT_FALSE(x.sentence.empty()) << x.name;
    EXPECT_EQ(x.sentence.back(), '.') << x.name;
    EXPECT_EQ(to_string(x.code), x.name);
  }
}

TEST(ec_test, has_a_status_for_everything_but_start_up) {
  for (auto& x : ec_table()) {
    if (x.code == ec::none)
      EXPECT_EQ(x.http_status, 200);
    else if (x.code >= ec::bad_configuration && x.code <= ec::io_failed)
      EXPECT_EQ(x.http_status, 0) << x.name;
    else
      EXPECT_TRUE(x.http_status >= 400 && x.http_status < 600) << x.name;
    EXPECT_EQ(x.type.empty(), x.code == ec::none) << x.name;
  }
}

TEST(ec_test, uses_the_codes_and_statuses_that_sdks_know) {
  EXPECT_EQ(properties(ec::model_not_found).name, "model_not_found");
  EXPECT_EQ(properties(ec::model_not_found).http_status, 404);
  EXPECT_EQ(properties(ec::unauthenticated).name, "invalid_api_key");
  EXPECT_EQ(properties(ec::unauthenticated).http_status, 401);
  EXPECT_EQ(properties(ec::rate_limited).name, "rate_limit_exceeded");
  EXPECT_EQ(properties(ec::rate_limited).http_status, 429);
  EXPECT_EQ(properties(ec::body_too_large).http_status, 413);
  EXPECT_EQ(properties(ec::header_too_large).http_status, 431);
}

TEST(ec_test, asks_for_a_retry_only_where_it_costs_nothing_and_may_help) {
  std::set<ec> retryable;
  for (auto& x : ec_table())
    if (x.retryable)
      retryable.insert(x.code);
  std::set<ec> expected{ec::request_timeout, ec::rate_limited,          ec::overloaded,
                        ec::shutting_down,   ec::upstream_rate_limited, ec::upstream_unavailable};
  EXPECT_EQ(retryable, expected);
}

TEST(ec_test, becomes_a_caf_error_and_back) {
  for (auto& x : ec_table()) {
    EXPECT_EQ(code_of(make_error(x.code)), x.code);
    EXPECT_EQ(code_of(make_error(x.code, "why")), x.code);
    EXPECT_EQ(message_of(make_error(x.code)), x.sentence);
    EXPECT_EQ(message_of(make_error(x.code, "")), x.sentence);
    if (x.code != ec::none) {
      EXPECT_EQ(message_of(make_error(x.code, "why")), "why");
    }
  }
}

TEST(ec_test, carries_the_offending_field) {
  auto x = make_error(ec::invalid_value, "why", "model");
  EXPECT_EQ(code_of(x), ec::invalid_value);
  EXPECT_EQ(message_of(x), "why");
  EXPECT_EQ(param_of(x), "model");
  EXPECT_EQ(param_of(make_error(ec::invalid_value, "why")), "");
  EXPECT_EQ(param_of(caf::error{}), "");
  EXPECT_EQ(param_of(caf::sec::request_timeout), "");
}

TEST(ec_test, is_no_error_for_none) {
  EXPECT_FALSE(make_error(ec::none));
  EXPECT_EQ(code_of(caf::error{}), ec::none);
}

TEST(ec_test, takes_a_foreign_time_out_for_a_deadline_and_the_rest_for_internal) {
  EXPECT_EQ(code_of(caf::sec::request_timeout), ec::deadline_exceeded);
  EXPECT_EQ(code_of(caf::sec::unexpected_message), ec::internal);
  EXPECT_EQ(code_of(caf::exit_reason::kill), ec::internal);
  // The context of a foreign error names types and actors; callers get the sentence.
  caf::error foreign{static_cast<uint8_t>(caf::sec::unexpected_message), caf::atom("system"),
                     caf::make_message(std::string{"some type"})};
  EXPECT_EQ(message_of(foreign), properties(ec::internal).sentence);
}

TEST(ec_test, takes_the_code_of_a_newer_node_for_internal) {
  EXPECT_EQ(code_of(caf::error{250, ec_category}), ec::internal);
  EXPECT_EQ(properties(static_cast<ec>(250)).code, ec::internal);
}

TEST(ec_test, is_rendered_by_an_actor_system) {
  caf::actor_system_config cfg;
  cfg.add_error_category(ec_category, render_ec);
  caf::actor_system sys{cfg};
  EXPECT_EQ(sys.render(make_error(ec::model_not_found, "no gpt-9")), "model_not_found: no gpt-9");
  EXPECT_EQ(sys.render(make_error(ec::overloaded)), "overloaded");
}

TEST(ec_test, survives_the_wire_with_its_context) {
  caf::actor_system_config cfg;
  caf::actor_system sys{cfg};
  for (auto& x : ec_table()) {
    auto sent = make_error(x.code, "because", "field");
    std::vector<char> buffer;
    caf::binary_serializer sink{sys, buffer};
    ASSERT_FALSE(sink(sent));
    caf::error received;
    caf::binary_deserializer source{sys, buffer};
    ASSERT_FALSE(source(received));
    EXPECT_EQ(code_of(received), x.code);
    EXPECT_EQ(message_of(received), message_of(sent));
    EXPECT_EQ(param_of(received), param_of(sent));
  }
}
