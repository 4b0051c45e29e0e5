#pragma once

#include "runtime/configuration.hpp"
#include "runtime/time.hpp"

namespace sluice {

/// Keeps calls away from a deployment that fails every time: so many failures in a row open it,
/// after a while one call is let through to try, and its outcome closes it or opens it anew (M.
/// Nygard, "Release It!", circuit breaker).
class breaker {
public:
  explicit breaker(const breaker_settings& settings) : settings_(settings) {}

  /// Whether a call may go now. The call that is let through to try must tell its outcome.
  bool allow(steady_time now);
  void succeeded();
  void failed(steady_time now);
  /// The trial ended without saying anything of the deployment, as when its client went away.
  void abandoned() { trying_ = false; }

  bool open() const { return open_; }

private:
  breaker_settings settings_;
  uint32_t failures_ = 0;
  bool open_ = false;
  bool trying_ = false;
  steady_time retry_at_{};
};

} // namespace sluice
