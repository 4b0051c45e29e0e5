#pragma once

#include "actors/cache/calls/own_calls.hpp"
#include "tests/support/deterministic_system.hpp"
#include "tests/support/fake_ledger.hpp"

#include <functional>
#include <memory>

namespace sluice::test {

using namespace std::chrono_literals;

/// A provider that remembers what it was told and answers when the test says so.
struct provider_log {
  std::vector<upstream_call> calls;
  std::vector<uint64_t> cancelled;
};

inline upstream_actor::behavior_type silent_provider(upstream_actor::pointer,
                                                     std::shared_ptr<provider_log> log) {
  return {
      [log](const upstream_call& x) { log->calls.push_back(x); },
      [](const stream_credit&) {},
      [log](const cancel_call& x) { log->cancelled.push_back(x.call); },
      [](const drain&) {},
  };
}

struct router_word {
  std::vector<route_query> queries;
  nanousd estimate{1'000};
  bool fails = false;
};

inline router_actor::behavior_type told_router(router_actor::pointer,
                                               std::shared_ptr<router_word> word) {
  return {
      [word](const route_query& x) -> caf::result<route_decision> {
        word->queries.push_back(x);
        if (word->fails)
          return make_error(ec::upstream_unavailable);
        return route_decision{{{"sim/m", word->estimate}}, "test"};
      },
      [](const deployment_health&) {},
  };
}

inline monitor_actor::behavior_type
writing_monitor(monitor_actor::pointer, std::shared_ptr<std::vector<request_record>> to) {
  return {
      [to](loop_report& x) {
        for (auto& each : x.requests)
          to->push_back(std::move(each));
        return uint32_t{1};
      },
      [](const upstream_report&) {},
      [](const merge_report&) {},
      [](const batch_report&) {},
      [](const jobs_report&) {},
      [](const cache_report&) {},
      [](const keeper_report&) {},
      [](const ledger_report&) {},
      [](const metrics_query&) { return std::string{}; },
  };
}

/// A router, a monitor, a ledger and a provider for an actor that makes calls of its own: of "sim/m", which
/// costs a nano-dollar an input token and two an output token.
class own_calls_fixture : public deterministic_system {
protected:
  own_calls_setup through(own_calls_setup x) {
    deployment to;
    to.id = "sim/m";
    to.provider = "sim";
    to.upstream_model = "m-1";
    to.price = price_entry{{1'000'000, 0, 0, 2'000'000, 0}, "test", ""};
    x.router = spawn(told_router, word);
    x.monitor = spawn(writing_monitor, records);
    x.ledger = spawn(fake_ledger, ledger);
    x.targets.models =
        std::make_shared<const catalogue>(std::vector<model>{{x.model, {x.kind}, {to}, "", 0}});
    x.targets.upstreams["sim"] = spawn(silent_provider, provider);
    x.wall = [this] { return wall; };
    return x;
  }

  /// Answers the last call.
  void reply_with(std::string body, token_usage usage) {
    auto call = provider->calls.back();
    upstream_reply x;
    x.call = call.call;
    x.body = std::move(body);
    x.usage = usage;
    x.usage_known = true;
    tell(call.client, x);
  }

  void refuse(ec code) {
    auto call = provider->calls.back();
    upstream_failure x;
    x.call = call.call;
    x.why.code = code;
    x.why.upstream_status = code == ec::upstream_rejected ? 400 : 0;
    tell(call.client, x);
  }

  std::shared_ptr<provider_log> provider = std::make_shared<provider_log>();
  std::shared_ptr<router_word> word = std::make_shared<router_word>();
  std::shared_ptr<std::vector<request_record>> records =
      std::make_shared<std::vector<request_record>>();
  std::shared_ptr<ledger_word> ledger = std::make_shared<ledger_word>();
  wall_time wall{std::chrono::seconds{1'800'000'000}};
};

} // namespace sluice::test
