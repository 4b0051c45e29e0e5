#pragma once

#include "runtime/messages.hpp"

namespace sluice::test {

/// An answered, streamed chat request of a configured model, at 2026-11-22T21:05:09.123Z.
inline request_record sample_record() {
  using namespace std::chrono;
  request_record x;
  x.at = sys_days{year{2026} / 11 / 22} + 21h + 5min + 9s + 123ms;
  x.request_id = "req_01";
  x.tenant = "acme";
  x.team = "search";
  x.user = "ann";
  x.key_id = "key_1";
  x.method = "POST";
  x.route = "/v1/chat/completions";
  x.model = "small";
  x.deployment = "sim/sim-small";
  x.provider = "sim";
  x.provider_kind = "sluice.simulated";
  x.upstream_model = "sim-small";
  x.status = 200;
  x.attempts = 3;
  x.fallbacks = 1;
  x.inference = true;
  x.streamed = true;
  x.usage = {10, 20, 30, 4, 5};
  x.usage_known = true;
  x.cost = {1'234'000};
  x.duration = 250'100us;
  x.upstream = 250ms;
  x.first_byte = 10ms;
  x.request_bytes = 1'000;
  x.response_bytes = 2'000;
  x.chunks = 7;
  return x;
}

} // namespace sluice::test
