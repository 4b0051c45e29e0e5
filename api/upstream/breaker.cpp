#include "api/upstream/breaker.hpp"

namespace sluice {

bool breaker::allow(steady_time now) {
  if (!open_)
    return true;
  if (trying_ || now < retry_at_)
    return false;
  trying_ = true;
  return true;
}

void breaker::succeeded() {
  failures_ = 0;
  open_ = false;
  trying_ = false;
}

void breaker::failed(steady_time now) {
  trying_ = false;
  if (++failures_ < settings_.failures && !open_)
    return;
  open_ = true;
  retry_at_ = now + settings_.open_for;
}

} // namespace sluice
