#pragma once

#include "api/http/handler.hpp"
#include "runtime/messages.hpp"

#include <string>
#include <string_view>

namespace sluice {

/// A failure of our own.
failure make_failure(ec code, std::string message = {}, std::string param = {});
/// With the code, the words and the field of `why`.
failure make_failure(const caf::error& why);

/// OpenAI's error object, `{"error":{"message","type","param","code"}}`, with the request's id
/// beside them.
std::string error_body(const failure& why, std::string_view request_id);

/// `why` as a server-sent event for a stream that has begun. The official SDKs raise an error at a
/// data line with an `error`.
std::string error_event(const failure& why, std::string_view request_id);

/// `why` as a reply, with `Retry-After` and `x-should-retry` as the SDKs heed them. An upstream's
/// refusal of the request itself keeps its status and its words; its troubles with us (credentials,
/// limits, faults) become ours.
http_response error_reply(const failure& why, std::string_view request_id);

/// The HTTP status of `error_reply`.
uint16_t status_of(const failure& why);

} // namespace sluice
