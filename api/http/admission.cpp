#include "api/http/admission.hpp"

namespace sluice {

bool http_admission::open_connection(const std::string& address) {
  std::lock_guard lock{mutex_};
  if (connections_.load(std::memory_order_relaxed) >= limits_.connections_max)
    return false;
  auto& here = by_address_[address];
  if (here >= limits_.connections_per_address_max)
    return false;
  ++here;
  connections_.fetch_add(1, std::memory_order_relaxed);
  return true;
}

void http_admission::close_connection(const std::string& address) {
  std::lock_guard lock{mutex_};
  connections_.fetch_sub(1, std::memory_order_relaxed);
  auto found = by_address_.find(address);
  if (found != by_address_.end() && --found->second == 0)
    by_address_.erase(found);
}

bool http_admission::begin_request() {
  if (in_flight_.fetch_add(1, std::memory_order_relaxed) < limits_.in_flight_max)
    return true;
  end_request();
  return false;
}

bool http_admission::hold_body(uint64_t bytes) {
  if (body_bytes_.fetch_add(bytes, std::memory_order_relaxed) + bytes <= limits_.bodies_bytes_max)
    return true;
  release_body(bytes);
  return false;
}

} // namespace sluice
