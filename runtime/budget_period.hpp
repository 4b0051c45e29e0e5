#pragma once

#include "runtime/time_zone.hpp"

#include <string>

namespace sluice {

/// What a budget is for. Append only.
enum class period_kind : uint8_t {
  day,
  week, ///< from Monday (ISO 8601)
  month,
};
std::string_view to_string_view(period_kind x);

/// A day, week or month in a time zone.
struct budget_period {
  period_kind kind = period_kind::day;
  std::chrono::sys_days first; ///< its first day, by date there
  wall_time begin;
  wall_time end; ///< the first moment that it does not have

  /// "2026-11-23", "2026-W48", "2026-11".
  std::string name() const;

  friend bool operator==(const budget_period&, const budget_period&) = default;
};

budget_period period_at(period_kind kind, const time_zone& zone, wall_time at);

/// The time of day as budgets go by it. The system's clock may be put forward or back, and money
/// must not follow it: a budget that began anew with every jump would be no budget.
///
/// A clock that is an hour or more from what has passed by the steady clock is not believed: the
/// time runs on by the steady clock until the system's is near again or the process starts anew. A
/// clock that was wrong at the start and is put right is the operator's business. Smaller
/// corrections are followed, forward at once, back by waiting: the time never goes back.
///
/// For one thread.
class budget_clock {
public:
  /// `latest`: the latest time that is on record from an earlier process.
  budget_clock(wall_time wall, steady_time steady, wall_time latest = {});

  wall_time now(wall_time wall, steady_time steady);
  /// Whether the system's clock is not believed, so that somebody should look.
  bool doubted() const { return doubted_; }

  /// More than clocks are put right by in operation, and less than any period.
  static constexpr std::chrono::hours jump_min{1};

private:
  wall_time believed_; ///< as of `steady_`; may have been put back a little
  wall_time now_;
  steady_time steady_;
  bool doubted_ = false;
};

} // namespace sluice
