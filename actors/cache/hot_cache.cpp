#include "actors/cache/hot_cache.hpp"

namespace sluice {

hot_cache::hot_cache(const hot_cache_settings& settings)
    : settings_(settings), order_(settings.bounds), random_(settings.seed) {}

hot_cache::counts hot_cache::take_counts() {
  return std::exchange(counts_, {});
}

const hot_cache::entry* hot_cache::find(const fingerprint& key, std::chrono::seconds age_max,
                                        steady_time now) {
  order_.asked(key);
  auto found = entries_.find(key);
  if (found == entries_.end())
    return nullptr;
  auto& x = found->second;
  if (x.until <= now) {
    ++counts_.expired;
    erase(found);
    return nullptr;
  }
  if (age_max.count() >= 0 && now - x.made > age_max)
    return nullptr;
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

void hot_cache::put(const fingerprint& key, cached_answer&& answer, std::chrono::seconds ttl,
                    steady_time now) {
  if (auto found = entries_.find(key); found != entries_.end())
    erase(found);
  auto bytes = answer.content.size() + answer.deployment.size() + entry_bytes_min;
  auto until = now + lifetime(ttl);
  entries_.emplace(key, entry{std::move(answer), now, until, bytes});
  ends_.emplace(until, key);
  ++counts_.stored;
  order_.add(key, bytes, gone_);
  for (auto& each : gone_) {
    if (each == key)
      ++counts_.refused;
    else
      ++counts_.evicted;
    erase(entries_.find(each));
  }
  gone_.clear();
}

void hot_cache::expire(steady_time now, size_t count_max) {
  for (size_t i = 0; i < count_max && !ends_.empty() && ends_.begin()->first <= now; ++i) {
    ++counts_.expired;
    erase(entries_.find(ends_.begin()->second));
  }
}

void hot_cache::erase(table::iterator at) {
  order_.remove(at->first);
  ends_.erase({at->second.until, at->first});
  entries_.erase(at);
}

} // namespace sluice
