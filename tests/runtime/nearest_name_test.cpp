#include "runtime/nearest_name.hpp"

#include <gtest/gtest.h>

using namespace sluice;

TEST(nearest_name_test, finds_slips) {
  std::vector<std::string_view> names{"gpt-4o", "gpt-4o-mini", "sim-simple"};
  EXPECT_EQ(nearest_name("gpt-4o-mni", names), "gpt-4o-mini");
  EXPECT_EQ(nearest_name("GPT-4O", names), "gpt-4o");
  EXPECT_EQ(nearest_name("sim-smiple", names), "sim-simple");
  EXPECT_EQ(nearest_name("gpt4o", names), "gpt-4o");
}

TEST(nearest_name_test, finds_nothing_where_nothing_is_near) {
  EXPECT_EQ(nearest_name("claude", {"gpt-4o", "gpt-4o-mini"}), "");
  EXPECT_EQ(nearest_name("a", {"b", "c"}), "b");
  EXPECT_EQ(nearest_name("", {"a"}), "");
  EXPECT_EQ(nearest_name("a", {}), "");
}

TEST(nearest_name_test, spends_nothing_on_names_that_are_too_long) {
  std::string just(64, 'a');
  std::string long_one(65, 'a');
  EXPECT_EQ(nearest_name(just, {just}), just);
  EXPECT_EQ(nearest_name(long_one, {long_one}), "");
  EXPECT_EQ(nearest_name(just, {long_one}), "");
}
