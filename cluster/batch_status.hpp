#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace sluice {

/// What a node's metrics say of one batcher.
struct batch_status {
  std::string deployment;
  std::string endpoint;
  double calls = 0;
  double requests = 0;
  double divided = 0;
  double overloads = 0;
  double reruns = 0; ///< of a packer
  double waiting = 0;
  double in_flight = 0;
  double size_limit = 0;
  double calls_limit = 0;
  std::string calls_reason;                ///< why that limit
  double base_s = 0;                       ///< a of T(n) = a + b n; 0 while nothing is known
  double per_item_s = 0;                   ///< b
  std::map<std::string, double> decisions; ///< calls begun, by reason
};

/// Reads the batchers out of a node's metrics in Prometheus text format; empty where there are
/// none.
std::vector<batch_status> read_batch_status(std::string_view metrics);

/// A table for people.
std::string to_text(const std::vector<batch_status>& x);

/// A list of objects.
std::string to_json(const std::vector<batch_status>& x);

} // namespace sluice
