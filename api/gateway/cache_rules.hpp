#pragma once

#include "runtime/configuration.hpp"
#include "runtime/messages.hpp"

#include <caf/expected.hpp>

#include <chrono>
#include <string_view>

namespace sluice {

struct http_request;

/// What a caller wants of the cache.
struct cache_wish {
  bool read = true;                 ///< an answer from it will do
  bool write = true;                ///< the answer may be kept
  bool only = false;                ///< nothing but an answer from it
  std::chrono::seconds age_max{-1}; ///< older answers will not do; negative where any will
  std::chrono::seconds ttl{0};      ///< of the answer; 0 for the cache's own
};

inline constexpr std::string_view cache_field = "x-sluice-cache";
inline constexpr std::string_view cache_ttl_field = "x-sluice-cache-ttl";

/// Reads `Cache-Control` (`no-cache`, `no-store`, `max-age`, `only-if-cached`; RFC 9111, section
/// 5.2.1, which has readers ignore what they do not know), `x-sluice-cache: off` and
/// `x-sluice-cache-ttl`. Fails with `invalid_value` where one of the latter says anything else.
caf::expected<cache_wish> cache_wish_of(const http_request& request);

/// What the cache does for a request, by the operator's policies.
struct cache_terms {
  bool enabled = true;
  std::chrono::seconds ttl{0}; ///< 0 for the cache's own
  std::chrono::seconds stale_while_revalidate{0};
  bool similar = false;
  double error_rate_max = -1; ///< negative for the cache's own
  bool any_conversation = false;
};
cache_terms cache_terms_of(const cache_settings& settings, std::string_view tenant,
                           std::string_view model);

/// The first policy that fits; null where none does.
const cache_policy* policy_of(const std::vector<cache_policy>& policies, std::string_view tenant,
                              std::string_view model);

/// Whether answers to anything but the same request are given to anybody.
bool answers_by_meaning(const cache_settings& settings);

/// The key of the answer to a request: how it is asked for is part of it, as a stream is kept as a
/// stream. Zero for zero.
fingerprint cache_key_of(const fingerprint& exact, reply_mode mode, bool include_usage);

/// Whether an answer may be given to others. Not where it calls tools, whose results change, and
/// not what was taken from one prompt with other questions, as who asks next may not want that. Of
/// an answer that several share, the one who pays keeps it. `content` is OpenAI's JSON or its
/// events.
bool may_keep(std::string_view content, const call_share& share);

} // namespace sluice
