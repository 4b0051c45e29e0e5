#include "api/gateway/error_reply.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <limits>

namespace sluice {
namespace {

using nlohmann::json;
using namespace std::chrono_literals;

std::string header(const http_response& x, std::string_view name) {
  for (auto& [key, value] : x.headers)
    if (key == name)
      return value;
  return "absent";
}

failure upstream(ec code, int32_t status, std::string body = {}) {
  auto why = make_failure(code, "from above");
  why.upstream_status = status;
  why.upstream_body = std::move(body);
  return why;
}

TEST(error_reply_test, every_code_becomes_an_error_object_of_openai) {
  for (auto& row : ec_table()) {
    auto reply = error_reply(make_failure(row.code), "req_1");
    auto error = json::parse(reply.body).at("error");
    EXPECT_EQ(error.at("code"), row.name);
    EXPECT_EQ(error.at("type"), row.type);
    EXPECT_EQ(error.at("message"), row.sentence);
    EXPECT_TRUE(error.at("param").is_null());
    EXPECT_EQ(error.at("request_id"), "req_1");
    EXPECT_EQ(reply.status, row.http_status == 0 ? 500 : row.http_status) << row.name;
    EXPECT_EQ(header(reply, "x-request-id"), "req_1");
    EXPECT_EQ(header(reply, "x-should-retry"), row.retryable ? "true" : "false") << row.name;
  }
}

TEST(error_reply_test, names_the_field) {
  auto error = json::parse(error_body(make_failure(ec::invalid_value, "no \"good\"", "n"), ""));
  EXPECT_EQ(error["error"]["param"], "n");
  EXPECT_EQ(error["error"]["message"], "no \"good\"");
  EXPECT_FALSE(error["error"].contains("request_id"));
}

TEST(error_reply_test, takes_code_words_and_field_of_an_error) {
  auto why = make_failure(make_error(ec::invalid_value, "no good", "n"));
  EXPECT_EQ(why.code, ec::invalid_value);
  EXPECT_EQ(why.message, "no good");
  EXPECT_EQ(why.param, "n");
  why = make_failure(caf::error{caf::sec::request_timeout});
  EXPECT_EQ(why.code, ec::deadline_exceeded);
  EXPECT_EQ(why.message, properties(ec::deadline_exceeded).sentence);
  EXPECT_EQ(why.param, "");
}

TEST(error_reply_test, survives_text_that_is_no_utf_8) {
  auto body = error_body(make_failure(ec::upstream_failed, "\xff\xfe"), "req");
  EXPECT_TRUE(json::accept(body));
}

TEST(error_reply_test, passes_a_refusal_of_the_request_on_as_it_came) {
  auto theirs = R"({ "error": {"message":"too long","code":"context_length_exceeded"} })";
  auto why = upstream(ec::upstream_rejected, 400, theirs);
  EXPECT_EQ(error_reply(why, "req").status, 400);
  EXPECT_EQ(error_reply(why, "req").body, theirs);
  why.upstream_status = 422;
  EXPECT_EQ(status_of(why), 422);
  auto limited = upstream(ec::upstream_rate_limited, 429, theirs);
  EXPECT_EQ(error_reply(limited, "req").body, theirs);
}

TEST(error_reply_test, our_troubles_with_the_provider_are_not_the_callers) {
  for (int32_t status : {401, 403}) {
    auto why = upstream(ec::upstream_rejected, status, R"({"error":{"message":"key sk-canary"}})");
    auto reply = error_reply(why, "req");
    EXPECT_EQ(reply.status, 502) << "a 401 would say that the caller's key is wrong";
    EXPECT_EQ(reply.body.find("canary"), std::string::npos);
  }
  auto failed = upstream(ec::upstream_failed, 500, R"({"error":{"message":"inside"}})");
  EXPECT_EQ(error_reply(failed, "req").status, 502);
  EXPECT_EQ(error_reply(failed, "req").body.find("inside"), std::string::npos);
  EXPECT_EQ(status_of(upstream(ec::upstream_failed, 503)), 503);
}

TEST(error_reply_test, says_when_to_come_again) {
  auto why = make_failure(ec::rate_limited);
  EXPECT_EQ(header(error_reply(why, ""), "Retry-After"), "1") << "by default";
  why.retry_after = 1'001ms;
  EXPECT_EQ(header(error_reply(why, ""), "Retry-After"), "2") << "whole seconds, rounded up";
  EXPECT_EQ(header(error_reply(why, ""), "retry-after-ms"), "1001");
  why.retry_after = 0ms;
  EXPECT_EQ(header(error_reply(why, ""), "Retry-After"), "0");
  auto other = make_failure(ec::invalid_json);
  other.retry_after = 5s;
  EXPECT_EQ(header(error_reply(other, ""), "Retry-After"), "absent");
}

TEST(error_reply_test, repeats_what_the_upstream_says_of_retrying) {
  auto why = upstream(ec::upstream_rate_limited, 429);
  why.should_retry_said = true;
  EXPECT_EQ(header(error_reply(why, ""), "x-should-retry"), "false");
  EXPECT_EQ(header(error_reply(why, ""), "Retry-After"), "absent");
  why.retry_after = 2s;
  EXPECT_EQ(header(error_reply(why, ""), "Retry-After"), "2");
}

TEST(error_event_test, is_one_event_whatever_the_upstream_said) {
  auto why = upstream(ec::upstream_rejected, 400, "{\n \"error\":\r\n {\"message\": \"m\"}\n}");
  auto event = error_event(why, "req");
  ASSERT_TRUE(event.starts_with("data: ") && event.ends_with("\n\n"));
  auto data = event.substr(6, event.size() - 8);
  EXPECT_EQ(data.find_first_of("\r\n"), std::string::npos);
  EXPECT_EQ(json::parse(data)["error"]["message"], "m");
}

} // namespace
} // namespace sluice
