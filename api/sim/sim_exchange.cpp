#include "api/sim/sim_exchange.hpp"

#include <boost/asio/post.hpp>

#include <algorithm>
#include <utility>

namespace sluice {
namespace {

/// What may be on its way to a client that does not read. A block is a quarter of it, so that one
/// can be made while others are written.
constexpr size_t unwritten_bytes_max = 64 * 1024;
constexpr size_t block_bytes = unwritten_bytes_max / 4;

steady_time now() {
  return std::chrono::steady_clock::now();
}

http_response head_of(const sim_plan& plan) {
  http_response result;
  result.status = plan.status;
  result.headers = plan.headers;
  if (plan.streamed)
    result.content_type = "text/event-stream";
  return result;
}

} // namespace

sim_exchange::sim_exchange(boost::asio::io_context& loop, std::shared_ptr<sim_engine> engine,
                           std::shared_ptr<reply_sink> sink)
    : loop_(loop), engine_(std::move(engine)), sink_(std::move(sink)) {}

sim_exchange::~sim_exchange() {
  on_client_gone();
}

void sim_exchange::start(sim_plan plan) {
  if (!plan.served)
    return serve(std::move(plan));
  ticket_ = engine_->next_ticket();
  // Called on another loop's thread perhaps, while this ends: it touches nothing of this there.
  auto started = [&loop = loop_, weak = weak_from_this()] {
    boost::asio::post(loop, [weak] {
      auto self = weak.lock();
      if (self && !self->ended_)
        self->serve(*std::exchange(self->queued_, std::nullopt));
    });
  };
  switch (engine_->enter(ticket_, now(), std::move(started))) {
  case sim_slots::entry::started:
    return serve(std::move(plan));
  case sim_slots::entry::queued:
    queued_ = std::move(plan);
    return;
  case sim_slots::entry::refused:
    return serve(engine_->plan_overload(plan));
  }
}

void sim_exchange::serve(sim_plan plan) {
  run_.emplace(std::move(plan), now());
  pump();
}

void sim_exchange::on_written(size_t bytes) {
  unwritten_ -= std::min(bytes, unwritten_);
  pump();
}

/// Plays what is due. Not entered again while it writes, should the sink report at once.
void sim_exchange::pump() {
  if (ended_ || pumping_ || !run_)
    return;
  auto self = shared_from_this();
  pumping_ = true;
  bool more = pump_block();
  pumping_ = false;
  if (more && !ended_)
    // A stream without end must not keep the loop from its other connections.
    boost::asio::post(loop_, [weak = weak_from_this()] {
      if (auto exchange = weak.lock())
        exchange->pump();
    });
}

/// Everything that is due, up to a block, in one write. True where more is due and there is room.
bool sim_exchange::pump_block() {
  std::string block;
  auto at = now();
  auto room = unwritten_bytes_max - std::min(unwritten_, unwritten_bytes_max);
  auto most = std::min(room, block_bytes);
  while (true) {
    auto step = run_->next();
    if (step.kind == sim_step_kind::body && step.due <= at) {
      auto response = head_of(run_->plan());
      run_->take(response.body);
      end(run_->outcome());
      sink_->send(std::move(response));
      return false;
    }
    if (!step.has_text() || step.due > at) {
      write(std::move(block));
      if (step.kind != sim_step_kind::silence && step.due > at)
        wake_at(step.due);
      else if (close_with(step))
        end(run_->outcome());
      return false;
    }
    if (block.size() >= most) {
      write(std::move(block));
      return unwritten_ < unwritten_bytes_max;
    }
    run_->take(block);
  }
}

void sim_exchange::begin() {
  if (!std::exchange(begun_, true))
    sink_->begin(head_of(run_->plan()));
}

void sim_exchange::write(std::string block) {
  if (block.empty())
    return;
  begin();
  unwritten_ += block.size();
  sink_->write(std::move(block));
}

/// Does what a step without text says. False where the call goes on.
bool sim_exchange::close_with(const sim_step& step) {
  switch (step.kind) {
  case sim_step_kind::silence:
    if (run_->plan().effects.disruption == sim_disruption::stall)
      begin();
    return false;
  case sim_step_kind::cut:
    if (unwritten_ > 0)
      return false; // what came before the cut has to arrive; `on_written` comes back here
    sink_->cut();
    return true;
  default:
    begin();
    sink_->finish();
    return true;
  }
}

void sim_exchange::wake_at(steady_time due) {
  if (!timer_)
    timer_.emplace(loop_);
  timer_->expires_at(due);
  timer_->async_wait([weak = weak_from_this()](boost::system::error_code error) {
    auto self = weak.lock();
    if (!error && self)
      self->pump();
  });
}

void sim_exchange::on_client_gone() {
  if (ended_)
    return;
  if (run_)
    end(run_->outcome());
  else
    end(sim_outcome::cancelled);
}

void sim_exchange::end(sim_outcome outcome) {
  ended_ = true;
  timer_.reset();
  auto at = now();
  if (ticket_ != 0)
    engine_->leave(ticket_, at);
  bool flush = false;
  if (run_)
    flush = engine_->log(run_->plan(), run_->used(at), outcome);
  else if (queued_)
    flush = engine_->log(*queued_, {}, outcome);
  // Posted, so that all calls that end in this turn of the loop are one write.
  if (flush)
    boost::asio::post(loop_, [engine = engine_] { engine->flush_log(); });
}

} // namespace sluice
