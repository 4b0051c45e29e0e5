#pragma once

#include "actors/batching/latency_fit.hpp"
#include "runtime/time.hpp"

#include <array>
#include <cstdint>

namespace sluice {

/// When requests come: the crowd that comes back after a batch has returned, and the rest, which
/// comes at any time.
///
/// Clients that wait for an answer before they ask again come back together, a network's trip after
/// their batch has. The share of a batch that does so, and how soon, is learned over the last
/// returns; what comes later than the longest wait after a return is counted as background.
class arrival_profile {
public:
  /// Offsets after a return at which the crowd is counted: the longest wait, halved nine times, so
  /// that 80 ms is resolved down to 0.16 ms.
  static constexpr size_t bins = 10;

  /// Fewer requests than this are no crowd, and nothing to wait for.
  static constexpr double crowd_min = 0.5;

  explicit arrival_profile(seconds_f wait_max);

  void arrived(steady_time now);
  void returned(uint32_t items, steady_time now);

  /// What may still come, by some offset after the last return.
  struct outlook {
    seconds_f wait;  ///< from now
    double expected; ///< requests, crowd and background together
    double crowd;    ///< of which are the crowd: as many as may come
  };
  /// The outlook for bin `i`; a negative wait where it has passed.
  outlook expect(size_t i, steady_time now) const;

  /// Requests a second that belong to no crowd: what can be said with some confidence, which is the
  /// count less its standard deviation.
  double background(steady_time now) const;

private:
  struct decayed {
    double count = 0;
    double time = 0;
  };

  void close_window(steady_time now);
  decayed decayed_to(steady_time now) const;
  double elapsed(steady_time now) const;

  std::array<double, bins> edges_{};   // seconds after a return
  std::array<double, bins> share_{};   // of a returned batch that has come back by then
  std::array<double, bins> spread_{};  // mean distance of the shares from that
  std::array<double, bins> counted_{}; // in the present window
  double returned_items_ = 0;          // of the present window; 0 where none is open
  steady_time returned_at_{};
  decayed background_;
  steady_time background_at_{};
  bool started_ = false;
};

} // namespace sluice
