#pragma once

#include "api/sim/sim_engine.hpp"
#include "runtime/actors.hpp"
#include "runtime/configuration.hpp"
#include "runtime/loop_actor.hpp"

#include <boost/asio/steady_timer.hpp>

#include <memory>
#include <optional>
#include <unordered_map>

namespace sluice {

/// What the provider of kind `simulated` is told beside what it simulates.
struct simulated_upstream_settings {
  upstream_timeouts timeouts; ///< `connect` does not apply
  /// As `limit_settings::reply_bytes_max`, whose reason is this one's.
  uint64_t reply_bytes_max = limit_settings{}.reply_bytes_max;
  /// What is sent of a stream before credit for it comes back: a few socket buffers' worth.
  uint64_t stream_window = 64 * 1024;
};

/// The provider of kind `simulated`: `sim_engine` without HTTP between. What it tells its callers
/// is what the actor for real providers would tell about the same provider behind HTTP, and it
/// reads its own streams with the same reader to be sure of it.
///
/// Spawned by the composition root, one for each loop, on that loop; all of a provider share its
/// engine. Owns the calls in play and their timers. Holds no monitor and no link: a client that
/// ends without `cancel_call` costs the rest of its answer, which goes nowhere. Stops after `drain`
/// when its last call has ended, or at the deadline, which ends the calls as `shutting_down`.
class simulated_upstream final : public loop_actor<upstream_actor> {
public:
  simulated_upstream(caf::actor_config& config, io_loop* loop, std::shared_ptr<sim_engine> engine,
                     simulated_upstream_settings settings);
  ~simulated_upstream() override;

  behavior_type make_behavior() override;
  void on_exit() override;
  const char* name() const override { return "simulated_upstream"; }

private:
  struct call;
  using call_ptr = std::shared_ptr<call>;

  void take(upstream_call& x);
  void credit(const stream_credit& x);
  void cancel(uint64_t id);
  void start_drain(const drain& x);

  void serve(const call_ptr& x);
  void play(const call_ptr& x);
  bool deliver(const call_ptr& x, std::string text);
  bool deliver_events(const call_ptr& x, std::string_view text);
  void finish_whole(const call_ptr& x, std::string body);
  void finish(const call_ptr& x, const sim_step& step);
  void fail(const call_ptr& x, failure why);
  void end(const call_ptr& x, sim_outcome outcome);
  void wait(const call_ptr& x, steady_time due);
  void resume_soon(const call_ptr& x);

  std::shared_ptr<sim_engine> engine_;
  simulated_upstream_settings settings_;
  std::unordered_map<uint64_t, call_ptr> calls_;
  boost::asio::steady_timer drain_timer_;
  bool draining_ = false;
};

} // namespace sluice
