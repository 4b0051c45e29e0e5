#pragma once

#include "runtime/day_sum.hpp"

namespace sluice {

/// What the cache's own calls may cost on a day, midnight to midnight UTC. A call under way counts
/// as what it can cost at most, so that many at once do not spend what is left several times.
class call_budget {
public:
  explicit call_budget(nanousd a_day) : a_day_(a_day) {}

  /// Sets `most` aside for a call; false where the day's budget does not cover it any more.
  bool reserve(nanousd most, wall_time now) {
    if (most < nanousd{} || most > a_day_ - spent_.value(now) - reserved_)
      return false;
    reserved_ += most;
    return true;
  }

  /// A call that `most` was set aside for has ended, and did cost `spent`.
  void settle(nanousd most, nanousd spent, wall_time now) {
    reserved_ = reserved_ - most;
    spent_.add(spent, now);
  }

  nanousd spent(wall_time now) { return spent_.value(now); }

private:
  nanousd a_day_;
  day_sum spent_;
  nanousd reserved_;
};

} // namespace sluice
