#pragma once

#include "runtime/time.hpp"

#include <caf/expected.hpp>

#include <chrono>
#include <string>

namespace date {
class time_zone;
}

namespace sluice {

/// A zone of the IANA time zone database of the system (/usr/share/zoneinfo). A value; threads may
/// share one.
class time_zone {
public:
  /// UTC, which needs no database.
  time_zone() = default;
  /// Fails with `bad_configuration` for a name that the database lacks ("did you mean
  /// 'Europe/Rome'?") and where there is no database but for "UTC".
  static caf::expected<time_zone> find(const std::string& name);

  const std::string& name() const { return name_; }
  /// The date there.
  std::chrono::sys_days date_at(wall_time at) const;
  /// When the day begins there: at midnight, or where a clock that is put forward skips midnight,
  /// at the first moment after it.
  wall_time begin_of(std::chrono::sys_days date) const;

private:
  std::string name_ = "UTC";
  const date::time_zone* zone_ = nullptr; ///< the database's, which lives as long as the process
};

} // namespace sluice
