#pragma once

#include "runtime/actors.hpp"
#include "runtime/loop_actor.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <map>
#include <optional>
#include <string>

namespace sluice::test {

/// What a client heard about one call.
struct heard {
  std::string events;
  uint32_t count = 0;
  uint64_t unread = 0;
  header_list headers;
  std::optional<upstream_reply> reply;
  std::optional<upstream_failure> failed;
  std::optional<stream_end> end;

  bool over() const { return reply || failed || end; }
};

/// Writes down what it hears about calls; runs on the loop that the test turns.
class heard_client final : public loop_actor<call_client_actor> {
public:
  heard_client(caf::actor_config& config, io_loop* loop, std::map<uint64_t, heard>* log)
      : loop_actor(config, loop), log_(*log) {}

  behavior_type make_behavior() override {
    return {
        [this](upstream_reply& x) { at(x.call).reply = std::move(x); },
        [this](upstream_failure& x) { at(x.call).failed = std::move(x); },
        [this](stream_block& x) {
          auto& to = at(x.call);
          if (to.count == 0)
            to.headers = std::move(x.headers);
          to.events += x.events;
          to.count += x.count;
          to.unread += x.events.size();
        },
        [this](stream_end& x) { at(x.call).end = std::move(x); },
    };
  }

private:
  heard& at(uint64_t call) {
    EXPECT_FALSE(log_[call].over()) << "nothing follows the end of a call";
    return log_[call];
  }

  std::map<uint64_t, heard>& log_;
};

} // namespace sluice::test
