#pragma once

#include "api/gateway/authenticator.hpp"
#include "api/gateway/exchange.hpp"
#include "api/gateway/request_reader.hpp"
#include "api/http/listener.hpp"
#include "runtime/actors.hpp"
#include "runtime/cache_warming.hpp"
#include "runtime/call_targets.hpp"
#include "runtime/configuration.hpp"
#include "runtime/keeper_gate.hpp"
#include "runtime/log.hpp"
#include "runtime/loop_actor.hpp"
#include "runtime/rendezvous.hpp"

#include <map>
#include <memory>
#include <random>
#include <unordered_map>
#include <unordered_set>

namespace sluice {

/// What a host needs from the composition root. Shared between the hosts of a node, but for the
/// targets.
struct http_host_setup {
  std::shared_ptr<const configuration> settings;
  catalogue_ptr models;
  authenticator_ptr keys;
  http_admission_ptr admission;
  router_actor router;
  monitor_actor monitor;
  jobs_actor jobs;                        ///< null where the node keeps nothing
  std::shared_ptr<node_log> log;          ///< may be null
  call_targets targets;                   ///< of this host's loop
  std::vector<cache_shard_actor> cache;   ///< of all loops; empty where nothing is kept
  cache_keeper_actor keeper;              ///< null where nothing is kept for long
  std::shared_ptr<keeper_gate> gate;      ///< what is told the keeper passes it
  std::shared_ptr<cache_warming> warming; ///< null where nothing is kept
  ledger_actor ledger;                    ///< null where nothing is charged
  prefetcher_actor prefetcher;            ///< null where nothing is asked in advance
  uint64_t merge_seed = 0;                ///< as in `merge_rules`, the same for all hosts of a node
};

/// Takes the requests of one loop's connections and sees them through.
///
/// Spawned by the node, one an I/O loop, on that loop. Owns the loop's client connections and the
/// requests in work on them. When an upstream actor dies its calls run into their deadlines; when
/// the router dies requests fail as internal errors. Stops on `drain`: accepts nothing more, quits
/// when the last connection has ended or the deadline has passed.
class http_host final : public loop_actor<http_host_actor>,
                        public http_handler,
                        public neighbour,
                        public ticking {
public:
  http_host(caf::actor_config& config, io_loop* where, http_host_setup setup);

  /// The listener, for the node to give it its port. On the loop's thread, or before the loop runs.
  http_listener& listener() { return listener_; }

  std::shared_ptr<http_exchange> handle(std::unique_ptr<http_request> request,
                                        std::shared_ptr<reply_sink> sink) override;
  http_response refuse(ec code, std::string_view detail) override;
  void tick(steady_time now) override;
  using neighbour::take;
  void take(upstream_reply&& x) override;
  void take(upstream_failure&& x) override;
  void take(stream_block&& x) override;
  void take(stream_end&& x) override;
  void take(cache_verdict&& x) override;
  void on_exit() override;

  // For the exchanges.
  const http_host_setup& setup() const { return setup_; }
  request_reader& reader() { return reader_; }
  std::mt19937_64& random() { return random_; }
  bool draining() const { return draining_; }
  /// The grace period is over; what is left is being cut.
  bool closing() const { return closing_; }
  /// A number for a call whose outcome is for `who`.
  uint64_t expect(exchange* who);
  /// Who keeps the answer of `key`.
  const cache_shard_actor& shard(const fingerprint& key) const {
    return setup_.cache[rendezvous(key, setup_.cache.size())];
  }
  const provider_settings& provider(const std::string& name) const;
  void forget(uint64_t call) { calls_.erase(call); }
  /// Has a charge made or ended, with all others of this turn of the loop.
  void order(charge_order&& x);
  void order(charge_end&& x);
  void add(exchange* who) { live_.insert(who); }
  void remove(exchange* who) { live_.erase(who); }
  void record(request_record&& record);

  /// Makes a request of the node's own, whose answer goes to the cache alone.
  void ask_for_cache(request_origin why, const std::string& body, virtual_key* key,
                     const inference_request& asked, const cache_use& cached, nanousd expected,
                     bool warms);
  /// A request of the node's own is over.
  void release(exchange* who) { own_.erase(who); }

protected:
  behavior_type make_behavior() override;

private:
  std::shared_ptr<http_exchange> inference(endpoint kind, std::unique_ptr<http_request> request,
                                           std::shared_ptr<reply_sink> sink);
  void plain(const http_request& request, std::shared_ptr<reply_sink> sink);
  void metrics(std::shared_ptr<reply_sink> sink, request_record&& record);
  void purge(const http_request& request, std::shared_ptr<reply_sink> sink,
             request_record&& record);
  void usage(const http_request& request, std::shared_ptr<reply_sink> sink,
             request_record&& record);
  void budgets(const http_request& request, std::shared_ptr<reply_sink> sink,
               request_record&& record);
  void answer(const http_request& request, reply_sink& sink, request_record&& record,
              http_response&& response);
  std::shared_ptr<exchange> waiting_for(uint64_t call) const;
  void prefetch(prefetch_order&& x);
  merge_rules rules_for(const virtual_key& key, bool may_cache) const;
  cache_use cache_use_of(const virtual_key& key, const inference_request& asked,
                         const cache_wish& wish) const;
  std::string request_id();
  void report();
  void take(ledger_verdicts&& x);
  void send_orders();
  void flush_orders();

  http_host_setup setup_;
  http_listener listener_;
  request_reader reader_;
  std::mt19937_64 random_;
  uint64_t call_next_;
  std::unordered_map<uint64_t, exchange*> calls_;
  std::unordered_set<exchange*> live_;
  std::unordered_map<exchange*, std::shared_ptr<exchange>> own_; ///< that no connection holds
  std::vector<std::shared_ptr<exchange>> scratch_;
  ledger_orders orders_; ///< of this turn
  std::vector<request_record> records_;
  uint64_t records_unanswered_ = 0;
  uint64_t records_dropped_ = 0;
  uint32_t reported_connections_ = 0;
  uint32_t reported_in_flight_ = 0;
  bool draining_ = false;
  bool closing_ = false;
  bool quitting_ = false;
  deadline drain_until_{};
};

} // namespace sluice
