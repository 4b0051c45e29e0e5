#pragma once

namespace sluice {

struct upstream_call;
struct upstream_reply;
struct upstream_failure;
struct stream_block;
struct stream_end;

/// An actor that takes calls or answers of the other actors on its loop straight, as function
/// calls: a mailbox on the way of every request costs more than what most of them do with it.
/// `loop_actor::tell` chooses the way; the messages are the same, and so is what is done with them.
///
/// Rules, for what is told happens in the middle of the teller's own work:
/// - Nobody answers a call while taking it; a refusal is sent.
/// - An answer may bring a new call to whoever tells it. So it is told last, when the teller's
///   state is in order.
/// - Cancels and credits are sent, for they may concern what the teller is busy with.
class neighbour {
public:
  virtual ~neighbour() = default;

  // A neighbour overrides what its handle takes; `tell` lets nobody say anything else.
  virtual void take(upstream_call&&) {}
  virtual void take(upstream_reply&&) {}
  virtual void take(upstream_failure&&) {}
  virtual void take(stream_block&&) {}
  virtual void take(stream_end&&) {}
};

} // namespace sluice
