#pragma once

#include "runtime/money.hpp"
#include "runtime/time.hpp"

#include <chrono>

namespace sluice {

/// What was spent on the present day, midnight to midnight UTC. What is late, from a day before,
/// is left out: the day it belongs to is no longer shown.
class day_sum {
public:
  void add(nanousd amount, wall_time at) {
    turn(at);
    if (std::chrono::floor<std::chrono::days>(at) == day_)
      sum_ += amount;
  }
  nanousd value(wall_time now) {
    turn(now);
    return sum_;
  }

private:
  void turn(wall_time to) {
    auto day = std::chrono::floor<std::chrono::days>(to);
    if (day <= day_)
      return;
    day_ = day;
    sum_ = {};
  }

  std::chrono::sys_days day_{};
  nanousd sum_;
};

} // namespace sluice
