#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace sluice {

/// What a node's metrics say of one namespace of the cache.
struct namespace_quality {
  std::string name;
  std::map<std::string, double> requests; ///< by level that answered, "miss" included
  double saved_nanousd = 0;
  double saved_tokens = 0;
  double entries = 0;  ///< questions compared with
  double served = 0;   ///< by meaning
  double verified = 0; ///< would-be hits that were compared with the provider's answer
  double wrong = 0;    ///< of these
  double error_rate = 0;
  double error_rate_from = 0;
  double error_rate_to = 1;
  double probability_min = 2; ///< served from here on; above 1 where nothing is
  double verified_share = 0;
};

/// What they say of the whole cache.
struct cache_quality {
  std::map<std::string, double> entries; ///< by level
  std::map<std::string, double> bytes;   ///< likewise
  std::map<std::string, double> lookups; ///< by level that answered, "none" included
  double saved_nanousd = 0;
  double saved_tokens = 0;
  double damaged = 0;
  double failures = 0;
  std::vector<namespace_quality> namespaces;
};

/// Reads them out of a node's metrics in Prometheus text format.
cache_quality read_cache_quality(std::string_view metrics);

/// For people; with or without the namespaces.
std::string to_text(const cache_quality& x, bool namespaces);

/// One object, likewise.
std::string to_json(const cache_quality& x, bool namespaces);

} // namespace sluice
