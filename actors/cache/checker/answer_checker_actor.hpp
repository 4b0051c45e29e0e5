#pragma once

#include "actors/cache/checker/check_budget.hpp"
#include "runtime/actors.hpp"
#include "runtime/call_targets.hpp"

#include <caf/typed_response_promise.hpp>

#include <functional>
#include <map>
#include <random>

namespace sluice {

/// What the checker needs from the composition root.
struct answer_checker_setup {
  std::string model; ///< that is asked
  nanousd budget;    ///< a day
  router_actor router;
  monitor_actor monitor;           ///< may be null
  call_targets targets;            ///< calls go to the upstreams themselves: none is merged
  std::function<wall_time()> wall; ///< the time of day
  uint64_t seed = 0;               ///< of the marks, which nobody may guess
  /// In the high 16 bits of call numbers and as the loop in reports: no loop's, and not the jobs'.
  uint16_t number = 0xfffd;
};

using check_tick_atom = caf::atom_constant<caf::atom("chktick")>;
using ticking_answer_checker_actor = answer_checker_actor::extend<
    // It is time to look for calls that nobody will answer any more.
    caf::reacts_to<check_tick_atom>>;

class check_desk {
public:
  check_desk(ticking_answer_checker_actor::pointer self, answer_checker_setup setup);

  caf::result<check_result> check(answer_check&& x);
  void on_reply(upstream_reply& x);
  void on_failure(const upstream_failure& x);
  void tick();
  void stop();

  /// Checks under way; another one is declined. A check takes a second or two, and samples come
  /// with would-be hits of one keeper, which reads some hundred questions a second, so this many
  /// are some ten a second.
  static constexpr size_t under_way_max = 16;
  /// Nobody waits for a sample, but it should be of the same hour.
  static constexpr std::chrono::seconds patience{30};
  /// An upstream keeps deadlines itself; one that is dead keeps nothing.
  static constexpr std::chrono::seconds grace{5};

private:
  struct run {
    answer_check asked;
    caf::typed_response_promise<check_result> answer;
    const deployment* to = nullptr; ///< once the call is made
    upstream_actor target;
    nanousd reserved;
    deadline until;
    steady_time started{};
    request_record record;
  };
  using runs = std::map<uint64_t, run>;

  void call(uint64_t id, const route_decision& decision);
  void end(runs::iterator at, check_outcome outcome);
  void give_up(runs::iterator at, ec why);
  void settle(run& x, nanousd spent);
  steady_time now() const { return self_->clock().now(); }
  void arm();

  ticking_answer_checker_actor::pointer self_;
  answer_checker_setup setup_;
  check_budget budget_;
  std::mt19937_64 random_;
  runs runs_; ///< by call
  uint64_t call_next_ = 0;
  bool ticking_ = false;
  bool stopping_ = false;
};

struct answer_checker_state {
  static inline constexpr const char* name = "answer_checker";
  std::unique_ptr<check_desk> desk;
};

/// Compares answers for the keeper. Spawned by the composition root, one where `similar.checker`
/// names a model, on the scheduler. Owns its calls under way, at most `under_way_max`, and what was
/// spent on this day since the start; one attempt each, as a sample more or less does not matter.
/// Where the router or an upstream dies, checks end as unknown when their time is over. Stops at
/// `drain`: what is under way is given up.
ticking_answer_checker_actor::behavior_type
answer_checker(ticking_answer_checker_actor::stateful_pointer<answer_checker_state> self,
               answer_checker_setup setup);

} // namespace sluice
