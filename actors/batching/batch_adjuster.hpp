#pragma once

#include "actors/batching/arrival_profile.hpp"
#include "actors/batching/call_limit.hpp"
#include "actors/batching/latency_fit.hpp"
#include "runtime/time.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>

namespace sluice {

/// The bounds within which the adjuster chooses.
struct adjuster_settings {
  uint32_t size_start = 8;                    ///< BATCH_SIZE: until an upstream's latency is known
  uint32_t size_max = 32;                     ///< 1 to 32
  std::chrono::microseconds wait_max{80'000}; ///< MAX_WAIT_TIME
  uint32_t calls_max = 64;
  /// Where set, nothing is learned: a batch goes when it has `size_max` requests or the oldest has
  /// waited `wait_max`. For comparison.
  bool fixed = false;
  /// Where set, a fuller call is worth a wait for what it saves: who came within `wait_max` of
  /// another, and while a call is under way, waits as long for more.
  bool thrifty = false;
};

/// What waits in a batcher, as the adjuster sees it.
struct batch_demand {
  uint32_t waiting = 0;   ///< requests that could go in the next call
  steady_time oldest{};   ///< when the first of them came
  uint32_t in_flight = 0; ///< calls
  /// Until when all of them have said that they will wait for a fuller batch; 0 where one has not.
  steady_time patient_until{};
};

/// What to do now and why.
struct batch_decision {
  enum class kind : uint8_t { idle, dispatch, wait, busy };
  kind what = kind::idle;
  uint32_t size = 0;   ///< 'dispatch': requests in the call at most
  steady_time until{}; ///< 'wait': when to ask again, unless something comes before
  std::string_view reason;
};

/// Chooses size and moment of the calls to one upstream model, for the least latency at the present
/// load. A function of what it was told and the time; `batcher` asks it after every event.
///
/// - A request at an upstream with room to spare goes at once, with all that wait.
/// - It waits only for the crowd that comes back after a batch, where a larger call a moment later
///   serves more requests a second than a small one now. Waiting for arrivals that nothing but
///   their rate announces was tried and won nothing at any load of the reference.
/// - Nobody waits longer than `wait_max` for that, and nobody waits alone.
class batch_adjuster {
public:
  explicit batch_adjuster(const adjuster_settings& settings);

  void arrived(steady_time now);

  /// A call that ended with an answer.
  struct finished_call {
    uint32_t items = 1;
    std::chrono::nanoseconds took{0};
    uint32_t beside = 1;    ///< calls under way when it began, itself included
    bool more_wait = false; ///< requests wait now
  };
  void finished(const finished_call& x, steady_time now);
  /// A call that the upstream refused or gave up because it has too much to do.
  void overloaded(steady_time now, std::chrono::milliseconds retry_after);
  /// A call that failed for its size: what is sent from now on is smaller.
  void too_large(uint32_t items);
  /// The upstream does not do batches: requests travel alone for a while.
  void not_batchable(steady_time now);

  batch_decision decide(const batch_demand& demand, steady_time now);

  uint32_t size_limit(steady_time now) const;
  const latency_fit& latency() const { return fit_; }
  const call_limit& calls() const { return limit_; }

private:
  struct plan {
    seconds_f wait{0};
    std::string_view reason;
  };
  plan best_wait(const batch_demand& demand, steady_time now) const;
  batch_decision decide_fixed(const batch_demand& demand, steady_time now) const;

  adjuster_settings settings_;
  latency_fit fit_;
  arrival_profile profile_;
  call_limit limit_;
  uint32_t size_limit_;
  steady_time alone_until_{};
  steady_time pause_until_{};
  steady_time last_arrival_{};
  steady_time::duration arrivals_apart_ = steady_time::duration::max(); ///< the last two
  steady_time room_since_{}; ///< when the last call ended: nobody can be said to wait before
};

} // namespace sluice
