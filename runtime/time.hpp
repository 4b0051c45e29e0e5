#pragma once

#include <caf/error.hpp>
#include <caf/meta/load_callback.hpp>
#include <caf/meta/type_name.hpp>
#include <caf/none.hpp>

#include <chrono>
#include <cstdint>

namespace sluice {

using steady_time = std::chrono::steady_clock::time_point;
using wall_time = std::chrono::system_clock::time_point;

/// The moment after which nobody waits for an answer any more. On the wire it is the time that is
/// left, since the steady clocks of two nodes have nothing in common.
struct deadline {
  steady_time at;

  bool passed(steady_time now) const { return now >= at; }
  std::chrono::nanoseconds left(steady_time now) const {
    return now >= at ? std::chrono::nanoseconds{0} : std::chrono::nanoseconds{at - now};
  }
};

template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, deadline& x) {
  auto left = static_cast<int64_t>(x.left(std::chrono::steady_clock::now()).count());
  auto load = [&]() -> caf::error {
    x.at = std::chrono::steady_clock::now() + std::chrono::nanoseconds{left};
    return caf::none;
  };
  return f(caf::meta::type_name("sluice::deadline"), left, caf::meta::load_callback(load));
}

} // namespace sluice
