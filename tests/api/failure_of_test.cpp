#include "api/upstream/failure_of.hpp"

#include <gtest/gtest.h>

namespace sluice {
namespace {

using namespace std::chrono_literals;

failure of(int status, std::string body = {}) {
  response_head head;
  head.status = status;
  return failure_of(head, std::move(body));
}

TEST(failure_of_test, gives_every_status_its_code) {
  for (int status = 100; status < 600; ++status) {
    if (status / 100 == 2)
      continue;
    auto expected = status == 429                                     ? ec::upstream_rate_limited
                    : status == 408 || status == 409 || status >= 500 ? ec::upstream_failed
                    : status >= 400                                   ? ec::upstream_rejected
                                                                      : ec::upstream_bad_response;
    auto why = of(status);
    EXPECT_EQ(why.code, expected) << status;
    EXPECT_EQ(why.upstream_status, status);
    EXPECT_TRUE(why.sent);
    EXPECT_FALSE(why.message.empty());
  }
}

TEST(failure_of_test, keeps_the_error_object) {
  auto body = R"({"error":{"message":"no","param":"n","code":"c"}})";
  auto why = of(400, body);
  EXPECT_EQ(why.message, "no");
  EXPECT_EQ(why.param, "n");
  EXPECT_EQ(why.upstream_body, body);
  EXPECT_FALSE(why.should_retry_said);
}

TEST(failure_of_test, keeps_nothing_that_is_no_error_object) {
  for (auto* body : {"", "<html>busy</html>", "[]", R"({"error":"text"})", R"({"detail":"x"})",
                     "{\"error\":{\"message\":\"\xff\"}}", R"({"error":{"message":"cut)"}) {
    auto why = of(500, body);
    EXPECT_EQ(why.upstream_body, "") << body;
    EXPECT_EQ(why.message, "The upstream replied with status 500.") << body;
  }
  auto odd = of(400, R"({"error":{"message":5,"param":[],"code":{}}})");
  EXPECT_EQ(odd.message, "The upstream replied with status 400.");
  EXPECT_EQ(odd.param, "");
}

TEST(failure_of_test, keeps_silent_about_credentials) {
  for (int status : {401, 403}) {
    auto why = of(status, R"({"error":{"message":"Incorrect API key provided: sk-canary"}})");
    EXPECT_EQ(why.upstream_body, "");
    EXPECT_EQ(why.message.find("canary"), std::string::npos);
  }
}

TEST(failure_of_test, does_not_wait_for_a_quota_that_is_used_up) {
  auto body = R"({"error":{"message":"m","code":"insufficient_quota"}})";
  auto why = of(429, body);
  EXPECT_TRUE(why.should_retry_said);
  EXPECT_FALSE(why.should_retry);
  response_head head;
  head.status = 429;
  head.should_retry_said = true;
  head.should_retry = true;
  EXPECT_TRUE(failure_of(head, body).should_retry) << "the upstream's own word counts more";
}

TEST(failure_of_test, takes_over_when_to_retry) {
  response_head head;
  head.status = 503;
  head.retry_after = 7ms;
  EXPECT_EQ(failure_of(head, "").retry_after, 7ms);
  EXPECT_LT(of(503).retry_after, 0ms);
}

TEST(failure_without_reply_test, says_whether_anything_was_sent) {
  EXPECT_FALSE(failure_without_reply(ec::upstream_unreachable, "m", false).sent);
  auto why = failure_without_reply(ec::upstream_timeout, "m", true);
  EXPECT_TRUE(why.sent);
  EXPECT_EQ(why.code, ec::upstream_timeout);
  EXPECT_EQ(why.message, "m");
  EXPECT_EQ(why.upstream_status, 0);
}

} // namespace
} // namespace sluice
