#include "actors/cache/cache_shard_actor.hpp"

#include <algorithm>

namespace sluice {

using std::chrono::steady_clock;

namespace {

constexpr std::chrono::seconds report_interval{1};

/// Entries dropped at a tick for their age; a tick must not hold the loop up.
constexpr size_t expired_at_once_max = 256;

} // namespace

uint32_t cache_shards_of(const configuration& settings, size_t loops) {
  if (!settings.cache.enabled)
    return 0;
  auto wanted = settings.cache.shards > 0 ? uint64_t{settings.cache.shards} : uint64_t{loops};
  return static_cast<uint32_t>(std::min(wanted, settings.optimizer.cache_size));
}

std::chrono::seconds stale_max_of(const cache_settings& settings) {
  auto result = settings.stale_while_revalidate;
  for (auto& x : settings.policies)
    result = std::max(result, x.stale_while_revalidate.value_or(std::chrono::seconds{0}));
  return result;
}

hot_cache_settings hot_cache_settings_of(const configuration& settings, uint32_t shards,
                                         uint64_t seed) {
  hot_cache_settings result;
  result.bounds.bytes = settings.cache.bytes_max / shards;
  result.bounds.entries = std::max<uint64_t>(
      1, std::min(settings.optimizer.cache_size / shards, result.bounds.bytes / entry_bytes_min));
  result.ttl = settings.cache.ttl;
  result.ttl_jitter_percent = settings.cache.ttl_jitter_percent;
  result.stale_max = stale_max_of(settings.cache);
  result.seed = seed;
  return result;
}

cache_shard::cache_shard(caf::actor_config& config, io_loop* where, uint32_t number,
                         const hot_cache_settings& settings, monitor_actor monitor,
                         std::shared_ptr<cache_warming> warming)
    : loop_actor(config, where), hot_(settings), monitor_(std::move(monitor)),
      warming_(std::move(warming)) {
  reported_.shard = number;
  where->watch(this);
  where->move_in(this, this);
}

cache_shard::behavior_type cache_shard::make_behavior() {
  return {
      [this](cache_lookup& x) { take(std::move(x)); },
      [this](cache_fill& x) { take(std::move(x)); },
      [this](const cache_purge& x) -> uint64_t {
        return hot_.purge(x.tenant.empty() ? std::nullopt : std::optional{tenant_mark(x.tenant)});
      },
      [this](const drain&) { this->quit(); },
  };
}

void cache_shard::take(cache_lookup&& x) {
  auto now = steady_clock::now();
  cache_verdict verdict;
  verdict.call = x.call;
  if (auto* found = hot_.find(x.key, x.age_max, x.stale_max, now)) {
    verdict.result = cache_result::hot;
    verdict.answer = found->answer;
    verdict.age = std::chrono::duration_cast<std::chrono::seconds>(now - found->made);
    verdict.expires = std::chrono::floor<std::chrono::seconds>(found->until - now);
  }
  this->tell(x.client, std::move(verdict));
}

void cache_shard::take(cache_fill&& x) {
  hot_.put(std::move(x), steady_clock::now());
}

void cache_shard::tick(steady_time now) {
  hot_.expire(now, expired_at_once_max);
  if (monitor_ && now >= report_due_) {
    report_due_ = now + report_interval;
    report();
  }
}

void cache_shard::report() {
  auto counts = hot_.take_counts();
  if (warming_)
    warming_->saw(counts.warmed_used, counts.warmed_unused);
  if (counts.stored + counts.expired + counts.warmed_used == 0 &&
      hot_.entries() == reported_.entries)
    return;
  reported_.entries = hot_.entries();
  reported_.bytes = hot_.bytes();
  reported_.stored = counts.stored;
  reported_.refused = counts.refused;
  reported_.evicted = counts.evicted;
  reported_.expired = counts.expired;
  reported_.warmed_used = counts.warmed_used;
  reported_.warmed_unused = counts.warmed_unused;
  this->send(monitor_, reported_);
}

void cache_shard::on_exit() {
  loop().unwatch(this);
  loop().move_out(this);
  if (monitor_)
    report();
  monitor_ = nullptr;
}

} // namespace sluice
