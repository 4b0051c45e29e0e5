#pragma once

#include "actors/batching/batch_adjuster.hpp"
#include "actors/batching/batch_queue.hpp"
#include "runtime/actors.hpp"
#include "runtime/configuration.hpp"

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

namespace sluice {

/// What one batcher is for.
struct batcher_settings {
  std::string deployment; ///< id in the catalogue
  endpoint kind = endpoint::embeddings;
  batching_settings bounds;
  adjuster_settings adjuster;
  std::optional<token_price> price; ///< empty where unknown: then nobody learns a cost
  uint64_t seed = 0;                ///< of the groups, a secret; see `read_batch_terms`
  uint64_t first_call = 1;          ///< numbers of its own calls count up from here
  bool reports = true;              ///< tells the monitor
  /// Makes one prompt of the questions in a call (`pack_format.hpp`). Then `kind` is a chat's.
  packing pack = packing::denied;
  /// Of a packed call together; as much as the model can write.
  int64_t output_tokens_max = std::numeric_limits<int64_t>::max();
};

/// The state of a batcher; what to send when, is in its parts, which are free of actors.
struct batcher_state {
  explicit batcher_state(batcher_actor::stateful_pointer<batcher_state> x) : self(x) {}

  void start(batcher_settings x, std::vector<upstream_actor> to, monitor_actor monitor);

  void take(upstream_call& x);
  void cancel(uint64_t call);
  void on_reply(upstream_reply& x);
  void on_failure(upstream_failure& x);
  void on_stream_end(const stream_end& x);
  void on_wake(const batch_wake& x);
  void stop(const drain& x);

  // One call to the upstream.
  struct call {
    std::vector<batch_request> members; ///< one that has gone has no client any more
    steady_time begun{};
    uint32_t beside = 0; ///< calls under way when it began, itself included
    upstream_actor to;
  };

  const upstream_actor& straight(uint64_t number) const;
  bool packs() const { return settings.pack == packing::allowed; }
  std::optional<batch_terms> terms_of(const upstream_call& x) const;
  void dispatch();
  void begin(std::vector<batch_request>&& members, steady_time now);
  void wake_at(steady_time when, steady_time now);
  void refuse(const batch_request& who, failure&& why, const call_timing& timing);
  void split(call&& of, upstream_reply& x);
  static upstream_reply reply_of(const call& of, size_t member, batch_part&& part,
                                 const upstream_reply& whole);
  void divide(call&& of);
  void alone(call&& of);
  void split_pack(call&& of, upstream_reply& x);
  void ask_again(std::vector<batch_request>&& each);
  void pack_ended(bool useful);
  void answer_alone(batch_request&& who, upstream_reply& x);
  call end_call(uint64_t number);
  void report();

  batcher_actor::stateful_pointer<batcher_state> self;
  batcher_settings settings;
  std::vector<upstream_actor> upstreams;
  monitor_actor monitor;
  std::optional<batch_adjuster> adjuster;
  batch_queue queue;
  std::unordered_map<uint64_t, call> calls;
  uint64_t next_call = 1;
  size_t next_upstream = 0;
  uint64_t wake_number = 0;   ///< of the last wake-up asked for; older ones count for nothing
  steady_time wake_due{};     ///< 0 where none is under way
  uint32_t useless_packs = 0; ///< packed calls in a row that answered nobody
  batch_report figures;       ///< since the last report
  steady_time report_due{};
  bool draining = false;
};

/// Collects the requests for one model at one endpoint, sends as many as serve the present load
/// best in one call, and splits the answer. Streams pass through untouched. As a *packer* it does
/// so with questions that fit into one prompt, and asks again alone for each that got no valid
/// answer; other requests pass through.
///
/// Spawned by the node, one a deployment and endpoint that takes batches and a packer a deployment
/// that chats, on the scheduler. Owns
/// what waits, the calls under way and what it has learned of its upstream. When a caller dies its
/// requests run on to their deadlines; an upstream that dies leaves its calls to the callers'
/// deadlines. Stops on `drain`, when its last call has ended or the deadline has passed.
batcher_actor::behavior_type batcher(batcher_actor::stateful_pointer<batcher_state> self,
                                     batcher_settings settings,
                                     std::vector<upstream_actor> upstreams, monitor_actor monitor);

} // namespace sluice
