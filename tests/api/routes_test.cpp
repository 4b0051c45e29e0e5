#include "api/gateway/routes.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace sluice {
namespace {

using target = route_match::target;

TEST(routes_test, finds_every_path_and_says_which_method_it_takes) {
  struct row {
    const char* path;
    const char* method;
    target what;
    endpoint kind = endpoint::chat_completions;
  };
  for (auto& x : std::vector<row>{
           {"/v1/chat/completions", "POST", target::inference, endpoint::chat_completions},
           {"/v1/completions", "POST", target::inference, endpoint::completions},
           {"/v1/embeddings", "POST", target::inference, endpoint::embeddings},
           {"/v1/models", "GET", target::model_list},
           {"/v1/models/a", "GET", target::model},
           {"/v1/cache", "DELETE", target::cache},
           {"/healthz", "GET", target::health},
           {"/readyz", "GET", target::ready},
           {"/metrics", "GET", target::metrics},
           {"/openapi.json", "GET", target::openapi}})
    for (auto* method : {"GET", "POST", "HEAD", "DELETE", "get", "OPTIONS"}) {
      auto found = match_route(method, x.path);
      auto asked = std::string_view{method == std::string_view{"HEAD"} ? "GET" : method};
      auto right = asked == x.method;
      EXPECT_EQ(found.what, right ? x.what : target::wrong_method) << method << ' ' << x.path;
      EXPECT_EQ(found.allow, x.method) << x.path;
      EXPECT_NE(found.name, "other") << x.path;
      if (x.what == target::inference) {
        EXPECT_EQ(found.kind, x.kind) << x.path;
      }
    }
}

TEST(routes_test, a_path_may_take_two_methods) {
  for (auto* method : {"GET", "PUT", "HEAD"})
    EXPECT_EQ(match_route(method, "/v1/budgets").what, target::budgets) << method;
  for (auto* method : {"POST", "DELETE", "GET, PUT", "PU", " PUT", ""}) {
    EXPECT_EQ(match_route(method, "/v1/budgets").what, target::wrong_method) << method;
    EXPECT_EQ(match_route(method, "/v1/budgets").allow, "GET, PUT");
  }
}

TEST(routes_test, reads_the_query) {
  EXPECT_EQ(query_parameter("/v1/cache?tenant=a%20b&all=true", "tenant"), "a b");
  EXPECT_EQ(query_parameter("/v1/cache?tenant=a&all=true#x", "all"), "true");
  EXPECT_EQ(query_parameter("/v1/cache?tenants=a", "tenant"), "");
  EXPECT_EQ(query_parameter("/v1/cache", "tenant"), "");
}

TEST(routes_test, knows_nothing_else) {
  for (auto* path :
       {"", "/", "/v1", "/v1/", "/v1/models/", "/v1/chat/completions/", "/v1/Models", "//v1/models",
        "/v1/models2", "/healthz/", "v1/models", "*", "/v1/../metrics"}) {
    auto found = match_route("GET", path);
    EXPECT_EQ(found.what, target::unknown) << path;
    EXPECT_EQ(found.name, "other") << "metrics have few labels";
  }
}

TEST(routes_test, decodes_the_name_of_a_model) {
  auto name = [](const std::string& id) { return match_route("GET", "/v1/models/" + id).model; };
  EXPECT_EQ(name("gpt-4o"), "gpt-4o");
  EXPECT_EQ(name("meta/llama-3"), "meta/llama-3");
  EXPECT_EQ(name("a%20b%2fC%2F"), "a b/C/");
  EXPECT_EQ(name("%"), "%");
  EXPECT_EQ(name("%4"), "%4");
  EXPECT_EQ(name("%zz"), "%zz");
  EXPECT_EQ(name("%41"), "A");
  EXPECT_EQ(match_route("GET", "/v1/models/x").name, "/v1/models/{id}");
}

} // namespace
} // namespace sluice
