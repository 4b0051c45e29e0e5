#pragma once

#include <atomic>
#include <cstdint>

namespace sluice {

/// Bounds what waits in the mailbox of the cache's keeper, on the side of those who send to it: a
/// disk that stalls must not take the node's memory. Who does not get in goes without.
class keeper_gate {
public:
  /// Requests waiting for its word: a second of reading from the disk.
  static constexpr uint64_t lookups_max = 4'096;
  /// Answers on their way to the disk: a second of a slow one.
  static constexpr uint64_t fill_bytes_max = 64 * 1024 * 1024;

  /// Lets lookups in: after a start the keeper loads its encoder first, and nobody waits for that.
  void open() { open_.store(true, std::memory_order_relaxed); }

  bool enter_lookup() {
    return open_.load(std::memory_order_relaxed) && enter(lookups_, 1, lookups_max);
  }
  void leave_lookup() { lookups_.fetch_sub(1, std::memory_order_relaxed); }
  bool enter_fill(uint64_t bytes) { return enter(fill_bytes_, bytes, fill_bytes_max); }
  void leave_fill(uint64_t bytes) { fill_bytes_.fetch_sub(bytes, std::memory_order_relaxed); }

private:
  static bool enter(std::atomic<uint64_t>& count, uint64_t more, uint64_t most) {
    if (count.fetch_add(more, std::memory_order_relaxed) + more <= most)
      return true;
    count.fetch_sub(more, std::memory_order_relaxed);
    return false;
  }

  std::atomic<bool> open_{false};
  std::atomic<uint64_t> lookups_{0};
  std::atomic<uint64_t> fill_bytes_{0};
};

} // namespace sluice
