#pragma once

#include "runtime/messages.hpp"
#include "runtime/time.hpp"

#include <atomic>
#include <mutex>
#include <optional>
#include <random>
#include <unordered_map>

namespace sluice {

struct cache_warming_settings {
  nanousd daily_budget;                  ///< as in `warming_settings`
  std::chrono::nanoseconds lease_max{0}; ///< longer no call takes
  uint64_t seed = 0;                     ///< of who is left out
};

/// Decides who fetches an answer that nobody waits for: one caller for each key, within a budget,
/// and the less often the more of what was fetched was never asked for.
///
/// Who may fetch holds a lease. It ends with the call, or by itself after `lease_max`, so that a
/// call that never comes back keeps nobody from the next one; what it was expected to cost then
/// counts as spent.
///
/// Thread-safe: one for a node. Its lock is held for a look into a small table, and only where an
/// answer is out of date or nearly so.
class cache_warming {
public:
  explicit cache_warming(const cache_warming_settings& settings) : settings_(settings) {
    random_.seed(settings.seed);
  }

  /// Lets the first who asks fetch an answer that is out of date: a call that the next one to ask
  /// would have had to make, so that no budget is needed.
  bool revalidate(const fingerprint& key, steady_time now);
  /// Lets the first who asks fetch an answer that may never be asked for. `expected` is what the
  /// last answer had cost.
  bool warm(const fingerprint& key, nanousd expected, steady_time now, wall_time wall);
  /// The call of a lease has ended and had cost so much.
  void ended(const fingerprint& key, nanousd cost, wall_time wall);

  /// Answers fetched by `warm` were asked for, or dropped unasked.
  void saw(uint64_t used, uint64_t unused);

  /// Share of what is fetched that is asked for, of late: 0 to 1.
  double usefulness() const;
  /// Spent today and held back for calls under way.
  nanousd committed(wall_time wall);

  /// Bounds the notes on their way to who predicts questions: a lost one is no harm.
  bool enter_note() {
    if (notes_.fetch_add(1, std::memory_order_relaxed) < notes_max)
      return true;
    leave_note();
    return false;
  }
  void leave_note() { notes_.fetch_sub(1, std::memory_order_relaxed); }

  /// A hundredth of a second of a busy node.
  static constexpr uint64_t notes_max = 1'024;
  /// Calls under way that `warm` let through: what a day's budget may be passed by, as an answer
  /// may cost more than the last one did.
  static constexpr size_t warmed_at_once_max = 16;
  /// Leases at once. Beyond it answers go out of date, which is no harm.
  static constexpr size_t leases_max = 1'024;
  /// Of the last so many answers it is looked at whether they were used.
  static constexpr double memory = 50;
  /// Nothing is given up for good: so much of what could be fetched is, to see whether it is used
  /// by now.
  static constexpr double tried_always = 0.05;

private:
  struct lease {
    steady_time until;
    nanousd expected;
    bool warmed = false;
  };
  struct hash {
    size_t operator()(const fingerprint& x) const { return x.low; }
  };

  bool take(const fingerprint& key, const lease& x, steady_time now);
  void end(const lease& x, nanousd cost);
  void begin_day(wall_time wall);

  const cache_warming_settings settings_;
  mutable std::mutex lock_;
  std::unordered_map<fingerprint, lease, hash> leases_;
  size_t warmed_ = 0; ///< leases of `warm`
  nanousd spent_;     ///< on `day_`
  nanousd held_;      ///< for leases of `warm`
  std::chrono::sys_days day_{};
  double usefulness_ = 1; ///< until it is known better
  std::mt19937_64 random_;
  std::atomic<uint64_t> notes_{0};
};

} // namespace sluice
