#include "api/gateway/authenticator.hpp"
#include "api/gateway/model_list.hpp"
#include "runtime/ec.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace sluice {
namespace {

key_settings key(std::string id, std::string sha256) {
  key_settings result;
  result.id = std::move(id);
  result.sha256 = std::move(sha256);
  return result;
}

// Of "abc" and of the empty text: FIPS 180-4 and its examples.
const auto abc = key("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
const auto none = key("none", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");

ec outcome(const authenticator& x, std::string_view authorization, std::string_view api_key = {}) {
  auto found = x.authenticate(authorization, api_key);
  return found ? ec::none : code_of(found.error());
}

TEST(authenticator_test, lets_everybody_in_where_there_are_no_keys) {
  authenticator x{{}};
  EXPECT_TRUE(x.open());
  for (auto* said : {"", "Bearer abc", "Basic abc", "nonsense"}) {
    auto found = x.authenticate(said, "");
    ASSERT_TRUE(found) << said;
    EXPECT_EQ((*found)->settings.tenant, "default");
    EXPECT_TRUE((*found)->allows("any model"));
    EXPECT_EQ((*found)->limiter.take({}).limit, 0U);
  }
}

TEST(authenticator_test, finds_the_key_in_either_field) {
  authenticator x{{abc, none}};
  EXPECT_FALSE(x.open());
  for (auto* said : {"Bearer abc", "bearer abc", "BEARER abc", "Bearer   abc"}) {
    auto found = x.authenticate(said, "");
    ASSERT_TRUE(found) << said;
    EXPECT_EQ((*found)->settings.id, "abc");
  }
  EXPECT_EQ(outcome(x, "", "abc"), ec::none);
  EXPECT_EQ(outcome(x, "Bearer abc", "wrong"), ec::none) << "Authorization comes first";
}

TEST(authenticator_test, refuses_whoever_has_no_key) {
  authenticator x{{abc, none}};
  for (auto* said : {"", "Bearer", "Bearer ", "Bearer    ", "Bearer abcd", "Bearer ab",
                     "Bearer ABC", "Bearer abc ", "Basic abc", "abc", "Bearerabc", "Bearer\tabc"})
    EXPECT_EQ(outcome(x, said), ec::unauthenticated) << said;
  EXPECT_EQ(outcome(x, "Bearer wrong", "abc"), ec::unauthenticated);
  EXPECT_EQ(outcome(x, "", "abcd"), ec::unauthenticated);
}

TEST(authenticator_test, never_says_what_was_sent) {
  authenticator x{{abc}};
  for (auto* said : {"Bearer sk-canary", "Basic sk-canary", "sk-canary"}) {
    auto found = x.authenticate(said, "sk-canary");
    ASSERT_FALSE(found);
    EXPECT_EQ(message_of(found.error()).find("canary"), std::string::npos);
  }
}

TEST(authenticator_test, keeps_a_limiter_for_each_key) {
  auto limited = abc;
  limited.requests_per_minute = 1;
  authenticator x{{limited, none}};
  auto first = x.authenticate("Bearer abc", "");
  auto again = x.authenticate("", "abc");
  ASSERT_TRUE(first && again);
  EXPECT_EQ(*first, *again);
  EXPECT_TRUE((*first)->limiter.take({}).allowed);
  EXPECT_FALSE((*again)->limiter.take({}).allowed);
}

TEST(virtual_key_test, allows_the_models_that_it_names) {
  auto settings = abc;
  EXPECT_TRUE(virtual_key{settings}.allows("a"));
  settings.models = {"a", "b"};
  virtual_key x{settings};
  EXPECT_TRUE(x.allows("b"));
  EXPECT_FALSE(x.allows("c"));
  EXPECT_FALSE(x.allows("A"));
}

TEST(model_list_test, shows_a_key_its_own_models) {
  model a{"a", {}, {}, "us", 5};
  model quoted{"b \"q\" ü", {}, {}, "them", 6};
  catalogue models{{a, quoted}};
  auto settings = abc;
  auto all = nlohmann::json::parse(model_list_body(models, virtual_key{settings}));
  EXPECT_EQ(all["object"], "list");
  ASSERT_EQ(all["data"].size(), 2U);
  EXPECT_EQ(all["data"][1]["id"], "b \"q\" ü");
  settings.models = {"a", "not in the catalogue"};
  auto own = nlohmann::json::parse(model_list_body(models, virtual_key{settings}));
  ASSERT_EQ(own["data"].size(), 1U);
  EXPECT_EQ(own["data"][0], nlohmann::json::parse(model_body(a)));
  EXPECT_EQ(own["data"][0],
            (nlohmann::json{{"id", "a"}, {"object", "model"}, {"created", 5}, {"owned_by", "us"}}));
}

} // namespace
} // namespace sluice
