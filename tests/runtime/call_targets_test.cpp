#include "runtime/call_targets.hpp"

#include <gtest/gtest.h>

namespace sluice {
namespace {

struct targets_config : caf::actor_system_config {
  targets_config() { add_message_types<caf::id_block::sluice>(); }
};

upstream_actor::behavior_type silent(upstream_actor::pointer, int) {
  return {[](const upstream_call&) {}, [](const stream_credit&) {}, [](const cancel_call&) {},
          [](const drain&) {}};
}

merger_actor::behavior_type silent_merger(merger_actor::pointer, int) {
  return {[](const upstream_call&) {}, [](const stream_credit&) {},  [](const cancel_call&) {},
          [](const drain&) {},         [](const upstream_reply&) {}, [](const upstream_failure&) {},
          [](const stream_block&) {},  [](const stream_end&) {}};
}

class call_targets_test : public ::testing::Test {
protected:
  call_targets_test() {
    to.id = "p/m";
    to.provider = "p";
    targets.upstreams.emplace("p", upstream);
  }
  ~call_targets_test() override {
    for (auto& x : {upstream, batcher, packer})
      caf::anon_send_exit(x, caf::exit_reason::kill);
    for (auto& x : mergers)
      caf::anon_send_exit(x, caf::exit_reason::kill);
  }

  targets_config config;
  caf::actor_system sys{config};
  upstream_actor upstream = sys.spawn(silent, 0);
  upstream_actor batcher = sys.spawn(silent, 0);
  upstream_actor packer = sys.spawn(silent, 0);
  std::vector<merger_actor> mergers{sys.spawn(silent_merger, 0), sys.spawn(silent_merger, 0)};
  call_targets targets;
  deployment to;
};

TEST_F(call_targets_test, a_batcher_stands_before_its_upstream) {
  EXPECT_EQ(targets.maker(to, endpoint::embeddings), upstream);
  targets.batchers["p/m"][endpoint::embeddings] = batcher;
  EXPECT_EQ(targets.maker(to, endpoint::embeddings), batcher);
  EXPECT_EQ(targets.maker(to, endpoint::completions), upstream);
  to.id = "p/other";
  EXPECT_EQ(targets.maker(to, endpoint::embeddings), upstream);
  to.provider = "nobody";
  EXPECT_FALSE(targets.maker(to, endpoint::embeddings));
}

TEST_F(call_targets_test, only_chats_that_allow_it_meet_the_packer) {
  auto chat = endpoint::chat_completions;
  targets.packers["p/m"] = packer;
  targets.batchers["p/m"][chat] = batcher;
  EXPECT_EQ(targets.maker(to, {chat, packing::allowed}), packer);
  EXPECT_EQ(targets.maker(to, chat), batcher);
  EXPECT_EQ(targets.maker(to, {endpoint::embeddings, packing::allowed}), upstream);
  EXPECT_EQ(targets.first(to, {chat, packing::allowed}, {}), packer);
  to.id = "p/other";
  EXPECT_EQ(targets.maker(to, {chat, packing::allowed}), upstream);
}

TEST_F(call_targets_test, equal_requests_meet_at_one_merger) {
  auto kind = endpoint::chat_completions;
  EXPECT_EQ(targets.first(to, kind, {{1, 1}, {}, {}}), upstream) << "where nothing is merged";
  targets.mergers = mergers;
  EXPECT_EQ(targets.first(to, kind, merge_terms{}), upstream) << "what shares nothing";
  EXPECT_EQ(targets.first(to, kind, {{1, 4}, {}, {}}), mergers[0]);
  EXPECT_EQ(targets.first(to, kind, {{1, 5}, {}, {}}), mergers[1]);
  EXPECT_EQ(targets.first(to, kind, {{1, 5}, {1, 2}, "q"}), mergers[0]) << "similar ones meet too";
}

} // namespace
} // namespace sluice
