#include "runtime/io_loop.hpp"

#include <boost/asio/post.hpp>

#include <algorithm>

namespace sluice {

namespace {

/// Messages an actor may handle before the next one has its turn: enough to empty a usual mailbox,
/// few enough that a flooded actor does not hold up its neighbours.
constexpr size_t messages_per_turn = 64;

/// Jobs in one turn before the sockets are looked at again: a request takes about six.
constexpr size_t jobs_per_turn = 256;

} // namespace

loop_unit::loop_unit(caf::actor_system& system, boost::asio::io_context& context)
    : caf::execution_unit(&system), context_(context) {}

loop_unit::~loop_unit() {
  for (auto* job : jobs_)
    caf::intrusive_ptr_release(job);
}

void loop_unit::exec_later(caf::resumable* job) {
  jobs_.push_back(job);
  if (!scheduled_) {
    scheduled_ = true;
    boost::asio::post(context_, [this] { run_jobs(); });
  }
}

void loop_unit::exec_remote(caf::resumable* job) {
  boost::asio::post(context_, [this, job] { exec_later(job); });
}

void loop_unit::run_jobs() {
  // Jobs that jobs add run in the same turn: a request's whole way through its actors costs one
  // wake-up.
  size_t done = 0;
  for (; done < jobs_.size() && done < jobs_per_turn; ++done) {
    auto* job = jobs_[done];
    if (job->resume(this, messages_per_turn) == caf::resumable::resume_later)
      jobs_.push_back(job);
    else
      caf::intrusive_ptr_release(job);
  }
  jobs_.erase(jobs_.begin(), jobs_.begin() + static_cast<std::ptrdiff_t>(done));
  scheduled_ = !jobs_.empty();
  if (scheduled_)
    boost::asio::post(context_, [this] { run_jobs(); });
}

io_loop::io_loop(uint32_t index) : index_(index), work_(context_.get_executor()) {}

void io_loop::attach(caf::actor_system& system) {
  unit_ = std::make_unique<loop_unit>(system, context_);
}

void io_loop::watch(ticking* x) {
  watched_.push_back(x);
  if (!armed_)
    arm();
}

void io_loop::unwatch(ticking* x) {
  std::replace(watched_.begin(), watched_.end(), x, static_cast<ticking*>(nullptr));
}

void io_loop::move_in(const caf::abstract_actor* who, neighbour* x) {
  neighbours_.emplace_back(who, x);
}

void io_loop::move_out(const caf::abstract_actor* who) {
  std::erase_if(neighbours_, [&](auto& x) { return x.first == who; });
}

/// A handful: a host, a merger, and an upstream for each provider.
neighbour* io_loop::find_neighbour(const caf::abstract_actor* who) const {
  for (auto& x : neighbours_)
    if (x.first == who)
      return x.second;
  return nullptr;
}

void io_loop::run() {
  context_.run();
}

void io_loop::stop() {
  context_.stop();
}

void io_loop::arm() {
  armed_ = true;
  timer_.expires_after(tick_interval);
  timer_.async_wait([this](const boost::system::error_code& error) {
    if (error)
      return;
    auto now = std::chrono::steady_clock::now();
    // By index: a tick may watch or unwatch.
    for (size_t i = 0; i < watched_.size(); ++i)
      if (watched_[i])
        watched_[i]->tick(now);
    std::erase(watched_, nullptr);
    if (watched_.empty())
      armed_ = false;
    else
      arm();
  });
}

} // namespace sluice
