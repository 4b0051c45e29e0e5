#pragma once

#include "api/upstream/response_parser.hpp"
#include "runtime/json_names.hpp"
#include "runtime/messages.hpp"

#include <optional>
#include <string>

namespace sluice {

/// What an upstream's reply with a status other than 2xx means. One of the three edges where
/// foreign failures become `ec`.
failure failure_of(const response_head& head, std::string&& body);

/// The error object in a reply or event with status 200, as vLLM, SGLang and some proxies send it:
/// empty where there is none.
std::optional<failure> error_in(const simdjson::dom::element& root);

/// A call that failed without a reply. `sent` is whether some of the request may have reached the
/// upstream.
failure failure_without_reply(ec code, std::string message, bool sent);

} // namespace sluice
