#pragma once

#include "api/sim/sim_plan.hpp"
#include "runtime/time.hpp"

#include <cstdint>
#include <string>

namespace sluice {

enum class sim_step_kind : uint8_t {
  body,    ///< the whole body of a reply
  part,    ///< some of a body that will not be whole
  role,    ///< event: a choice begins
  content, ///< event: a token
  finish,  ///< event: a choice has ended
  usage,   ///< event: the usage
  done,    ///< event: [DONE]
  error,   ///< event: an error object
  garbage, ///< event: JSON that ends too early
  end,     ///< the reply is complete
  cut,     ///< the connection is dropped
  silence, ///< nothing comes any more
};

/// What comes next, and when.
struct sim_step {
  sim_step_kind kind = sim_step_kind::silence;
  steady_time due;

  /// Has a text; the others end the call.
  bool has_text() const { return kind < sim_step_kind::end; }
  bool is_event() const { return has_text() && kind > sim_step_kind::part; }
};

enum class sim_outcome : uint8_t { finished, failed, cut, cancelled };

/// A plan in play: gives its steps in order and knows what has been used so far. Free of clocks and
/// sockets; the HTTP handler and the provider inside the node both play it.
class sim_run {
public:
  /// Service begins at `begun`.
  sim_run(sim_plan plan, steady_time begun);

  const sim_plan& plan() const { return plan_; }

  /// The next step. Costs little and changes nothing.
  sim_step next() const;
  /// Appends the text of the next step, which must have one, and goes on to the one after.
  void take(std::string& out);
  /// What the call used, if it ends at `now` with the step before `next`.
  token_usage used(steady_time now) const;
  /// How the call ended, where it ended with the step `next`.
  sim_outcome outcome() const;

private:
  enum class phase : uint8_t { body, endless, roles, tokens, usage, done, error, end };

  sim_step next_of_phase() const;
  steady_time due_after(int64_t tokens) const;
  bool breaks() const;
  int64_t length(size_t choice) const;
  int64_t tokens_of_next() const;
  void go_on();
  void next_choice();
  void append_event(std::string& out, sim_step_kind kind) const;
  void append_delta(std::string& out) const;

  sim_plan plan_;
  steady_time begun_;
  phase phase_ = phase::body;
  size_t choice_ = 0;
  int64_t index_ = 0;  // of the token in its choice
  int64_t tokens_ = 0; // visible, taken so far
  uint32_t events_ = 0;
  bool broken_ = false; // the disruption has happened and the reply went on
};

} // namespace sluice
