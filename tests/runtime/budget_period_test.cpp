#include "runtime/budget_period.hpp"
#include "runtime/ec.hpp"

#include <gtest/gtest.h>

namespace sluice {
namespace {

using namespace std::chrono_literals;
using std::chrono::sys_days;

time_zone zone(const std::string& name) {
  auto found = time_zone::find(name);
  EXPECT_TRUE(found) << name;
  return found ? *found : time_zone{};
}

wall_time utc(sys_days date, std::chrono::minutes into = 0min) {
  return date + into;
}

constexpr sys_days date(int year, unsigned month, unsigned day) {
  return sys_days{std::chrono::year{year} / static_cast<int>(month) / static_cast<int>(day)};
}

budget_period day_at(const std::string& where, wall_time at) {
  return period_at(period_kind::day, zone(where), at);
}

TEST(budget_period_test, a_day_is_as_long_as_the_clocks_there_make_it) {
  struct row {
    const char* zone;
    sys_days short_day; ///< on which clocks are put forward in 2026
    sys_days long_day;
    std::chrono::minutes step;
  };
  for (auto& x : {row{"Europe/Berlin", date(2026, 3, 29), date(2026, 10, 25), 60min},
                  row{"America/New_York", date(2026, 3, 8), date(2026, 11, 1), 60min},
                  row{"Australia/Lord_Howe", date(2026, 10, 4), date(2026, 4, 5), 30min}}) {
    auto there = zone(x.zone);
    auto length = [&](sys_days day) {
      auto found = period_at(period_kind::day, there, there.begin_of(day) + 5h);
      EXPECT_EQ(found.first, day) << x.zone;
      EXPECT_EQ(found.begin, there.begin_of(day));
      return found.end - found.begin;
    };
    EXPECT_EQ(length(x.short_day), 24h - x.step) << x.zone;
    EXPECT_EQ(length(x.long_day), 24h + x.step) << x.zone;
    EXPECT_EQ(length(x.short_day + std::chrono::days{1}), 24h) << x.zone;
  }
}

TEST(budget_period_test, days_follow_each_other_without_a_gap) {
  for (auto name : {"UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe",
                    "America/Santiago", "Africa/Cairo", "Asia/Kathmandu", "Pacific/Apia"}) {
    auto there = zone(name);
    for (auto kind : {period_kind::day, period_kind::week, period_kind::month}) {
      auto at = period_at(kind, there, utc(date(2026, 1, 1)));
      while (at.begin < utc(date(2028, 1, 1))) {
        ASSERT_LT(at.begin, at.end);
        // A moment before the end is in it, the end is in the next one.
        EXPECT_EQ(period_at(kind, there, at.end - 1s), at) << name << ' ' << at.name();
        auto next = period_at(kind, there, at.end);
        EXPECT_EQ(next.begin, at.end) << name << ' ' << at.name();
        EXPECT_GT(next.first, at.first);
        at = next;
      }
    }
  }
}

TEST(budget_period_test, a_day_whose_midnight_is_skipped_begins_after_it) {
  // In Santiago clocks went from 24:00 to 01:00 on 5 September 2026 (a Saturday).
  auto found = day_at("America/Santiago", utc(date(2026, 9, 6), 15h));
  EXPECT_EQ(found.name(), "2026-09-06");
  EXPECT_EQ(found.begin, utc(date(2026, 9, 6), 4h));
  EXPECT_EQ(found.end - found.begin, 23h);
}

TEST(budget_period_test, names_are_those_of_the_date_there) {
  auto at = utc(date(2026, 12, 31), 23h + 30min);
  EXPECT_EQ(day_at("UTC", at).name(), "2026-12-31");
  EXPECT_EQ(day_at("Europe/Berlin", at).name(), "2027-01-01");
  EXPECT_EQ(day_at("America/New_York", at).name(), "2026-12-31");
  EXPECT_EQ(period_at(period_kind::month, zone("Europe/Berlin"), at).name(), "2027-01");
  // ISO 8601: 1 January 2027 is a Friday, of the last week of 2026.
  EXPECT_EQ(period_at(period_kind::week, zone("Europe/Berlin"), at).name(), "2026-W53");
  EXPECT_EQ(period_at(period_kind::week, {}, utc(date(2026, 11, 23))).name(), "2026-W48");
  EXPECT_EQ(period_at(period_kind::week, {}, utc(date(2024, 12, 30))).name(), "2025-W01");
}

TEST(budget_period_test, a_name_that_is_no_zone_is_an_error) {
  auto found = time_zone::find("Europe/Berln");
  ASSERT_FALSE(found);
  EXPECT_EQ(code_of(found.error()), ec::bad_configuration);
  EXPECT_NE(message_of(found.error()).find("did you mean 'Europe/Berlin'?"), std::string::npos);
  for (auto name : {"", "../../etc/passwd", "/etc/localtime", "europe"})
    EXPECT_FALSE(time_zone::find(name)) << name;
}

TEST(budget_clock_test, follows_the_systems_clock_and_small_corrections) {
  const steady_time steady{100h};
  auto wall = utc(date(2026, 11, 23), 12h);
  budget_clock x{wall, steady};
  EXPECT_EQ(x.now(wall + 1h, steady + 1h), wall + 1h);
  EXPECT_EQ(x.now(wall + 3h, steady + 2h + 1min), wall + 3h) << "59 minutes ahead";
  EXPECT_FALSE(x.doubted());
}

TEST(budget_clock_test, never_goes_back) {
  const steady_time steady{100h};
  auto wall = utc(date(2026, 11, 23), 12h);
  budget_clock x{wall, steady};
  EXPECT_EQ(x.now(wall - 30min, steady + 1min), wall) << "it waits";
  EXPECT_FALSE(x.doubted());
  EXPECT_EQ(x.now(wall + 29min, steady + 1h), wall + 29min);
  EXPECT_EQ(x.now(wall - 24h, steady + 2h), wall + 1h + 29min) << "it runs on by itself";
  EXPECT_TRUE(x.doubted());
  EXPECT_EQ(x.now(wall + 3h, steady + 3h), wall + 3h);
  EXPECT_FALSE(x.doubted());
  // Nor over a restart.
  budget_clock next{wall - 1h, steady, wall};
  EXPECT_EQ(next.now(wall - 30min, steady + 30min), wall);
}

TEST(budget_clock_test, does_not_believe_a_leap_ahead) {
  const steady_time steady{100h};
  auto wall = utc(date(2026, 11, 23), 12h);
  budget_clock x{wall, steady};
  EXPECT_EQ(x.now(wall + 48h, steady + 1h), wall + 1h);
  EXPECT_TRUE(x.doubted());
  EXPECT_EQ(x.now(wall + 49h, steady + 2h), wall + 2h) << "it runs on by itself";
  EXPECT_EQ(x.now(wall + 3h, steady + 3h), wall + 3h);
  EXPECT_FALSE(x.doubted());
  // Two leaps of which each is believed would make a long one.
  for (int i = 0; i < 100; ++i)
    x.now(wall + 1'000h, steady + 3h);
  EXPECT_EQ(x.now(wall + 4h, steady + 4h), wall + 4h);
}

} // namespace
} // namespace sluice
