#pragma once

#include "runtime/io_loop.hpp"

#include <caf/all.hpp>
#include <caf/detail/sync_request_bouncer.hpp>

namespace sluice {

/// Base of the actors that do socket I/O: a typed actor whose messages are always handled on one
/// asio loop, so that its handlers may touch the loop's sockets without locks. Mailbox, order and
/// life cycle are CAF's; only the place of execution is ours.
///
/// Spawn with `system.spawn<derived>(&loop, …)`; override `make_behavior`. Timers: `loop().watch`.
/// Socket handlers that keep the actor alive hold `strong()`. `quit()` takes effect at the next
/// message, so call it in a message handler.
template <class Handle>
class loop_actor : public Handle::base {
public:
  using super = typename Handle::base;

  loop_actor(caf::actor_config& config, io_loop* loop) : super(config), loop_(loop) {
    this->context(&loop->unit()); // send and request read it, also outside of message handlers
  }

  io_loop& loop() { return *loop_; }

  caf::strong_actor_ptr strong() { return caf::strong_actor_ptr{this->ctrl()}; }

  /// Says `x` to `to`: straight where `to` is a neighbour, otherwise as a message. Only on the
  /// loop's thread, and by the rules of `neighbour`.
  template <class To, class T>
  void tell(const To& to, T&& x) {
    if (auto* here = loop_->find_neighbour(caf::actor_cast<caf::abstract_actor*>(to)))
      here->take(std::forward<T>(x));
    else
      this->send(to, std::forward<T>(x));
  }

  void enqueue(caf::mailbox_element_ptr element, caf::execution_unit* from) override {
    auto id = element->mid;
    auto asker = element->sender;
    switch (this->mailbox().push_back(std::move(element))) {
    case caf::intrusive::inbox_result::unblocked_reader:
      schedule(from);
      break;
    case caf::intrusive::inbox_result::queue_closed:
      if (id.is_request()) {
        caf::detail::sync_request_bouncer bounce{caf::make_error(caf::sec::request_receiver_down)};
        bounce(asker, id);
      }
      break;
    case caf::intrusive::inbox_result::success:
      break;
    }
  }

  void launch(caf::execution_unit*, bool, bool hide) override {
    if (!hide)
      this->register_at_system();
    schedule(nullptr);
  }

private:
  void schedule(caf::execution_unit* from) {
    caf::intrusive_ptr_add_ref(this->ctrl()); // the loop's, until it has run the actor
    if (from == &loop_->unit())
      loop_->unit().exec_later(this);
    else
      loop_->unit().exec_remote(this);
  }

  io_loop* loop_;
};

} // namespace sluice
