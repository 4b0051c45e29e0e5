#pragma once

#include "runtime/ledger_messages.hpp"

#include <vector>

namespace sluice {

/// Something about a budget that somebody wants to know.
struct budget_alarm {
  account_view account;
  uint32_t percent = 0; ///< of it that is used; 0: it will not last for its period
  nanousd foreseen;     ///< what is spent at the period's end if it goes on like this
};

/// The shares of a budget that are told when they are passed, in per cent: those that are passed
/// now, the lowest first.
std::vector<uint32_t> percents_passed(nanousd limit, nanousd spent);

/// What is spent at the end of a period if it goes on as until `now`. Zero within the
/// first quarter of the period: less of a day is a night, and less of a week or month a few days
/// that say little of the others. Later on a budget that will not last has lost a quarter of its
/// money at least, so that no single request makes an alarm.
nanousd foreseen_spending(wall_time begin, wall_time end, nanousd spent, wall_time now);

} // namespace sluice
