#pragma once

#include "runtime/actors.hpp"

#include <chrono>
#include <functional>
#include <map>
#include <optional>
#include <random>
#include <set>
#include <vector>

/// Both sides of a batcher, played by a test.
namespace sluice::batcher_test_support {

/// What was answered to a call.
struct outcome {
  std::optional<upstream_reply> reply;
  std::optional<upstream_failure> failure;
  int answers = 0;
};

/// The upstream that the test plays: what reached it, in order.
struct upstream_log {
  std::map<uint64_t, upstream_call> open;
  std::vector<upstream_call> all;
  std::vector<uint64_t> cancelled;
};

inline upstream_actor::behavior_type played_upstream(upstream_actor::pointer, upstream_log* log) {
  return {
      [log](const upstream_call& x) {
        log->open.emplace(x.call, x);
        log->all.push_back(x);
      },
      [](const stream_credit&) {},
      [log](const cancel_call& x) {
        log->open.erase(x.call);
        log->cancelled.push_back(x.call);
      },
      [](const drain&) {},
  };
}

inline call_client_actor::behavior_type listener(call_client_actor::pointer,
                                                 std::map<uint64_t, outcome>* heard) {
  return {
      [heard](const upstream_reply& x) {
        auto& to = (*heard)[x.call];
        to.reply = x;
        ++to.answers;
      },
      [heard](const upstream_failure& x) {
        auto& to = (*heard)[x.call];
        to.failure = x;
        ++to.answers;
      },
      [](const stream_block&) {},
      [](const stream_end&) {},
  };
}

/// What a random test can do, and what it has to look at for that.
struct random_moves {
  std::function<void(int)> ask; ///< in this step
  std::function<void()> play_upstream;
  std::function<void(uint64_t)> cancel;
  std::function<void(std::chrono::milliseconds)> pass;
  const uint64_t& calls; ///< asked so far, numbered from 1
  std::map<uint64_t, outcome>& heard;
  const upstream_log& log;
  bool leaves = true; ///< callers go away, too
};

/// Asks, answers, leaves and waits at random, then lets everything come to its end. Returns the
/// calls that were cancelled.
inline std::set<uint64_t> play(std::mt19937_64& random, const random_moves& x) {
  auto below = [&](uint64_t end) { return random() % end; };
  std::set<uint64_t> cancelled;
  auto leave = [&](uint64_t who) {
    if (x.heard[who].answers == 0) {
      cancelled.insert(who);
      x.cancel(who);
    }
  };
  for (int step = 0; step < 600; ++step) {
    auto what = below(6);
    if (what < 3)
      x.ask(step);
    else if (what == 3 && !x.log.open.empty())
      x.play_upstream();
    else if (what == 4 && x.leaves && x.calls > 0 && below(4) == 0)
      leave(1 + below(x.calls));
    else if (what == 5)
      x.pass(std::chrono::milliseconds{below(200)});
  }
  for (int i = 0; i < 5'000 && !x.log.open.empty(); ++i) {
    x.play_upstream();
    x.pass(std::chrono::milliseconds{20});
  }
  x.pass(std::chrono::seconds{61}); // all deadlines
  return cancelled;
}

} // namespace sluice::batcher_test_support
