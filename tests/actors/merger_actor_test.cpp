#include "actors/batching/merger_actor.hpp"
#include "tests/support/heard_client.hpp"
#include "tests/support/loop_client.hpp"

#include <gtest/gtest.h>

namespace sluice {
namespace {

using namespace test;
using namespace std::chrono_literals;

/// What an upstream was told.
struct told {
  std::vector<upstream_call> calls;
  std::vector<stream_credit> credits;
  std::vector<cancel_call> cancels;
};

class spy_upstream final : public loop_actor<upstream_actor> {
public:
  spy_upstream(caf::actor_config& config, io_loop* loop, told* log)
      : loop_actor(config, loop), log_(*log) {}

  behavior_type make_behavior() override {
    return {
        [this](upstream_call& x) { log_.calls.push_back(std::move(x)); },
        [this](const stream_credit& x) { log_.credits.push_back(x); },
        [this](const cancel_call& x) { log_.cancels.push_back(x); },
        [this](const drain&) { this->quit(); },
    };
  }

private:
  told& log_;
};

/// A client on the merger's loop that takes answers straight, and asks again as soon as it hears of
/// a failure.
class hasty_client final : public loop_actor<call_client_actor>, public neighbour {
public:
  hasty_client(caf::actor_config& config, io_loop* loop, merger_actor to,
               std::vector<uint64_t>* log)
      : loop_actor(config, loop), to_(std::move(to)), answered_(*log) {
    loop->move_in(this, this);
  }

  using neighbour::take;
  void take(upstream_reply&& x) override { answered_.push_back(x.call); }
  void take(upstream_failure&& x) override { ask(x.call + 100); }
  void ask(uint64_t number) {
    upstream_call x;
    x.call = number;
    x.client = caf::actor_cast<call_client_actor>(this);
    x.deployment = "p/m";
    x.until.at = std::chrono::steady_clock::now() + 10s;
    x.merge.exact = {9, 9};
    this->tell(to_, std::move(x));
  }

  void on_exit() override {
    loop().move_out(this);
    to_ = nullptr;
  }

  behavior_type make_behavior() override {
    return {
        [this](upstream_reply& x) { take(std::move(x)); },
        [this](upstream_failure& x) { take(std::move(x)); },
        [](stream_block&) {},
        [](stream_end&) {},
    };
  }

private:
  merger_actor to_;
  std::vector<uint64_t>& answered_;
};

struct merger_config : caf::actor_system_config {
  merger_config() { add_message_types<caf::id_block::sluice>(); }
};

/// A merger between a client and two upstreams, all on a loop that the test turns.
class merger_actor_test : public ::testing::Test {
protected:
  merger_actor_test() {
    loop_.attach(sys_);
    model listed;
    listed.name = "m";
    for (auto* provider : {"p", "q"}) {
      deployment x;
      x.id = std::string{provider} + "/m";
      x.provider = provider;
      listed.deployments.push_back(std::move(x));
    }
    call_targets targets;
    targets.models = std::make_shared<const catalogue>(std::vector<model>{listed});
    targets.upstreams.emplace("p", sys_.spawn<spy_upstream>(&loop_, &told_["p"]));
    targets.upstreams.emplace("q", sys_.spawn<spy_upstream>(&loop_, &told_["q"]));
    targets_ = targets;
    configuration settings;
    merger_ = sys_.spawn<merger>(&loop_, flight_settings_of(settings), targets, monitor_actor{});
    client_ = sys_.spawn<heard_client>(&loop_, &heard_);
    turn(loop_);
  }

  ~merger_actor_test() override {
    caf::anon_send_exit(client_, caf::exit_reason::user_shutdown);
    caf::anon_send(merger_, drain{});
    for (auto& [name, x] : targets_.upstreams)
      caf::anon_send(x, drain{});
    turn(loop_);
    client_ = nullptr;
    merger_ = nullptr;
    targets_ = {};
    for (auto& [name, x] : told_)
      x.calls.clear();
    turn(loop_);
  }

  void ask(uint64_t number, uint64_t key, reply_mode mode = reply_mode::whole,
           const char* deployment = "p/m") {
    upstream_call x;
    x.call = number;
    x.client = client_;
    x.deployment = deployment;
    x.mode = mode;
    x.until.at = std::chrono::steady_clock::now() + 10s;
    x.merge.exact = {key, key};
    caf::anon_send(merger_, std::move(x));
    turn(loop_);
  }

  /// What the upstream says to the call that it got last.
  template <class T>
  void say(T x, const char* provider = "p") {
    auto& call = told_[provider].calls.back();
    x.call = call.call;
    caf::anon_send(call.client, std::move(x));
    turn(loop_);
  }

  merger_config config_;
  io_loop loop_{3};
  caf::actor_system sys_{config_};
  std::map<std::string, told> told_;
  std::map<uint64_t, heard> heard_;
  call_targets targets_;
  merger_actor merger_;
  call_client_actor client_;
};

TEST_F(merger_actor_test, answers_all_with_one_call_whose_number_is_its_own) {
  for (uint64_t i = 1; i <= 20; ++i)
    ask(i, 5);
  ASSERT_EQ(told_["p"].calls.size(), 1U);
  auto own = told_["p"].calls[0].call;
  EXPECT_EQ(own >> 48, 3U) << "the loop's number";
  EXPECT_EQ(own >> 47 & 1, 1U) << "a merger's";
  upstream_reply reply;
  reply.body = "answer";
  say(reply);
  for (uint64_t i = 1; i <= 20; ++i) {
    ASSERT_TRUE(heard_[i].reply) << i;
    EXPECT_EQ(heard_[i].reply->body, "answer");
    EXPECT_EQ(heard_[i].reply->share.joined, i > 1);
  }
}

TEST_F(merger_actor_test, makes_each_call_at_its_deployments_provider) {
  ask(1, 5);
  ask(2, 5, reply_mode::whole, "q/m");
  EXPECT_EQ(told_["p"].calls.size(), 1U);
  EXPECT_EQ(told_["q"].calls.size(), 1U);
  ask(3, 6, reply_mode::whole, "nobody/m");
  ASSERT_TRUE(heard_[3].failed);
  EXPECT_EQ(heard_[3].failed->why.code, ec::internal);
}

TEST_F(merger_actor_test, streams_to_all_and_passes_credit_and_cancel_on) {
  ask(1, 5, reply_mode::stream);
  say(stream_block{0, "one ", 1, {{"x", "y"}}, {}});
  ask(2, 5, reply_mode::stream);
  say(stream_block{0, "two", 1, {}, {}});
  EXPECT_EQ(heard_[1].events, "one two");
  EXPECT_EQ(heard_[2].events, "one two");
  EXPECT_EQ(heard_[2].headers.size(), 1U);
  caf::anon_send(merger_, stream_credit{2, 4});
  turn(loop_);
  ASSERT_EQ(told_["p"].credits.size(), 1U);
  EXPECT_EQ(told_["p"].credits[0].bytes, 4U);
  caf::anon_send(merger_, cancel_call{1});
  turn(loop_);
  EXPECT_TRUE(told_["p"].cancels.empty());
  caf::anon_send(merger_, cancel_call{2});
  turn(loop_);
  ASSERT_EQ(told_["p"].cancels.size(), 1U);
  EXPECT_EQ(told_["p"].cancels[0].call, told_["p"].calls[0].call);
}

TEST_F(merger_actor_test, tries_once_more_for_those_who_joined) {
  ask(1, 5);
  ask(2, 5);
  upstream_failure failed{};
  failed.why.code = ec::upstream_unreachable;
  say(failed);
  EXPECT_TRUE(heard_[1].failed);
  EXPECT_FALSE(heard_[2].over());
  ASSERT_EQ(told_["p"].calls.size(), 2U);
  say(upstream_reply{});
  EXPECT_TRUE(heard_[2].reply);
}

TEST_F(merger_actor_test, serves_neighbours_that_ask_again_while_they_are_told_of_a_failure) {
  std::vector<uint64_t> answered;
  auto made = sys_.spawn<hasty_client>(&loop_, merger_, &answered);
  auto* client =
      static_cast<hasty_client*>(caf::actor_cast<caf::abstract_actor*>(made)); // on this thread too
  for (uint64_t i = 1; i <= 3; ++i)
    client->ask(i);
  turn(loop_);
  ASSERT_EQ(told_["p"].calls.size(), 1U);
  upstream_failure failed{};
  failed.why.code = ec::upstream_rate_limited; // concerns all three
  say(failed);
  ASSERT_EQ(told_["p"].calls.size(), 2U) << "one call for the three new ones";
  EXPECT_TRUE(answered.empty());
  say(upstream_reply{});
  EXPECT_EQ(answered, (std::vector<uint64_t>{101, 102, 103}));
  caf::anon_send_exit(made, caf::exit_reason::user_shutdown);
  turn(loop_);
}

TEST_F(merger_actor_test, is_no_neighbour_any_more_when_it_has_stopped) {
  auto* who = caf::actor_cast<caf::abstract_actor*>(merger_);
  EXPECT_TRUE(loop_.find_neighbour(who));
  caf::anon_send(merger_, drain{});
  turn(loop_);
  EXPECT_FALSE(loop_.find_neighbour(who));
}

TEST_F(merger_actor_test, stops_when_its_last_flight_has_landed) {
  ask(1, 5);
  caf::scoped_actor self{sys_};
  self->monitor(merger_);
  auto gone = [&] { return self->has_next_message(); };
  caf::anon_send(merger_, drain{{std::chrono::steady_clock::now() + 1min}});
  turn(loop_);
  EXPECT_FALSE(gone());
  say(upstream_reply{});
  turn_until(loop_, gone);
  EXPECT_TRUE(heard_[1].reply);
}

TEST_F(merger_actor_test, stops_at_the_deadline_of_its_drain) {
  ask(1, 5);
  caf::scoped_actor self{sys_};
  self->monitor(merger_);
  caf::anon_send(merger_, drain{{std::chrono::steady_clock::now() + 30ms}});
  turn_until(loop_, [&] { return self->has_next_message(); });
}

} // namespace
} // namespace sluice
