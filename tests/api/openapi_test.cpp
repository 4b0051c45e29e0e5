#include "api/gateway/cache_rules.hpp"
#include "api/http/openapi.hpp"

#include <nlohmann/json.hpp>

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace sluice {
namespace {

using nlohmann::json;

class openapi_test : public ::testing::Test {
protected:
  const json& at(const std::string& reference) const {
    return document.at(json::json_pointer{reference.substr(1)});
  }

  void expect_references_to_be_there(const json& in) const {
    if (in.is_object() && in.contains("$ref")) {
      auto reference = in["$ref"].get<std::string>();
      EXPECT_TRUE(document.contains(json::json_pointer{reference.substr(1)})) << reference;
    }
    if (in.is_structured())
      for (auto& x : in)
        expect_references_to_be_there(x);
  }

  json document = json::parse(openapi_document());
};

TEST_F(openapi_test, refers_to_what_is_there) {
  expect_references_to_be_there(document);
}

TEST_F(openapi_test, tells_of_the_cache_wherever_it_is_asked) {
  for (auto* path : {"/v1/chat/completions", "/v1/completions", "/v1/embeddings"}) {
    SCOPED_TRACE(path);
    auto& post = document["paths"][path]["post"];
    std::set<std::string> asked;
    for (auto& x : post["parameters"])
      asked.insert(at(x["$ref"].get<std::string>())["name"].get<std::string>());
    for (auto& name :
         {std::string{"Cache-Control"}, std::string{cache_field}, std::string{cache_ttl_field}})
      EXPECT_EQ(asked.count(name), 1U) << name;
    auto& told = post["responses"]["200"]["headers"];
    for (auto* name :
         {"x-sluice-cache", "x-sluice-cache-level", "x-sluice-cache-age", "x-sluice-cache-ttl"})
      EXPECT_TRUE(told.contains(name)) << name;
    auto& late = at(post["responses"]["504"]["$ref"].get<std::string>());
    EXPECT_NE(late["description"].get<std::string>().find("not_cached"), std::string::npos);
  }
}

TEST_F(openapi_test, tells_of_budgets_and_tokens_wherever_something_is_charged) {
  for (auto* path : {"/v1/chat/completions", "/v1/completions", "/v1/embeddings"}) {
    auto& told = document["paths"][path]["post"]["responses"]["200"]["headers"];
    for (auto* name : {"x-sluice-budget-limit", "x-sluice-budget-remaining",
                       "x-sluice-budget-reset", "x-ratelimit-remaining-tokens"})
      EXPECT_TRUE(told.contains(name)) << path << ' ' << name;
  }
}

} // namespace
} // namespace sluice
