#include "runtime/catalogue.hpp"

#include <gtest/gtest.h>

using namespace sluice;

namespace {

deployment at(const std::string& id) {
  deployment x;
  x.id = id;
  return x;
}

} // namespace

TEST(catalogue_test, finds_models_and_deployments) {
  model first{"first", {endpoint::chat_completions}, {at("a/1"), at("b/1")}, "a", 0};
  model second{"second", {endpoint::embeddings}, {at("b/2")}, "b", 0};
  catalogue models{{first, second}};
  ASSERT_TRUE(models.find_model("second"));
  EXPECT_EQ(models.find_model("second")->owned_by, "b");
  ASSERT_TRUE(models.find_deployment("b/1"));
  EXPECT_EQ(models.find_deployment("b/1")->id, "b/1");
  EXPECT_EQ(models.models().size(), 2u);
}

TEST(catalogue_test, finds_nothing_that_is_not_there) {
  catalogue models{{}};
  EXPECT_EQ(models.find_model(""), nullptr);
  EXPECT_EQ(models.find_deployment("a/1"), nullptr);
}

TEST(catalogue_test, holds_a_deployment_that_serves_two_names) {
  model first{"first", {}, {at("a/1")}, "", 0};
  model second{"second", {}, {at("a/1")}, "", 0};
  catalogue models{{first, second}};
  ASSERT_TRUE(models.find_deployment("a/1"));
}
