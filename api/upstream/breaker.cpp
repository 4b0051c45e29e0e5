#include "api/upstream/breaker.hpp"

namespace sluice {

bool breaker::allow(uint64_t call, steady_time now) {
  if (!open_)
    return true;
  if (trial_ || now < retry_at_)
    return false;
  trial_ = call;
  return true;
}

void breaker::succeeded() {
  failures_ = 0;
  open_ = false;
  trial_.reset();
}

void breaker::failed(steady_time now) {
  trial_.reset();
  if (++failures_ < settings_.failures && !open_)
    return;
  open_ = true;
  retry_at_ = now + settings_.open_for;
}

void breaker::abandoned(uint64_t call) {
  if (trial_ == call)
    trial_.reset();
}

} // namespace sluice
