#include "runtime/time_zone.hpp"

#include "runtime/ec.hpp"
#include "runtime/nearest_name.hpp"

#include <date/tz.h>

#include <stdexcept>
#include <vector>

namespace sluice {

namespace {

/// The dates of this library are days since 1970 wherever they are; `date` has types for where.
date::local_days local(std::chrono::sys_days x) {
  return date::local_days{x.time_since_epoch()};
}

std::string nearest_zone(const std::string& name) {
  std::vector<std::string_view> names;
  for (auto& zone : date::get_tzdb().zones)
    names.push_back(zone.name());
  return nearest_name(name, names);
}

} // namespace

caf::expected<time_zone> time_zone::find(const std::string& name) {
  time_zone result;
  if (name == result.name_)
    return result;
  try {
    // `locate_zone` reads a file of this name, so it has to be one of the list.
    for (auto& zone : date::get_tzdb().zones)
      if (zone.name() == name) {
        result.name_ = name;
        result.zone_ = date::locate_zone(name);
        return result;
      }
    auto nearest = nearest_zone(name);
    return make_error(ec::bad_configuration,
                      "'" + name + "' is no time zone" +
                          (nearest.empty() ? std::string{} : "; did you mean '" + nearest + "'?"));
  } catch (const std::exception& x) {
    return make_error(ec::bad_configuration, std::string{"there is no time zone database ("} +
                                                 x.what() + "); install the package tzdata");
  }
}

std::chrono::sys_days time_zone::date_at(wall_time at) const {
  auto seconds = std::chrono::floor<std::chrono::seconds>(at);
  if (!zone_)
    return std::chrono::floor<std::chrono::days>(seconds);
  auto there = zone_->to_local(seconds);
  return std::chrono::sys_days{std::chrono::floor<std::chrono::days>(there).time_since_epoch()};
}

wall_time time_zone::begin_of(std::chrono::sys_days date) const {
  if (!zone_)
    return date;
  auto midnight = local(date);
  auto found = zone_->get_info(midnight);
  // Midnight that comes twice begins the day the first time; of one that is skipped `first` ends
  // where the clock is put forward.
  if (found.result == date::local_info::nonexistent)
    return found.first.end;
  return date::sys_seconds{midnight.time_since_epoch()} - found.first.offset;
}

} // namespace sluice
