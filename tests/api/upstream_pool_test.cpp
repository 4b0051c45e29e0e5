#include "tests/api/upstream_fixture.hpp"

namespace sluice {
namespace {

using namespace test;
using namespace std::chrono_literals;

/// What calls share: connections, queue, breaker, the end.
class upstream_pool_test : public upstream_fixture {
protected:
  /// A call that is answered on connection `i` as its request number `n`.
  void answered(size_t i, size_t n) {
    auto& x = start();
    request(i, n).write(whole("{}"));
    wait_over(x);
    EXPECT_TRUE(x.reply);
  }
  void failed(size_t i, size_t n) {
    auto& x = start();
    request(i, n).write(whole("{}", "500 Internal Server Error"));
    EXPECT_EQ(failure_code(x), ec::upstream_failed);
  }
};

TEST_F(upstream_pool_test, uses_a_connection_again) {
  use();
  for (size_t n = 1; n <= 5; ++n)
    answered(0, n);
  auto& x = start(reply_mode::stream);
  request(0, 6).write(stream_head() + chunk(content("a") + done) + last_chunk);
  wait_over(x);
  answered(0, 7);
  EXPECT_EQ(peers.size(), 1U);
}

TEST_F(upstream_pool_test, opens_a_connection_for_each_call_in_work) {
  use();
  auto& first = start();
  auto& second = start();
  request(0); // both are in work before one is answered: a free connection would take the second
  request(1);
  request(0).write(whole("{\"n\":0}"));
  request(1).write(whole("{\"n\":1}"));
  wait_over(first);
  wait_over(second);
  ASSERT_TRUE(first.reply && second.reply);
  EXPECT_NE(first.reply->body, second.reply->body);
}

TEST_F(upstream_pool_test, drops_a_connection_that_the_provider_closed) {
  use();
  answered(0, 1);
  peers[0]->close();
  turn(loop);
  answered(1, 1);
  EXPECT_EQ(peers.size(), 2U);
}

TEST_F(upstream_pool_test, drops_a_connection_that_speaks_unasked) {
  use();
  answered(0, 1);
  peers[0]->write(whole("{\"stale\":true}"));
  wait([&] { return peers[0]->gone; });
  answered(1, 1);
}

TEST_F(upstream_pool_test, drops_a_connection_that_says_more_than_it_was_asked) {
  use();
  auto& x = start();
  request().write(whole("{}") + whole("{\"stale\":true}"));
  wait_over(x);
  EXPECT_TRUE(x.reply);
  answered(1, 1);
  EXPECT_TRUE(peers[0]->gone);
}

TEST_F(upstream_pool_test, drops_a_connection_that_shall_be_closed) {
  use();
  auto& x = start();
  request().write(whole("{}", "200 OK", "Connection: close\r\n"));
  wait_over(x);
  EXPECT_TRUE(x.reply);
  answered(1, 1);
}

TEST_F(upstream_pool_test, drops_connections_that_are_idle_for_long) {
  settings.connection_idle_max = 1ms;
  use();
  answered(0, 1);
  wait([&] { return peers[0]->gone; });
}

TEST_F(upstream_pool_test, lets_only_so_many_calls_wait) {
  settings.connections_max = 1;
  settings.queue_max = 1;
  use();
  auto& first = start();
  request();
  auto& second = start();
  auto& third = start();
  EXPECT_EQ(failure_code(third), ec::overloaded);
  EXPECT_FALSE(third.failed->why.sent);
  EXPECT_FALSE(first.over() || second.over());
  peers[0]->write(whole("{}"));
  wait_over(first);
  request(0, 2).write(whole("{}"));
  wait_over(second);
  EXPECT_TRUE(first.reply && second.reply);
  EXPECT_EQ(peers.size(), 1U);
}

TEST_F(upstream_pool_test, a_waiting_call_keeps_its_deadline) {
  settings.connections_max = 1;
  use();
  start();
  request();
  auto waiting = call_of();
  waiting.until.at = std::chrono::steady_clock::now() + 1ms;
  auto& x = start(std::move(waiting));
  EXPECT_EQ(failure_code(x), ec::deadline_exceeded);
  EXPECT_FALSE(x.failed->why.sent);
}

TEST_F(upstream_pool_test, cancelling_closes_the_connection_without_a_word) {
  use();
  auto& x = start(reply_mode::stream);
  auto& peer = request();
  peer.write(stream_head() + chunk(content("a")));
  wait([&] { return x.count == 1; });
  caf::anon_send(upstream, cancel_call{1});
  wait([&] { return peer.gone; });
  turn(loop);
  EXPECT_FALSE(x.over());
  answered(1, 1);
}

TEST_F(upstream_pool_test, a_cancelled_call_is_never_sent) {
  settings.connections_max = 1;
  use();
  auto& first = start();
  request();
  auto& second = start();
  auto& third = start();
  caf::anon_send(upstream, cancel_call{2});
  caf::anon_send(upstream, cancel_call{77});
  turn(loop); // or the first call's end could come before all this
  peers[0]->write(whole("{}"));
  wait_over(first);
  request(0, 2).write(whole("{}"));
  wait_over(third);
  EXPECT_TRUE(third.reply);
  EXPECT_FALSE(second.over());
}

TEST_F(upstream_pool_test, a_call_may_be_cancelled_while_its_connection_opens) {
  use();
  auto& x = start();
  caf::anon_send(upstream, cancel_call{1});
  turn(loop);
  answered(0, 1);
  EXPECT_FALSE(x.over());
}

TEST_F(upstream_pool_test, cancelling_makes_room_for_who_waits) {
  settings.connections_max = 1;
  use();
  start();
  request();
  auto& second = start();
  caf::anon_send(upstream, cancel_call{1});
  request(1).write(whole("{}"));
  wait_over(second);
  EXPECT_TRUE(second.reply);
}

TEST_F(upstream_pool_test, opens_the_breaker_and_tells_the_router) {
  settings.breaker = {2, 1ms};
  use();
  failed(0, 1);
  EXPECT_TRUE(health.empty());
  failed(0, 2);
  wait([&] { return health.size() == 1; });
  EXPECT_EQ(health[0].deployment, "provider/model");
  EXPECT_FALSE(health[0].available);
  auto ticks = std::chrono::steady_clock::now() + 2ms;
  wait([&] { return std::chrono::steady_clock::now() > ticks; });
  answered(0, 3);
  wait([&] { return health.size() == 2; });
  EXPECT_TRUE(health[1].available);
}

TEST_F(upstream_pool_test, calls_nobody_while_the_breaker_is_open) {
  settings.breaker = {1, 1h};
  use();
  failed(0, 1);
  auto& x = start();
  EXPECT_EQ(failure_code(x), ec::upstream_unavailable);
  EXPECT_FALSE(x.failed->why.sent);
  auto other = call_of();
  other.deployment = "provider/other";
  auto& y = start(std::move(other));
  request(0, 2).write(whole("{}"));
  wait_over(y);
  EXPECT_TRUE(y.reply) << "each deployment has its own";
}

TEST_F(upstream_pool_test, refusals_and_limits_open_no_breaker) {
  settings.breaker = {1, 1h};
  use();
  for (auto* status : {"400 Bad Request", "429 Too Many Requests", "404 Not Found"}) {
    static size_t n = 0;
    auto& x = start();
    request(0, ++n).write(whole("{}", status));
    wait_over(x);
  }
  EXPECT_TRUE(health.empty());
}

TEST_F(upstream_pool_test, a_refused_connection_fails_one_call_each) {
  acceptor.close();
  settings.breaker.failures = 2;
  use();
  auto& first = start();
  auto& second = start();
  EXPECT_EQ(failure_code(first), ec::upstream_unreachable);
  EXPECT_EQ(failure_code(second), ec::upstream_unreachable);
  wait([&] { return health.size() == 1; });
}

TEST_F(upstream_pool_test, tells_the_monitor_of_its_pool) {
  use();
  answered(0, 1);
  wait([&] { return !reports.empty() && reports.back().connections_idle == 1; });
  uint64_t connects = 0;
  for (auto& x : reports)
    connects += x.connects;
  EXPECT_EQ(connects, 1U);
  EXPECT_EQ(reports.back().provider, "provider");
  EXPECT_EQ(reports.back().connections_busy, 0U);
}

TEST_F(upstream_pool_test, draining_ends_at_once_where_there_is_nothing_to_do) {
  use();
  answered(0, 1);
  caf::anon_send(upstream, drain{{std::chrono::steady_clock::now() + 1h}});
  wait([&] { return stopped; });
  wait([&] { return peers[0]->gone; });
}

TEST_F(upstream_pool_test, draining_finishes_the_calls_in_work) {
  use();
  auto& x = start();
  request();
  caf::anon_send(upstream, drain{{std::chrono::steady_clock::now() + 1h}});
  turn(loop);
  EXPECT_FALSE(stopped);
  peers[0]->write(whole("{}"));
  wait([&] { return stopped; });
  EXPECT_TRUE(x.reply);
}

TEST_F(upstream_pool_test, draining_ends_with_the_grace) {
  use();
  start();
  request();
  caf::anon_send(upstream, drain{{std::chrono::steady_clock::now() + 1ms}});
  wait([&] { return stopped; });
  wait([&] { return peers[0]->gone; });
}

} // namespace
} // namespace sluice
