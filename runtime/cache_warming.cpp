#include "runtime/cache_warming.hpp"

#include <algorithm>

namespace sluice {

bool cache_warming::revalidate(const fingerprint& key, steady_time now) {
  std::lock_guard hold{lock_};
  return take(key, {now + settings_.lease_max, {}, false}, now);
}

bool cache_warming::warm(const fingerprint& key, nanousd expected, steady_time now,
                         wall_time wall) {
  std::lock_guard hold{lock_};
  begin_day(wall);
  auto left = settings_.daily_budget.value - spent_.value - held_.value;
  if (left <= 0 || expected.value > left || warmed_ >= warmed_at_once_max)
    return false;
  auto share = std::max(usefulness_, tried_always);
  if (share < 1 && std::uniform_real_distribution<double>{}(random_) >= share)
    return false;
  if (!take(key, {now + settings_.lease_max, expected, true}, now))
    return false;
  ++warmed_;
  held_ += expected;
  return true;
}

/// One lease a key; those that have run out make room.
bool cache_warming::take(const fingerprint& key, const lease& x, steady_time now) {
  if (auto found = leases_.find(key); found != leases_.end()) {
    if (found->second.until > now)
      return false;
    end(found->second, found->second.expected);
    leases_.erase(found);
  }
  if (leases_.size() >= leases_max)
    std::erase_if(leases_, [&](auto& each) {
      auto over = each.second.until <= now;
      if (over)
        end(each.second, each.second.expected);
      return over;
    });
  if (leases_.size() >= leases_max)
    return false;
  leases_.emplace(key, x);
  return true;
}

void cache_warming::end(const lease& x, nanousd cost) {
  if (!x.warmed)
    return;
  --warmed_;
  held_ = held_ - x.expected;
  spent_ += cost;
}

void cache_warming::ended(const fingerprint& key, nanousd cost, wall_time wall) {
  std::lock_guard hold{lock_};
  begin_day(wall);
  auto found = leases_.find(key);
  if (found == leases_.end())
    return;
  end(found->second, cost);
  leases_.erase(found);
}

void cache_warming::begin_day(wall_time wall) {
  auto day = std::chrono::floor<std::chrono::days>(wall);
  if (day <= day_) // a clock that is set back opens no new budget
    return;
  day_ = day;
  spent_ = {};
}

void cache_warming::saw(uint64_t used, uint64_t unused) {
  if (used + unused == 0)
    return;
  std::lock_guard hold{lock_};
  auto count = static_cast<double>(used + unused);
  auto weight = std::min(count, memory) / memory;
  usefulness_ += weight * (static_cast<double>(used) / count - usefulness_);
}

double cache_warming::usefulness() const {
  std::lock_guard hold{lock_};
  return usefulness_;
}

nanousd cache_warming::committed(wall_time wall) {
  std::lock_guard hold{lock_};
  begin_day(wall);
  return spent_ + held_;
}

} // namespace sluice
