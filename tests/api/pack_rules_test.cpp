#include "api/gateway/pack_rules.hpp"

#include "api/http/handler.hpp"
#include "runtime/ec.hpp"

#include <gtest/gtest.h>

namespace sluice {
namespace {

packing said(const http_request& x, packing otherwise) {
  auto result = packing_of(x, otherwise);
  EXPECT_TRUE(result);
  return result ? *result : packing::denied;
}

TEST(pack_rules_test, the_header_wins_over_the_model) {
  http_request x;
  EXPECT_EQ(said(x, packing::allowed), packing::allowed);
  EXPECT_EQ(said(x, packing::denied), packing::denied);
  x.fields = {{"X-Sluice-Pack", "allow"}};
  EXPECT_EQ(said(x, packing::denied), packing::allowed);
  x.fields = {{"x-sluice-pack", "deny"}};
  EXPECT_EQ(said(x, packing::allowed), packing::denied);
}

TEST(pack_rules_test, anything_else_is_a_mistake_of_the_caller) {
  for (auto text : {"maybe", "ALLOW", "allow,deny", "1"}) {
    http_request x;
    x.fields = {{"x-sluice-pack", text}};
    auto refused = packing_of(x, packing::denied);
    ASSERT_FALSE(refused) << text;
    EXPECT_EQ(param_of(refused.error()), "x-sluice-pack");
  }
}

} // namespace
} // namespace sluice
