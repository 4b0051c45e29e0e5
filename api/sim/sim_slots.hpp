#pragma once

#include "runtime/time.hpp"

#include <chrono>
#include <cstdint>
#include <deque>
#include <optional>
#include <unordered_set>

namespace sluice {

/// The places at which an upstream serves calls, and the queue before them: first come, first
/// served.
class sim_slots {
public:
  struct limits {
    uint32_t slots = 0; ///< calls served at once; 0 for no limit
    uint32_t queue_max = 0;
  };
  enum class entry : uint8_t { started, queued, refused };
  /// A call that left the queue for a slot.
  struct start {
    uint64_t call = 0;
    std::chrono::nanoseconds waited{0};
  };

  explicit sim_slots(limits x) : limits_(x) {}

  /// A call arrives. `call` must not be inside already.
  entry enter(uint64_t call, steady_time now);

  /// A call ends, whether it was served, waited, or never came in. Tells which call takes its slot.
  std::optional<start> leave(uint64_t call, steady_time now);

  size_t serving() const { return serving_.size(); }
  size_t waiting() const { return queue_.size(); }

private:
  struct waiter {
    uint64_t call;
    steady_time since;
  };

  limits limits_;
  std::unordered_set<uint64_t> serving_;
  std::deque<waiter> queue_;
};

} // namespace sluice
