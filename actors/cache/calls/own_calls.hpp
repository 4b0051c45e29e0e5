#pragma once

#include "actors/cache/calls/call_budget.hpp"
#include "runtime/actors.hpp"
#include "runtime/call_targets.hpp"
#include "runtime/charge_desk.hpp"
#include "runtime/ec.hpp"

#include <functional>
#include <map>
#include <memory>

namespace sluice {

/// What the calls of one purpose have in common.
struct own_calls_setup {
  std::string name;  ///< begins the ids of their requests
  std::string route; ///< in the log
  std::string model; ///< that is asked
  endpoint kind = endpoint::chat_completions;
  nanousd budget;       ///< a day
  size_t under_way_max; ///< calls at once; another one is declined
  /// After which nobody needs an answer any more.
  std::chrono::nanoseconds patience{};
  router_actor router;
  monitor_actor monitor;           ///< may be null
  ledger_actor ledger;             ///< may be null: then only the day's budget counts
  call_targets targets;            ///< calls go to the upstreams themselves: none is merged
  std::function<wall_time()> wall; ///< the time of day
  /// In the high 16 bits of call numbers and as the loop in reports: no loop's, and no other's.
  uint16_t number = 0;
};

/// How a call ended. The body is there where it was answered.
struct own_call_end {
  enum class kind : uint8_t {
    answered,
    declined, ///< it was not made: too many are under way, or the day's budget is used up
    failed,
  };
  kind what = kind::failed;
  ec why = ec::none;
  const std::string* body = nullptr;
};

struct own_call {
  std::string tenant; ///< for whom it is made
  int64_t input_tokens = 0;
  int64_t output_tokens_max = 0;
  /// Writes the request for the model that its provider calls so.
  std::function<std::string(std::string_view upstream_model)> body;
  std::function<void(const own_call_end&)> end; ///< called exactly once
};

/// What the calls need of the actor that makes them; `make_own_calls` takes it from there.
struct own_calls_host {
  /// The actor. Made when it is asked for: an actor that kept its own handle would never end.
  std::function<call_client_actor()> client;
  /// The same, as the ledger knows it.
  std::function<ledger_client_actor()> ledger_client;
  std::function<steady_time()> now;
  /// Asks the router, and says to `on_route` or `on_no_route` what it said.
  std::function<void(uint64_t id, route_query&&)> ask_router;
  std::function<void()> arm; ///< has `tick` called after `tick_time`
};

/// Calls under way: one attempt each, to the router's first choice. Each that was made is told to
/// the monitor with its cost. What a call may cost at most is set aside of the day's budget first,
/// and in the ledger for the tenant that it is made for; where nobody knows what it did cost, that
/// counts.
class own_calls {
public:
  own_calls(own_calls_host host, own_calls_setup setup);

  void make(own_call&& x);
  void on_route(uint64_t id, const route_decision& decision);
  void on_no_route(uint64_t id, ec why);
  void on_reply(const upstream_reply& x);
  void on_failure(const upstream_failure& x);
  void on_verdicts(const ledger_verdicts& x);
  void tick();
  /// Gives up what is under way, and calls `done` when the ledger owes no answer any more, which
  /// may be at once.
  void stop(std::function<void()> done);

  static constexpr std::chrono::seconds tick_time{1};
  /// An upstream keeps deadlines itself; one that is dead keeps nothing.
  static constexpr std::chrono::seconds grace{5};

private:
  struct run {
    own_call asked;
    const deployment* to = nullptr; ///< once the call is made
    upstream_actor target;
    nanousd reserved;
    uint64_t reserving = 0; ///< in the ledger; 0 where it has answered
    charge_id charge{};     ///< while the call is under way
    deadline until;
    steady_time started{};
    request_record record;
  };
  using runs = std::map<uint64_t, run>;

  void end(runs::iterator at, const own_call_end& how);
  void give_up(runs::iterator at, ec why);
  void abandon(runs::iterator at, ec why);
  void charge(runs::iterator at, nanousd most);
  void on_charged(uint64_t id, const charge_verdict& verdict);
  void settle(run& x, nanousd spent, const charge_outcome& outcome);
  void arm();

  own_calls_host host_;
  own_calls_setup setup_;
  call_budget budget_;
  charge_desk charges_;
  runs runs_; ///< by call
  uint64_t call_next_ = 0;
  bool ticking_ = false;
  bool stopping_ = false;
  std::function<void()> stopped_; ///< what is to be called then
};

using own_calls_tick_atom = caf::atom_constant<caf::atom("owntick")>;

/// Calls of the actor `self`, which owns them and hands `own_calls_tick_atom` to `tick`.
template <class Self>
std::unique_ptr<own_calls> make_own_calls(Self* self, own_calls_setup setup) {
  auto calls = std::make_shared<own_calls*>(nullptr); // known only once it is made
  own_calls_host host;
  host.client = [self] { return caf::actor_cast<call_client_actor>(self); };
  host.ledger_client = [self] { return caf::actor_cast<ledger_client_actor>(self); };
  host.now = [self] { return self->clock().now(); };
  host.arm = [self] { self->delayed_send(self, own_calls::tick_time, own_calls_tick_atom::value); };
  host.ask_router = [self, calls, router = setup.router,
                     patience = setup.patience](uint64_t id, route_query&& query) {
    self->request(router, patience, std::move(query))
        .then([calls, id](const route_decision& x) { (*calls)->on_route(id, x); },
              [calls, id](const caf::error& x) { (*calls)->on_no_route(id, code_of(x)); });
  };
  auto result = std::make_unique<own_calls>(std::move(host), std::move(setup));
  *calls = result.get();
  return result;
}

} // namespace sluice
