#pragma once

#include "runtime/configuration.hpp"
#include "runtime/time.hpp"

#include <cstdint>
#include <optional>

namespace sluice {

/// Keeps calls away from a deployment that fails every time: so many failures in a row open it,
/// after a while one call is let through to try, and its outcome closes it or opens it anew (M.
/// Nygard, "Release It!", circuit breaker).
class breaker {
public:
  explicit breaker(const breaker_settings& settings) : settings_(settings) {}

  /// Whether call number `call` may go now. The call that is let through to try must tell its
  /// outcome.
  bool allow(uint64_t call, steady_time now);
  void succeeded();
  void failed(steady_time now);
  /// A call ended without saying anything of the deployment, as when its client went away. Where it
  /// was the trial, the next call is.
  void abandoned(uint64_t call);

  bool open() const { return open_; }

private:
  breaker_settings settings_;
  uint32_t failures_ = 0;
  bool open_ = false;
  std::optional<uint64_t> trial_; ///< the call that was let through to try
  steady_time retry_at_{};
};

} // namespace sluice
