#pragma once

#include "runtime/configuration.hpp"

#include <cstdint>
#include <string_view>
#include <vector>

namespace sluice {

struct http_request;

/// Whose requests are equal to whose, and when they may be answered together.
struct merge_rules {
  std::string_view tenant;      ///< answers never cross tenants
  double temperature_max = 0.3; ///< as in `merging_settings`
  bool similar = false;         ///< also say what a similar question is
  /// Of the hash, drawn when the process starts: nobody can prepare two requests that collide.
  uint64_t seed = 0;
  /// The cache's: whether questions to a model may be compared whatever was said before them. Null
  /// for never. What is similar then must not be merged.
  const std::vector<cache_policy>* policies = nullptr;
};

/// Whether the caller wants neither another's answer nor others to have its: `Cache-Control:
/// no-store` or `x-sluice-merge: off`.
bool wants_own_answer(const http_request& request);

} // namespace sluice
