#pragma once

#include "runtime/messages.hpp"

/// What the gateway and its cache say to each other; the handles stand in `runtime/actors.hpp`.
namespace sluice {

/// An answer as a caller got it, without what belongs to its request alone.
struct cached_answer {
  std::string content; ///< the JSON body; of a stream its events, without `[DONE]`
  uint32_t events = 0; ///< in the content, of a stream
  std::string deployment;
  token_usage usage; ///< of the call that gave it
  bool usage_known = false;
  nanousd cost; ///< likewise: what a hit saves
};

/// The cache's answer to a lookup.
struct cache_verdict {
  uint64_t call = 0;
  cache_result result = cache_result::miss;
  cached_answer answer;            ///< of a hit
  std::chrono::seconds age{0};     ///< since the answer came
  std::chrono::seconds expires{0}; ///< from now on
};

/// Keeps an answer; nothing is answered to it.
struct cache_fill {
  fingerprint key;
  cached_answer answer;
  std::chrono::seconds ttl{0}; ///< 0 for the cache's own
};

} // namespace sluice
