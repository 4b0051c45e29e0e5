#pragma once

#include "runtime/ledger_messages.hpp"

namespace sluice {

/// So many tokens a minute, at once or evenly. Like the limiter of requests it may give out a full
/// bucket and what flows in meanwhile within one minute; unlike it, it takes back what was not
/// used. Exact: it counts in sixty-millionths of a token, of which a limit of one token a minute
/// flows in one a microsecond.
///
/// For one thread.
class token_bucket {
public:
  /// Full. `per_minute` is at most a billion.
  explicit token_bucket(uint32_t per_minute);

  /// Takes `tokens`, all or none.
  bool take(int64_t tokens, wall_time now);
  /// Takes back `tokens`; of a negative number more was used than was taken, which it then lacks.
  void give_back(int64_t tokens, wall_time now);

  int64_t per_minute() const { return per_minute_; }
  /// Whether it ever has so many.
  bool fits(int64_t tokens) const { return tokens <= per_minute_; }
  /// As of the last call.
  token_allowance allowance() const;
  /// Until it has so many, where it ever does; as of the last call.
  std::chrono::milliseconds wait_for(int64_t tokens) const;

private:
  void refill(wall_time now);

  int64_t per_minute_;
  int64_t level_; ///< in parts of a token; negative where it lacks some
  wall_time at_;
};

} // namespace sluice
