#pragma once

#include "runtime/actors.hpp"

#include <caf/all.hpp>
#include <caf/scheduler/test_coordinator.hpp>
#include <gtest/gtest.h>

#include <vector>

namespace sluice::test {

struct deterministic_config : caf::actor_system_config {
  deterministic_config() {
    set("scheduler.policy", caf::atom("testing"));
    add_message_types<caf::id_block::sluice>();
    add_error_category(ec_category, render_ec);
  }
};

/// Runs actors on the test's own thread, on a clock that the test turns by hand. Spawned actors are
/// killed at the end: one that ticks itself would keep `~actor_system` waiting for ever.
class deterministic_system : public ::testing::Test {
protected:
  ~deterministic_system() override {
    for (auto& x : spawned_)
      caf::anon_send_exit(x, caf::exit_reason::kill);
    spawned_.clear();
    sched.run();
  }

  /// Spawns `f` and lets it get ready.
  template <class F, class... Ts>
  auto spawn(F f, Ts&&... xs) {
    auto handle = sys.spawn(f, std::forward<Ts>(xs)...);
    spawned_.push_back(caf::actor_cast<caf::actor>(handle));
    sched.run();
    return handle;
  }

  /// Turns the clock and runs what became due.
  void pass(caf::timespan d) {
    sched.advance_time(d);
    sched.run();
  }

  template <class Handle, class... Ts>
  void tell(const Handle& to, Ts&&... xs) {
    caf::anon_send(to, std::forward<Ts>(xs)...);
    sched.run();
  }

  /// Asks and returns the answer, `T` or an error. Everything that does not wait for the clock is
  /// done when it returns; no answer by then is an error of the category "system".
  template <class T, class Handle, class... Ts>
  caf::expected<T> ask(const Handle& to, Ts&&... xs) {
    caf::scoped_actor self{sys};
    auto pending = self->request(to, caf::infinite, std::forward<Ts>(xs)...);
    sched.run();
    caf::expected<T> result{caf::sec::runtime_error};
    if (!self->has_next_message())
      return result;
    pending.receive([&](T& x) { result = std::move(x); },
                    [&](caf::error& x) { result = std::move(x); });
    return result;
  }

  deterministic_config cfg;
  caf::actor_system sys{cfg};
  caf::scheduler::test_coordinator& sched =
      dynamic_cast<caf::scheduler::test_coordinator&>(sys.scheduler());

private:
  std::vector<caf::actor> spawned_;
};

} // namespace sluice::test
