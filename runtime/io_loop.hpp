#pragma once

#include "runtime/neighbour.hpp"
#include "runtime/spare_strings.hpp"
#include "runtime/time.hpp"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <caf/abstract_actor.hpp>
#include <caf/actor_system.hpp>
#include <caf/execution_unit.hpp>
#include <caf/resumable.hpp>

#include <chrono>
#include <memory>
#include <utility>
#include <vector>

namespace sluice {

/// Runs actors on one asio loop: the loop's own, whoever wakes them, and those that the loop wakes.
/// Must outlive both.
class loop_unit : public caf::execution_unit {
public:
  loop_unit(caf::actor_system& system, boost::asio::io_context& context);
  ~loop_unit() override;

  /// Runs `job` in the present turn of the loop. Only on the loop's thread.
  void exec_later(caf::resumable* job) override;

  /// Runs `job` soon. From any thread.
  void exec_remote(caf::resumable* job);

private:
  void run_jobs();

  boost::asio::io_context& context_;
  std::vector<caf::resumable*> jobs_;
  bool scheduled_ = false;
};

/// Something that looks at its deadlines once a tick. A tick for all costs less than a timer for
/// each.
class ticking {
public:
  virtual ~ticking() = default;
  virtual void tick(steady_time now) = 0;
};

/// One thread's event loop. Made by the composition root, one for each I/O thread; outlives the
/// actor system, for actors keep sockets on it until the system has ended.
class io_loop {
public:
  /// How late a coarse deadline can be noticed. 20 ms is below what anyone feels next to a call of
  /// hundreds, and 50 wake-ups a second cost an idle core nothing measurable.
  static constexpr std::chrono::milliseconds tick_interval{20};

  explicit io_loop(uint32_t index);

  uint32_t index() const { return index_; }
  boost::asio::io_context& context() { return context_; }

  /// Gives the loop its execution unit; before the first actor is spawned on it.
  void attach(caf::actor_system& system);
  loop_unit& unit() { return *unit_; }

  /// On the loop's thread.
  spare_strings& spares() { return spares_; }

  /// Ticks `x` from now on until `unwatch`. On the loop's thread, or before `run`.
  void watch(ticking* x);
  void unwatch(ticking* x);

  /// From now on `x` is told straight what is for `who`, until `move_out`. As `watch`.
  void move_in(const caf::abstract_actor* who, neighbour* x);
  void move_out(const caf::abstract_actor* who);
  /// Null where `who` works elsewhere, or wants messages. On the loop's thread.
  neighbour* find_neighbour(const caf::abstract_actor* who) const;

  /// Serves the loop until `stop`, on the calling thread.
  void run();
  /// Ends `run`. From any thread.
  void stop();

private:
  void arm();

  uint32_t index_;
  boost::asio::io_context context_{1};
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_;
  boost::asio::steady_timer timer_{context_};
  std::vector<ticking*> watched_;
  std::vector<std::pair<const caf::abstract_actor*, neighbour*>> neighbours_;
  spare_strings spares_;
  bool armed_ = false;
  std::unique_ptr<loop_unit> unit_;
};

} // namespace sluice
