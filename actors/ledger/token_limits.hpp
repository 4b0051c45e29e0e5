#pragma once

#include "actors/ledger/token_bucket.hpp"

#include <map>
#include <string>
#include <unordered_map>

namespace sluice {

/// Tokens per minute of the keys that have such a limit, and what charges under way have of them.
///
/// In memory only: a minute is over sooner than a node is back after a crash, and a bucket on the
/// disk would cost a write more for every charge.
///
/// For one thread.
class token_limits {
public:
  using per_minute = std::map<std::string, uint32_t>; ///< by key; none is 0

  explicit token_limits(const per_minute& limits);

  /// Takes for charge `id` what the order says, or says in `verdict` why not. False then.
  bool take(const charge_id& id, const charge_order& order, wall_time now, charge_verdict& verdict);
  /// Takes back what the charge did not use.
  void settle(const charge_id& id, const charge_outcome& x, wall_time now);

private:
  std::unordered_map<std::string, token_bucket> buckets_;
  struct taken {
    token_bucket* from;
    int64_t tokens;
  };
  std::map<charge_id, taken> taken_;
};

} // namespace sluice
