#include "actors/cache/hot_cache.hpp"

namespace sluice {

hot_cache::hot_cache(const hot_cache_settings& settings)
    : settings_(settings), order_(settings.bounds), random_(settings.seed) {}

hot_cache::counts hot_cache::take_counts() {
  return std::exchange(counts_, {});
}

const hot_cache::entry* hot_cache::find(const fingerprint& key, std::chrono::seconds age_max,
                                        std::chrono::seconds stale_max, steady_time now) {
  order_.asked(key);
  auto found = entries_.find(key);
  if (found == entries_.end())
    return nullptr;
  auto& x = found->second;
  if (end_of(x) <= now) {
    ++counts_.expired;
    erase(found);
    return nullptr;
  }
  if (x.until + stale_max <= now || (age_max.count() >= 0 && now - x.made > age_max))
    return nullptr;
  if (std::exchange(x.warmed, false))
    ++counts_.warmed_used;
  return &x;
}

/// With the jitter: what was filled together must not expire together.
std::chrono::nanoseconds hot_cache::lifetime(std::chrono::seconds ttl) {
  if (ttl.count() > 0)
    return ttl; // whoever says it means it
  auto share = static_cast<int64_t>(settings_.ttl_jitter_percent);
  auto percent = std::uniform_int_distribution<int64_t>{100 - share, 100 + share}(random_);
  return std::chrono::nanoseconds{settings_.ttl} / 100 * percent;
}

void hot_cache::put(cache_fill&& x, steady_time now) {
  if (auto found = entries_.find(x.key); found != entries_.end())
    erase(found);
  auto bytes = x.answer.content.size() + x.answer.deployment.size() + entry_bytes_min;
  auto until = now + lifetime(x.ttl);
  auto [at, added] = entries_.emplace(
      x.key, entry{std::move(x.answer), now - x.age, until, bytes, x.tenant, x.warmed});
  ends_.emplace(end_of(at->second), x.key);
  ++counts_.stored;
  order_.add(x.key, bytes, gone_);
  for (auto& each : gone_) {
    if (each == x.key)
      ++counts_.refused;
    else
      ++counts_.evicted;
    erase(entries_.find(each));
  }
  gone_.clear();
}

uint64_t hot_cache::purge(std::optional<uint64_t> tenant) {
  auto before = entries_.size();
  for (auto at = entries_.begin(); at != entries_.end();)
    at = !tenant || at->second.tenant == *tenant ? erase(at) : std::next(at);
  return before - entries_.size();
}

void hot_cache::expire(steady_time now, size_t count_max) {
  for (size_t i = 0; i < count_max && !ends_.empty() && ends_.begin()->first <= now; ++i) {
    ++counts_.expired;
    erase(entries_.find(ends_.begin()->second));
  }
}

hot_cache::table::iterator hot_cache::erase(table::iterator at) {
  counts_.warmed_unused += at->second.warmed ? 1 : 0;
  order_.remove(at->first);
  ends_.erase({end_of(at->second), at->first});
  return entries_.erase(at);
}

} // namespace sluice
