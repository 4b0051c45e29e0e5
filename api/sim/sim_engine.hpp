#pragma once

#include "api/sim/sim_fault_rules.hpp"
#include "api/sim/sim_plan.hpp"
#include "api/sim/sim_run.hpp"
#include "api/sim/sim_slots.hpp"
#include "api/sim/sim_usage_log.hpp"
#include "runtime/configuration.hpp"

#include <caf/expected.hpp>

#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>

namespace sluice {

/// What is said about the simulator beside its settings.
struct sim_options {
  /// Takes models that are not in the table of `sim_models.hpp`: a gateway under test asks for its
  /// real provider's.
  bool any_model = true;
  /// Prices of such models by name, where the bill has to be theirs; others are priced as
  /// `sim_model_for` says.
  std::unordered_map<std::string, token_price> prices;
  /// Hears of what goes wrong after the start, such as a full disk; may be empty.
  std::function<void(const std::string&)> report;
};

/// The simulated provider, without sockets and actors: plans calls, and keeps what calls share,
/// which is the counts of the fault rules, the slots, and the usage log.
///
/// Thread-safe, for one provider is shared by all I/O loops: "every tenth call" and "one slot" are
/// about the provider and not about a loop. The lock is held for the shared part alone, and only
/// where a setting makes something shared.
class sim_engine {
public:
  /// Fails with `bad_configuration` for a fault rule that cannot be read, and with `io_failed`
  /// where the usage log cannot be opened.
  static caf::expected<std::shared_ptr<sim_engine>> make(simulation_settings settings,
                                                         sim_options options = {});

  /// What happens to this call.
  sim_plan plan(endpoint kind, std::string_view body, std::string attempt_id, wall_time now);

  /// A call wants to be served. `started` is called when it leaves the queue, on the thread of the
  /// call that made room, which can be another loop's. Each call that was not refused must `leave`.
  sim_slots::entry enter(uint64_t ticket, steady_time now, std::function<void()> started);
  void leave(uint64_t ticket, steady_time now);
  /// A number for `enter` that no other call has.
  uint64_t next_ticket();

  /// The reply to a call that found the queue full.
  sim_plan plan_overload(const sim_plan& call);

  /// Writes the call down. True where `flush_log` should be called soon: once the caller has done
  /// what there is to do just now.
  bool log(const sim_plan& plan, const token_usage& used, sim_outcome outcome);
  void flush_log();

  /// The list of models as GET /v1/models gives it; with a name, that one, or empty.
  std::string models_json() const;
  std::string model_json(std::string_view name) const;

private:
  sim_engine(simulation_settings settings, sim_options options, sim_fault_rules rules,
             std::unique_ptr<sim_usage_log> log);

  /// What the prompts of a request wish for, and how many wishes they hold, whether those strike
  /// this time or not.
  struct wishes {
    sim_effects effects;
    size_t asked = 0;
  };

  sim_plan plan_chats(std::string_view body, sim_making& making);
  caf::expected<wishes> wishes_in(const sim_request& request);
  sim_effects struck_by_rule(const sim_occasion& call);
  void set_price(sim_plan& plan) const;
  bool still_strikes(uint32_t times, const sim_request& request, size_t which);

  const simulation_settings settings_;
  const sim_options options_;
  const bool has_rules_;

  std::mutex mutex_; // guards all below
  sim_fault_rules rules_;
  uint64_t calls_ = 0;
  uint64_t tickets_ = 0;
  sim_slots slots_;
  std::unordered_map<uint64_t, std::function<void()>> waiting_;
  std::unordered_map<uint64_t, uint32_t> struck_; // by prompt and fault: how often it has struck
  std::deque<uint64_t> struck_order_;
  std::unique_ptr<sim_usage_log> log_;
};

} // namespace sluice
