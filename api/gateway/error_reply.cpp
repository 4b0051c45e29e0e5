#include "api/gateway/error_reply.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>

namespace sluice {

namespace {

/// What a caller is asked to wait where nobody knows better: long enough for a burst to pass, short
/// enough for a person.
constexpr std::chrono::milliseconds retry_after_default{1'000};

/// Whether the upstream's own words are for the caller.
bool verbatim(const failure& why) {
  auto theirs =
      why.code == ec::upstream_rejected && why.upstream_status != 401 && why.upstream_status != 403;
  return (theirs || why.code == ec::upstream_rate_limited) && !why.upstream_body.empty();
}

std::string_view sentence_of(const failure& why) {
  return why.message.empty() ? properties(why.code).sentence : std::string_view{why.message};
}

bool retryable(const failure& why) {
  if (why.should_retry_said)
    return why.should_retry;
  return properties(why.code).retryable;
}

} // namespace

failure make_failure(ec code, std::string message, std::string param) {
  failure result;
  result.code = code;
  result.message = std::move(message);
  result.param = std::move(param);
  return result;
}

failure make_failure(const caf::error& why) {
  return make_failure(code_of(why), message_of(why), param_of(why));
}

uint16_t status_of(const failure& why) {
  auto refused_us = why.upstream_status == 401 || why.upstream_status == 403;
  if (why.code == ec::upstream_rejected && why.upstream_status >= 400 && why.upstream_status < 500)
    return refused_us ? properties(ec::upstream_failed).http_status
                      : static_cast<uint16_t>(why.upstream_status);
  if (why.code == ec::upstream_failed && why.upstream_status == 503)
    return 503;
  auto status = properties(why.code).http_status;
  return status == 0 ? uint16_t{500} : status;
}

std::string error_body(const failure& why, std::string_view request_id) {
  if (verbatim(why))
    return why.upstream_body;
  auto& row = properties(why.code);
  nlohmann::ordered_json error;
  error["message"] = std::string{sentence_of(why)};
  error["type"] = std::string{row.type};
  if (why.param.empty())
    error["param"] = nullptr;
  else
    error["param"] = why.param;
  error["code"] = std::string{row.name};
  if (!request_id.empty())
    error["request_id"] = std::string{request_id};
  nlohmann::ordered_json body;
  body["error"] = std::move(error);
  return body.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

std::string error_event(const failure& why, std::string_view request_id) {
  auto body = error_body(why, request_id);
  std::replace(body.begin(), body.end(), '\n',
               ' '); // an upstream's pretty-printed object would end the event
  std::replace(body.begin(), body.end(), '\r', ' ');
  return "data: " + body + "\n\n";
}

http_response error_reply(const failure& why, std::string_view request_id) {
  http_response response;
  response.status = status_of(why);
  response.body = error_body(why, request_id);
  if (!request_id.empty()) {
    response.headers.emplace_back("x-request-id", request_id);
    response.headers.emplace_back("x-sluice-request-id", request_id);
  }
  auto again = retryable(why);
  response.headers.emplace_back("x-should-retry", again ? "true" : "false");
  if (response.status == 429 || response.status == 503) {
    auto wait = why.retry_after.count() >= 0 ? why.retry_after : retry_after_default;
    if (again || why.retry_after.count() >= 0) {
      response.headers.emplace_back("Retry-After", std::to_string((wait.count() + 999) / 1000));
      response.headers.emplace_back("retry-after-ms", std::to_string(wait.count()));
    }
  }
  return response;
}

} // namespace sluice
