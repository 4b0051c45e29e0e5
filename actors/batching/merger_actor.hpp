#pragma once

#include "actors/batching/flight_table.hpp"
#include "runtime/call_targets.hpp"
#include "runtime/configuration.hpp"
#include "runtime/loop_actor.hpp"

namespace sluice {

/// What `settings` mean for a merger.
flight_settings flight_settings_of(const configuration& settings);

/// Lets equal requests in flight share one upstream call; what is shared and who pays is decided by
/// `flight_table`.
///
/// Spawned by the node, one an I/O loop, on that loop. Each owns the flights of the fingerprints
/// that fall to it (`call_targets::first`), wherever the requests came in, and makes their calls on
/// its own loop. When a host dies its members cost the rest of their answers, which go nowhere;
/// when an upstream dies its flights end as their members run into their deadlines and cancel.
/// Stops on `drain`, when the last flight has ended or the deadline has passed.
class merger final : public loop_actor<merger_actor>, public neighbour, public ticking {
public:
  /// `targets` are those of the same loop; `monitor` may be null.
  merger(caf::actor_config& config, io_loop* where, const flight_settings& settings,
         call_targets targets, monitor_actor monitor);

  using neighbour::take;
  void take(upstream_call&& x) override;
  void take(upstream_reply&& x) override;
  void take(upstream_failure&& x) override;
  void take(stream_block&& x) override;
  void take(stream_end&& x) override;
  void tick(steady_time now) override;
  void on_exit() override;
  const char* name() const override { return "merger"; }

protected:
  behavior_type make_behavior() override;

private:
  void carry_out();
  void make_call(upstream_call&& call);
  upstream_actor maker(const std::string& deployment, call_targets::call_kind what) const;
  void report();

  flight_table table_;
  call_targets targets_;
  monitor_actor monitor_;
  flight_orders orders_; // empty between messages; keeps its memory
  bool carrying_out_ = false;
  merge_report reported_;
  steady_time report_due_{};
  bool draining_ = false;
  bool quitting_ = false;
  deadline drain_until_{};
};

} // namespace sluice
