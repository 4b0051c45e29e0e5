#include "api/upstream/failure_of.hpp"

#include <nlohmann/json.hpp>
#include <simdjson.h>

namespace sluice {

namespace {

/// 408 and 409 are retried by the SDKs as passing troubles; 429 is a limit; the rest of 4xx is the
/// request's own fault.
ec code_of_status(int status) {
  if (status == 429)
    return ec::upstream_rate_limited;
  if (status == 408 || status == 409 || status >= 500)
    return ec::upstream_failed;
  if (status >= 400)
    return ec::upstream_rejected;
  return ec::upstream_bad_response; // 1xx and 3xx: a redirect is never followed
}

} // namespace

failure failure_of(const response_head& head, std::string&& body) {
  failure why;
  why.code = code_of_status(head.status);
  why.upstream_status = head.status;
  why.retry_after = head.retry_after;
  why.should_retry_said = head.should_retry_said;
  why.should_retry = head.should_retry;
  auto parsed = nlohmann::json::parse(body, nullptr, false);
  if (parsed.is_object() && parsed.contains("error") && parsed["error"].is_object()) {
    auto& error = parsed["error"];
    if (error.contains("message") && error["message"].is_string())
      why.message = error["message"].get<std::string>();
    if (error.contains("param") && error["param"].is_string())
      why.param = error["param"].get<std::string>();
    // OpenAI's word for a quota that is used up: waiting does not help, another deployment may.
    if (error.contains("code") && error["code"] == "insufficient_quota" &&
        !head.should_retry_said) {
      why.should_retry_said = true;
      why.should_retry = false;
    }
    why.upstream_body = std::move(body);
  }
  if (why.message.empty())
    why.message = "The upstream replied with status " + std::to_string(head.status) + ".";
  if (head.status == 401 || head.status == 403) {
    // Its words may quote our key.
    why.message = "The upstream refused this gateway's credentials.";
    why.upstream_body.clear();
  }
  return why;
}

std::optional<failure> error_in(const simdjson::dom::element& root) {
  simdjson::dom::element error;
  if (root["error"].get(error) != simdjson::SUCCESS || error.is_null())
    return std::nullopt;
  failure why;
  why.code = ec::upstream_failed;
  why.upstream_status = 200;
  why.message = "The upstream reported an error in a reply with status 200.";
  simdjson::dom::element message;
  if (error.is_object() && error["message"].get(message) == simdjson::SUCCESS &&
      message.is_string())
    why.message = std::string_view{message};
  else if (error.is_string())
    why.message = std::string_view{error};
  return why;
}

failure failure_without_reply(ec code, std::string message, bool sent) {
  failure why;
  why.code = code;
  why.message = std::move(message);
  why.sent = sent;
  return why;
}

} // namespace sluice
