#pragma once

#include <caf/atom.hpp>
#include <caf/error.hpp>

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace sluice {

/// Everything that can go wrong and is not our own bug. Values travel between nodes: append only,
/// never renumber.
enum class ec : uint8_t {
  none = 0,
  // What the caller sent.
  malformed_http,
  header_too_large,
  body_too_large,
  request_timeout,
  expectation_failed,
  unsupported_media_type,
  unknown_endpoint,
  method_not_allowed,
  invalid_json,
  missing_field,
  invalid_value,
  model_not_found,
  unauthenticated,
  permission_denied,
  rate_limited,
  // What this node cannot do just now.
  overloaded,
  shutting_down,
  deadline_exceeded,
  client_gone,
  internal,
  // What an upstream did.
  upstream_unreachable,
  upstream_timeout,
  upstream_rate_limited,
  upstream_rejected,
  upstream_failed,
  upstream_bad_response,
  upstream_stream_cut,
  upstream_unavailable,
  // What keeps a node from starting.
  bad_configuration,
  bad_argument,
  address_in_use,
  io_failed,
  // What is kept for later: files and batches.
  not_found,
  conflict,
  storage_full,
  storage_failed,
  // What the cache could not do.
  not_cached,
  // What somebody has no money for.
  budget_exceeded,
};

/// The fixed properties of a code: how it is shown to a caller, and whether the caller's SDK should
/// try again.
struct ec_properties {
  ec code;
  std::string_view
      name; ///< stable string, the `code` of an OpenAI error object and the label in metrics
  uint16_t http_status;      ///< status of the reply; 0 where no reply can carry it
  std::string_view type;     ///< the `type` of an OpenAI error object
  bool retryable;            ///< sent as `x-should-retry`: may the same request succeed later?
  std::string_view sentence; ///< for people; the default message
};

/// One row for every code, in the order of the codes.
std::span<const ec_properties> ec_table();

/// The row of `code`.
const ec_properties& properties(ec code);

/// The stable name of `code`.
std::string_view to_string_view(ec code);
std::string to_string(ec code);

/// Under this name our errors travel between nodes. At most ten characters.
inline constexpr caf::atom_value ec_category = caf::atom("sluice");

/// Wraps `code` for a CAF response; found by argument-dependent look-up. `context` is shown to the
/// caller in place of the sentence.
caf::error make_error(ec code);
caf::error make_error(ec code, std::string context);
/// With the name of the offending field of the request, OpenAI's `param`.
caf::error make_error(ec code, std::string context, std::string param);

/// The code in `x`: `internal` for codes of other categories, except that CAF's own time-outs are
/// `deadline_exceeded`.
ec code_of(const caf::error& x);

/// The context of `x` where it has one, otherwise the code's sentence.
std::string message_of(const caf::error& x);

/// The offending field; empty where none is known.
std::string param_of(const caf::error& x);

/// Renders errors of our category for CAF: `cfg.add_error_category` takes only a renderer, not the
/// enum (0.17.6).
std::string render_ec(uint8_t code, caf::atom_value category, const caf::message& context);

} // namespace sluice
