#pragma once

#include "storage/answer_record.hpp"

#include <algorithm>
#include <cmath>

/// Who stays where not all can: a count of uses that halves with time, so that both how often and
/// how lately an answer was asked for are in one number (LRFU, Lee et al., 2001).
namespace sluice {

/// A day. What is asked in working hours keeps seven tenths of its worth over a night, and a sixth
/// from Friday evening to Monday morning; what was asked a hundred times in one week counts for
/// less than one use a week later. Shorter would be LRU, longer would keep last month's favourites.
inline constexpr std::chrono::hours use_half_life{24};

/// What `x` counts for at `now`. A clock that went backwards makes nothing worth more.
inline double worth(const answer_use& x, sys_seconds now) {
  auto passed = std::chrono::duration<double>(std::max(now - x.last, std::chrono::seconds{0}));
  return x.count * std::exp2(-(passed / std::chrono::duration<double>(use_half_life)));
}

/// `x` after `uses` more at `now`.
inline answer_use used(const answer_use& x, double uses, sys_seconds now) {
  return {worth(x, now) + uses, std::max(x.last, now)};
}

} // namespace sluice
