#include "actors/ledger/budget_alarms.hpp"

#include <array>
#include <limits>

namespace sluice {

namespace {

/// What people ask to be told about: the last of them is the budget's end.
constexpr std::array<uint32_t, 4> alarm_percents{50, 80, 90, 100};

/// Of a period, in thousandths.
constexpr int64_t whole = 1'000;
constexpr int64_t foreseen_from = 250;

/// The integer part of x * by / of, where that is in range; `by` and `of` are small.
int64_t part(int64_t x, int64_t by, int64_t of) {
  return x / of * by + x % of * by / of;
}

} // namespace

std::vector<uint32_t> percents_passed(nanousd limit, nanousd spent) {
  std::vector<uint32_t> result;
  for (auto percent : alarm_percents)
    if (spent.value >= part(limit.value, percent, 100))
      result.push_back(percent);
  return result;
}

nanousd foreseen_spending(wall_time begin, wall_time end, nanousd spent, wall_time now) {
  auto length = (end - begin) / whole;
  if (length.count() <= 0)
    return {};
  int64_t passed = (now - begin) / length;
  if (passed < foreseen_from)
    return {};
  constexpr auto countable = std::numeric_limits<int64_t>::max() / (whole / foreseen_from + 1);
  if (passed >= whole || spent.value > countable)
    return spent;
  return {part(spent.value, whole, passed)};
}

} // namespace sluice
