#include "actors/cache/cache_shard_actor.hpp"
#include "tests/support/loop_client.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace sluice {
namespace {

using namespace test;
using namespace std::chrono_literals;

class verdict_reader final : public loop_actor<cache_client_actor> {
public:
  verdict_reader(caf::actor_config& config, io_loop* loop, std::vector<cache_verdict>* log)
      : loop_actor(config, loop), log_(*log) {}

  behavior_type make_behavior() override {
    return {[this](cache_verdict& x) { log_.push_back(std::move(x)); }};
  }

private:
  std::vector<cache_verdict>& log_;
};

struct cache_config : caf::actor_system_config {
  cache_config() { add_message_types<caf::id_block::sluice>(); }
};

/// A shard and a client, both on a loop that the test turns.
class cache_shard_actor_test : public ::testing::Test {
protected:
  cache_shard_actor_test() {
    loop_.attach(sys_);
    configuration settings;
    settings.optimizer.cache_size = 10;
    settings.cache.ttl_jitter_percent = 0;
    shard_ =
        sys_.spawn<cache_shard>(&loop_, 0U, hot_cache_settings_of(settings, 1, 1), monitor_actor{});
    client_ = sys_.spawn<verdict_reader>(&loop_, &verdicts_);
    turn(loop_);
  }

  ~cache_shard_actor_test() override {
    caf::anon_send_exit(client_, caf::exit_reason::user_shutdown);
    caf::anon_send(shard_, drain{});
    turn(loop_);
    client_ = nullptr;
    shard_ = nullptr;
    turn(loop_);
  }

  void ask(uint64_t call, uint64_t key, std::chrono::seconds age_max = -1s) {
    caf::anon_send(shard_, cache_lookup{call, client_, {key, key}, age_max});
    turn(loop_);
  }

  cache_config config_;
  io_loop loop_{0};
  caf::actor_system sys_{config_};
  std::vector<cache_verdict> verdicts_;
  cache_shard_actor shard_;
  cache_client_actor client_;
};

TEST_F(cache_shard_actor_test, answers_each_lookup_once_with_what_it_was_given) {
  ask(1, 7);
  cached_answer answer{"{}", 0, "p/m", {1, 0, 0, 2, 0}, true, {55}};
  caf::anon_send(shard_, cache_fill{{7, 7}, answer, 60s});
  ask(2, 7);
  ask(3, 8);
  ASSERT_EQ(verdicts_.size(), 3U);
  EXPECT_EQ(verdicts_[0].call, 1U);
  EXPECT_EQ(verdicts_[0].result, cache_result::miss);
  EXPECT_EQ(verdicts_[1].call, 2U);
  EXPECT_EQ(verdicts_[1].result, cache_result::hot);
  EXPECT_EQ(verdicts_[1].answer.content, "{}");
  EXPECT_EQ(verdicts_[1].answer.deployment, "p/m");
  EXPECT_EQ(verdicts_[1].answer.cost, nanousd{55});
  EXPECT_EQ(verdicts_[1].age, 0s);
  EXPECT_GE(verdicts_[1].expires, 50s);
  EXPECT_EQ(verdicts_[2].result, cache_result::miss);
}

TEST(hot_cache_settings_test, shards_share_the_bounds) {
  configuration settings;
  settings.optimizer.cache_size = 1'000;
  settings.cache.bytes_max = 9'000'000;
  auto part = hot_cache_settings_of(settings, 3, 1);
  EXPECT_EQ(part.bounds.entries, 333U);
  EXPECT_EQ(part.bounds.bytes, 3'000'000U);
  EXPECT_EQ(part.ttl, settings.cache.ttl);
}

TEST(hot_cache_settings_test, all_shards_together_hold_no_more_than_they_may) {
  configuration settings;
  settings.cache.enabled = true;
  for (uint64_t entries : {1U, 2U, 3U, 7U, 10U, 255U, 256U, 257U, 1'000U})
    for (uint32_t wanted : {0U, 1U, 2U, 3U, 16U, 256U}) {
      settings.optimizer.cache_size = entries;
      settings.cache.shards = wanted;
      auto shards = cache_shards_of(settings, 4);
      ASSERT_GE(shards, 1U);
      auto part = hot_cache_settings_of(settings, shards, 1);
      EXPECT_GE(part.bounds.entries, 1U);
      EXPECT_LE(part.bounds.entries * shards, entries) << wanted << " shards";
      EXPECT_LE(part.bounds.bytes * shards, settings.cache.bytes_max);
    }
}

TEST(hot_cache_settings_test, entries_are_no_more_than_the_bytes_have_room_for) {
  configuration settings;
  settings.optimizer.cache_size = 100'000'000;
  settings.cache.bytes_max = 1024 * 1024;
  EXPECT_EQ(hot_cache_settings_of(settings, 1, 1).bounds.entries, 2'048U);
  EXPECT_EQ(hot_cache_settings_of(settings, 256, 1).bounds.entries, 8U);
}

TEST(cache_shards_test, there_are_as_many_as_wanted_that_can_have_an_entry) {
  configuration settings;
  EXPECT_EQ(cache_shards_of(settings, 4), 0U) << "the cache is off";
  settings.cache.enabled = true;
  EXPECT_EQ(cache_shards_of(settings, 4), 4U) << "one a loop";
  settings.cache.shards = 7;
  EXPECT_EQ(cache_shards_of(settings, 4), 7U);
  settings.optimizer.cache_size = 3;
  EXPECT_EQ(cache_shards_of(settings, 4), 3U);
  settings.cache.shards = 0;
  EXPECT_EQ(cache_shards_of(settings, 4), 3U);
  settings.optimizer.cache_size = 0;
  EXPECT_EQ(cache_shards_of(settings, 4), 0U);
}

} // namespace
} // namespace sluice
