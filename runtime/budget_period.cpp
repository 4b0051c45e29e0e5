#include "runtime/budget_period.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace sluice {

using std::chrono::days;
using std::chrono::sys_days;
using std::chrono::year_month_day;

namespace {

sys_days monday_of(sys_days x) {
  return x - (std::chrono::weekday{x} - std::chrono::Monday);
}

sys_days first_of(period_kind kind, sys_days date) {
  switch (kind) {
  case period_kind::day:
    return date;
  case period_kind::week:
    return monday_of(date);
  case period_kind::month:
    return sys_days{year_month_day{date}.year() / year_month_day{date}.month() / 1};
  }
  return date;
}

sys_days next_of(period_kind kind, sys_days first) {
  switch (kind) {
  case period_kind::day:
    return first + days{1};
  case period_kind::week:
    return first + days{7};
  case period_kind::month:
    return sys_days{year_month_day{first} + std::chrono::months{1}};
  }
  return first;
}

} // namespace

std::string_view to_string_view(period_kind x) {
  switch (x) {
  case period_kind::day:
    return "day";
  case period_kind::week:
    return "week";
  case period_kind::month:
    return "month";
  }
  return "unknown";
}

budget_period period_at(period_kind kind, const time_zone& zone, wall_time at) {
  auto first = first_of(kind, zone.date_at(at));
  return {kind, first, zone.begin_of(first), zone.begin_of(next_of(kind, first))};
}

std::string budget_period::name() const {
  const year_month_day date{first};
  auto year = static_cast<int>(date.year());
  auto month = static_cast<unsigned>(date.month());
  if (kind == period_kind::month)
    return fmt::format("{:04}-{:02}", year, month);
  if (kind == period_kind::day)
    return fmt::format("{:04}-{:02}-{:02}", year, month, static_cast<unsigned>(date.day()));
  // A week is of the year that has its Thursday, and the first one has 4 January.
  auto of_year = year_month_day{first + days{3}}.year();
  auto week_one = monday_of(sys_days{of_year / 1 / 4});
  return fmt::format("{:04}-W{:02}", static_cast<int>(of_year), (first - week_one) / days{7} + 1);
}

budget_clock::budget_clock(wall_time wall, steady_time steady, wall_time latest)
    : believed_(wall), now_(std::max(wall, latest)), steady_(steady) {}

wall_time budget_clock::now(wall_time wall, steady_time steady) {
  auto passed = std::max(steady - steady_, steady_time::duration{});
  auto expected = believed_ + std::chrono::duration_cast<wall_time::duration>(passed);
  doubted_ = wall >= expected + jump_min || wall <= expected - jump_min;
  believed_ = doubted_ ? expected : wall;
  now_ = std::max(now_, believed_);
  steady_ = std::max(steady_, steady);
  return now_;
}

} // namespace sluice
