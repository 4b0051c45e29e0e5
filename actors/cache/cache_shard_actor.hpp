#pragma once

#include "actors/cache/hot_cache.hpp"
#include "runtime/actors.hpp"
#include "runtime/cache_warming.hpp"
#include "runtime/configuration.hpp"
#include "runtime/loop_actor.hpp"

namespace sluice {

/// How many shards a node with so many loops has: as many as `settings` say, but none without an
/// entry of its own; 0 where nothing is kept.
uint32_t cache_shards_of(const configuration& settings, size_t loops);

/// The longest `stale_while_revalidate` of all callers: so long entries are kept for them.
std::chrono::seconds stale_max_of(const cache_settings& settings);

/// What `settings` mean for one of `shards` shards, of which there is at least one. All together
/// hold no more than the settings allow, and no more entries than their bytes have room for: the
/// order of entries is laid out for their number, outside of the bytes. `seed` is that of the
/// jitter of times.
hot_cache_settings hot_cache_settings_of(const configuration& settings, uint32_t shards,
                                         uint64_t seed);

/// Keeps the answers to the requests that fall to it, and gives them again.
///
/// Spawned by the node, as many as `cache.shards` says, on the loops in turn. Owns its entries; no
/// other actor sees them. When a host dies its lookups are answered into the void. Stops on
/// `drain`, at once: what it keeps is worth nothing without the node.
class cache_shard final : public loop_actor<cache_shard_actor>, public neighbour, public ticking {
public:
  /// `monitor` and `warming` may be null; the latter learns what became of answers that were
  /// fetched in advance.
  cache_shard(caf::actor_config& config, io_loop* where, uint32_t number,
              const hot_cache_settings& settings, monitor_actor monitor,
              std::shared_ptr<cache_warming> warming = nullptr);

  using neighbour::take;
  void take(cache_lookup&& x) override;
  void take(cache_fill&& x) override;
  void tick(steady_time now) override;
  void on_exit() override;
  const char* name() const override { return "cache_shard"; }

protected:
  behavior_type make_behavior() override;

private:
  void report();

  hot_cache hot_;
  monitor_actor monitor_;
  std::shared_ptr<cache_warming> warming_;
  cache_report reported_;
  steady_time report_due_{};
};

} // namespace sluice
