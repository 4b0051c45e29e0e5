#include "runtime/ec.hpp"

#include <caf/all.hpp>

#include <array>

namespace sluice {

namespace {

// The `type` strings are OpenAI's where it has one. What an upstream did has a type of its own, so
// that a caller can tell a failing provider from a failing gateway.
constexpr std::string_view invalid_request = "invalid_request_error";
constexpr std::string_view server_error = "server_error";
constexpr std::string_view upstream_error = "upstream_error";
constexpr std::string_view start_up = "start_up_error";

// Names are those of the enumerators except where OpenAI has a code of its own for the case:
// callers compare with that. Statuses are OpenAI's likewise.
//
// `retryable` becomes `x-should-retry`, which the SDKs obey over their own rule (again on 408, 409,
// 429 and 5xx). It is true where the request cost nothing and may well succeed a moment later. It
// is false where the caller has to change something, and where the gateway itself has already tried
// as often as it is allowed to: with three attempts here and three in the SDK a failing provider
// would get nine calls for one request, just when it is overloaded, and each may be charged. Where
// the upstream sent its own `x-should-retry`, that is passed on in place of this column.
constexpr std::array table{
    ec_properties{ec::none, "none", 200, "", false, "No error."},
    ec_properties{ec::malformed_http, "malformed_http", 400, invalid_request, false,
                  "The request is not valid HTTP."},
    ec_properties{ec::header_too_large, "header_too_large", 431, invalid_request, false,
                  "The header of the request is too large."},
    ec_properties{ec::body_too_large, "body_too_large", 413, invalid_request, false,
                  "The body of the request is too large."},
    // Nothing was done yet, and the network may be better next time.
    ec_properties{ec::request_timeout, "request_timeout", 408, invalid_request, true,
                  "The request did not arrive in time."},
    ec_properties{ec::expectation_failed, "expectation_failed", 417, invalid_request, false,
                  "The only expectation that can be met is 100-continue."},
    ec_properties{ec::unsupported_media_type, "unsupported_media_type", 415, invalid_request, false,
                  "The body of the request must be application/json."},
    ec_properties{ec::unknown_endpoint, "unknown_url", 404, invalid_request, false,
                  "There is nothing at this URL."},
    ec_properties{ec::method_not_allowed, "method_not_allowed", 405, invalid_request, false,
                  "This URL does not take this method."},
    ec_properties{ec::invalid_json, "invalid_json", 400, invalid_request, false,
                  "The body of the request is not valid JSON."},
    ec_properties{ec::missing_field, "missing_required_parameter", 400, invalid_request, false,
                  "A required field is missing."},
    ec_properties{ec::invalid_value, "invalid_value", 400, invalid_request, false,
                  "The value of a field is not allowed."},
    ec_properties{ec::model_not_found, "model_not_found", 404, invalid_request, false,
                  "The model does not exist or you do not have access to it."},
    ec_properties{ec::unauthenticated, "invalid_api_key", 401, invalid_request, false,
                  "Incorrect API key provided."},
    ec_properties{ec::permission_denied, "permission_denied", 403, invalid_request, false,
                  "This API key is not allowed to do this."},
    // OpenAI's type for a limit on requests; its other one is "tokens".
    ec_properties{ec::rate_limited, "rate_limit_exceeded", 429, "requests", true,
                  "The rate limit of this API key is reached."},
    // Refused before any work. 429 rather than 503, as load balancers take a node that answers 503
    // out of service and so push its load onto the others.
    ec_properties{ec::overloaded, "overloaded", 429, server_error, true,
                  "The gateway has too many requests in work."},
    // The retry meets another node, or this one after its restart.
    ec_properties{ec::shutting_down, "shutting_down", 503, server_error, true,
                  "The gateway is shutting down."},
    // All the time that the caller granted is spent, and the upstream may charge for it.
    ec_properties{ec::deadline_exceeded, "deadline_exceeded", 504, server_error, false,
                  "The request took longer than its deadline allows."},
    // Nobody reads this reply; the status is nginx's, for logs and metrics.
    ec_properties{ec::client_gone, "client_gone", 499, invalid_request, false,
                  "The client closed the connection."},
    // Our bug: the same request most likely meets it again.
    ec_properties{ec::internal, "internal_error", 500, server_error, false,
                  "The gateway had an internal error."},
    ec_properties{ec::upstream_unreachable, "upstream_unreachable", 502, upstream_error, false,
                  "The provider could not be reached."},
    ec_properties{ec::upstream_timeout, "upstream_timeout", 504, upstream_error, false,
                  "The provider did not answer in time."},
    // The gateway gives up when the provider asks for a longer pause than it may take; the caller
    // hears the provider's `retry-after` and can wait so long.
    ec_properties{ec::upstream_rate_limited, "upstream_rate_limited", 429, upstream_error, true,
                  "The rate limit of the provider is reached."},
    // The status stands for upstreams whose own cannot be passed on.
    ec_properties{ec::upstream_rejected, "upstream_rejected", 400, invalid_request, false,
                  "The provider rejected the request."},
    ec_properties{ec::upstream_failed, "upstream_failed", 502, upstream_error, false,
                  "The provider had an internal error."},
    ec_properties{ec::upstream_bad_response, "upstream_bad_response", 502, upstream_error, false,
                  "The provider sent an answer that is not valid."},
    ec_properties{ec::upstream_stream_cut, "upstream_stream_cut", 502, upstream_error, false,
                  "The provider broke off its answer."},
    // No call was made, as all breakers are open; they let one through within seconds.
    ec_properties{ec::upstream_unavailable, "upstream_unavailable", 503, upstream_error, true,
                  "No provider of this model is available at the moment."},
    ec_properties{ec::bad_configuration, "bad_configuration", 0, start_up, false,
                  "The configuration has mistakes."},
    ec_properties{ec::bad_argument, "bad_argument", 0, start_up, false,
                  "An argument of the command line is not valid."},
    ec_properties{ec::address_in_use, "address_in_use", 0, start_up, false,
                  "The address is in use."},
    ec_properties{ec::io_failed, "io_failed", 0, start_up, false,
                  "A file or folder could not be read or written."},
    ec_properties{ec::not_found, "not_found", 404, invalid_request, false,
                  "There is no object of this id."},
    // OpenAI's status for cancelling what is over. Its SDKs would try again.
    ec_properties{ec::conflict, "conflict", 409, invalid_request, false,
                  "The object is in a state that does not allow this."},
    // Nothing changes until somebody deletes files.
    ec_properties{ec::storage_full, "storage_full", 507, server_error, false,
                  "The gateway keeps as many files as it may."},
    // After a failed write the store takes no other until the node is started again.
    ec_properties{ec::storage_failed, "storage_failed", 503, server_error, false,
                  "The gateway's storage failed."},
    // HTTP's status for `only-if-cached` (RFC 9111, section 5.2.1.7).
    ec_properties{ec::not_cached, "not_cached", 504, invalid_request, false,
                  "The answer is not in the cache, and the request allows no other."},
    // OpenAI's type for an account without money, which its SDKs try again on their own; nothing
    // changes before the budget begins anew.
    ec_properties{ec::budget_exceeded, "budget_exceeded", 429, "insufficient_quota", false,
                  "A budget does not cover this request."},
};

constexpr bool in_order() {
  for (size_t i = 0; i < table.size(); ++i)
    if (static_cast<size_t>(table[i].code) != i)
      return false;
  return true;
}

static_assert(in_order() && table.back().code == ec::budget_exceeded,
              "one row a code, in their order");

/// The text that `make_error` put into `context`; null where there is none.
const std::string* text_in(const caf::message& context) {
  bool ours =
      context.match_elements<std::string>() || context.match_elements<std::string, std::string>();
  return ours ? &context.get_as<std::string>(0) : nullptr;
}

/// The code that `number` stands for. A newer node may send codes that this one does not know.
ec from_number(uint8_t number) {
  return number < table.size() ? static_cast<ec>(number) : ec::internal;
}

} // namespace

std::span<const ec_properties> ec_table() {
  return table;
}

const ec_properties& properties(ec code) {
  return table[static_cast<size_t>(from_number(static_cast<uint8_t>(code)))];
}

std::string_view to_string_view(ec code) {
  return properties(code).name;
}

std::string to_string(ec code) {
  return std::string{to_string_view(code)};
}

caf::error make_error(ec code) {
  return {static_cast<uint8_t>(code), ec_category};
}

caf::error make_error(ec code, std::string context) {
  return {static_cast<uint8_t>(code), ec_category, caf::make_message(std::move(context))};
}

caf::error make_error(ec code, std::string context, std::string param) {
  return {static_cast<uint8_t>(code), ec_category,
          caf::make_message(std::move(context), std::move(param))};
}

ec code_of(const caf::error& x) {
  if (!x)
    return ec::none;
  if (x.category() == ec_category)
    return from_number(x.code());
  return x == caf::sec::request_timeout ? ec::deadline_exceeded : ec::internal;
}

std::string message_of(const caf::error& x) {
  // The context of foreign errors is about types and actors: it says nothing to a caller.
  if (x && x.category() == ec_category)
    if (auto text = text_in(x.context()); text && !text->empty())
      return *text;
  return std::string{properties(code_of(x)).sentence};
}

std::string param_of(const caf::error& x) {
  bool there =
      x && x.category() == ec_category && x.context().match_elements<std::string, std::string>();
  return there ? x.context().get_as<std::string>(1) : std::string{};
}

std::string render_ec(uint8_t code, caf::atom_value, const caf::message& context) {
  auto result = to_string(from_number(code));
  if (auto text = text_in(context); text && !text->empty())
    result += ": " + *text;
  return result;
}

} // namespace sluice
