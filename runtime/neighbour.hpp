#pragma once

namespace sluice {

struct upstream_call;
struct upstream_reply;
struct upstream_failure;
struct stream_block;
struct stream_end;
struct cache_lookup;
struct cache_verdict;
struct cache_fill;

/// An actor that takes calls or answers of the other actors on its loop straight, as function
/// calls: a mailbox on the way of every request costs more than what most of them do with it.
/// `loop_actor::tell` chooses the way; the messages are the same, and so is what is done with them.
///
/// Rules, for what is told happens in the middle of the teller's own work:
/// - A call and an answer are told last, when the teller's state is in order: an answer may bring a
///   new call to whoever tells it, and who joins a stream is told at once what there is of it.
/// - A refusal is sent, never told while the call is taken.
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
  virtual void take(cache_lookup&&) {}
  virtual void take(cache_verdict&&) {}
  virtual void take(cache_fill&&) {}
};

} // namespace sluice
