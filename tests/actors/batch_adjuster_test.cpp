#include "actors/batching/batch_adjuster.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <queue>
#include <random>
#include <vector>

namespace sluice {
namespace {

using namespace std::chrono_literals;
using kind = batch_decision::kind;

const steady_time start{1h};

/// The reference upstream, one call at a time, on a clock of its own: events in order of time.
class world {
public:
  explicit world(const adjuster_settings& settings = {}) : adjuster(settings) {}

  double base = 0.275;
  double per_item = 0.0424;
  batch_adjuster adjuster;
  struct answer {
    double arrived;
    double answered;
    double latency() const { return answered - arrived; }
  };
  std::vector<answer> answers;
  std::vector<uint32_t> sizes;
  double held_back = 0; ///< seconds for which a request waited while the upstream was free
  uint32_t clients = 0; ///< of the closed loop: each asks again when it is answered

  void arrive_at(double t) { events_.push({t, order_++, event::arrival, 0}); }

  /// Poisson arrivals from `from` to `to`.
  void poisson(double rate, double from, double to) {
    std::exponential_distribution<double> pause{rate};
    for (auto t = from + pause(random_); t < to; t += pause(random_))
      arrive_at(t);
  }

  void run(double until) {
    while (!events_.empty() && events_.top().at <= until) {
      auto e = events_.top();
      events_.pop();
      now_ = e.at;
      if (e.what == event::arrival) {
        waiting_.push_back(now_);
        adjuster.arrived(time());
      } else if (e.what == event::answer) {
        finish(e.call);
      }
      decide();
    }
    now_ = until;
  }

private:
  struct event {
    double at;
    uint64_t order;
    enum { arrival, answer, alarm } what;
    size_t call;
    bool operator<(const event& x) const { return at != x.at ? at > x.at : order > x.order; }
  };
  struct call {
    double begun;
    std::vector<double> members;
    uint32_t beside;
  };

  steady_time time() const {
    return start + std::chrono::duration_cast<steady_time::duration>(seconds_f{now_});
  }

  void finish(size_t i) {
    --in_flight_;
    auto& x = calls_[i];
    for (auto arrived : x.members) {
      answers.push_back({arrived, now_});
      if (clients > 0)
        arrive_at(now_);
    }
    auto took = std::chrono::duration_cast<std::chrono::nanoseconds>(seconds_f{now_ - x.begun});
    adjuster.finished({static_cast<uint32_t>(x.members.size()), took, x.beside, !waiting_.empty()},
                      time());
  }

  void decide() {
    while (!waiting_.empty()) {
      auto oldest =
          start + std::chrono::duration_cast<steady_time::duration>(seconds_f{waiting_.front()});
      auto x =
          adjuster.decide({static_cast<uint32_t>(waiting_.size()), oldest, in_flight_, {}}, time());
      if (x.what == kind::wait) {
        auto until = std::chrono::duration<double>(x.until - start).count();
        events_.push({std::max(until, now_ + 1e-6), order_++, event::alarm, 0});
      }
      if (x.what != kind::dispatch)
        return;
      begin(x.size);
    }
  }

  void begin(uint32_t size) {
    call x{now_, {}, ++in_flight_};
    while (!waiting_.empty() && x.members.size() < size) {
      x.members.push_back(waiting_.front());
      waiting_.pop_front();
    }
    held_back = std::max(held_back, now_ - std::max(x.members.front(), free_at_));
    free_at_ = std::max(now_, free_at_) + base + per_item * static_cast<double>(x.members.size());
    sizes.push_back(static_cast<uint32_t>(x.members.size()));
    calls_.push_back(x);
    events_.push({free_at_, order_++, event::answer, calls_.size() - 1});
  }

  std::priority_queue<event> events_;
  std::deque<double> waiting_;
  std::vector<call> calls_;
  std::mt19937_64 random_{1};
  uint64_t order_ = 0;
  uint32_t in_flight_ = 0;
  double free_at_ = 0;
  double now_ = 0;
};

double mean_latency(const world& x, double from, double to) {
  double sum = 0;
  int count = 0;
  for (auto& each : x.answers)
    if (each.arrived >= from && each.arrived < to) {
      sum += each.latency();
      ++count;
    }
  return count > 0 ? sum / count : 0;
}

TEST(batch_adjuster_test, sends_a_lone_request_at_once) {
  batch_adjuster x{{}};
  x.arrived(start);
  auto decision = x.decide({1, start, 0, {}}, start);
  EXPECT_EQ(decision.what, kind::dispatch);
}

TEST(batch_adjuster_test, says_so_where_nothing_waits_or_nothing_can_go) {
  batch_adjuster x{{}};
  EXPECT_EQ(x.decide({0, {}, 0, {}}, start).what, kind::idle);
  EXPECT_EQ(x.decide({1, start, x.calls().limit(), {}}, start).what, kind::busy);
}

TEST(batch_adjuster_test, never_holds_a_request_back_at_low_load) {
  world x;
  x.poisson(2, 0, 1'000);
  x.run(1'100);
  EXPECT_GT(x.answers.size(), 1'800U);
  EXPECT_EQ(x.held_back, 0);
}

TEST(batch_adjuster_test, a_thrifty_one_waits_where_company_is_near_and_only_there) {
  adjuster_settings settings;
  settings.thrifty = true;
  batch_adjuster x{settings};
  auto now = start;
  x.arrived(now);
  EXPECT_EQ(x.decide({1, now, 0, {}}, now).what, kind::dispatch) << "the first finds nobody";
  x.arrived(now += 10ms);
  auto decision = x.decide({1, now, 1, {}}, now);
  EXPECT_EQ(decision.what, kind::wait);
  EXPECT_EQ(decision.reason, "company is near");
  EXPECT_EQ(decision.until, now + settings.wait_max);
  EXPECT_EQ(x.decide({8, now, 1, {}}, now).what, kind::dispatch) << "it is full";
  EXPECT_EQ(x.decide({1, now, 0, {}}, now).what, kind::dispatch) << "one who asks again and again";
  EXPECT_EQ(x.decide({1, now, 1, {}}, now + settings.wait_max).what, kind::dispatch);
  x.arrived(now += 1s);
  EXPECT_EQ(x.decide({1, now, 1, {}}, now).what, kind::dispatch) << "the others came long ago";
}

TEST(batch_adjuster_test, fills_batches_with_the_crowd_that_returns) {
  world x;
  x.clients = 32;
  for (uint32_t i = 0; i < x.clients; ++i)
    x.arrive_at(0);
  x.run(200);
  auto full = std::count_if(x.sizes.end() - 50, x.sizes.end(), [](auto n) { return n == 32; });
  EXPECT_GE(full, 47);
  EXPECT_LE(x.held_back, 0.080) << "MAX_WAIT_TIME";
}

TEST(batch_adjuster_test, waits_for_no_crowd_where_one_client_returns) {
  world x;
  x.clients = 1;
  x.arrive_at(0);
  x.run(100);
  EXPECT_EQ(x.held_back, 0);
}

TEST(batch_adjuster_test, settles_within_two_seconds_after_a_step_of_the_load) {
  // What the same stretch of load costs when it has lasted is what it must cost from two seconds
  // after the step on.
  world stepped;
  stepped.poisson(2, 0, 100);
  stepped.poisson(16, 100, 300);
  stepped.poisson(2, 300, 500);
  stepped.run(600);
  world high;
  high.poisson(16, 0, 200);
  high.run(300);
  auto settled = mean_latency(high, 20, 200);
  EXPECT_LT(mean_latency(stepped, 102, 120), 1.35 * settled);
  EXPECT_LT(mean_latency(stepped, 120, 300), 1.15 * settled);
  world low;
  low.poisson(2, 0, 200);
  low.run(300);
  EXPECT_LT(mean_latency(stepped, 302, 320), 1.35 * mean_latency(low, 20, 200));
  EXPECT_LT(mean_latency(stepped, 302, 500), 1.1 * mean_latency(low, 20, 200));
}

TEST(batch_adjuster_test, learns_within_fifty_calls_that_the_upstream_has_changed) {
  world x;
  x.poisson(8, 0, 400);
  x.run(100);
  EXPECT_NEAR(x.adjuster.latency().per_item().count(), 0.0424, 0.002);
  x.per_item *= 2;
  auto before = x.sizes.size();
  auto t = 100.0;
  while (x.sizes.size() < before + 50)
    x.run(t += 0.5);
  EXPECT_NEAR(x.adjuster.latency().per_item().count(), 0.0848, 0.004);
  EXPECT_NEAR(x.adjuster.latency().base().count(), 0.275, 0.02);
}

TEST(batch_adjuster_test, finds_that_the_reference_serves_one_call_at_a_time) {
  world x;
  x.poisson(12, 0, 200);
  x.run(210);
  EXPECT_EQ(x.adjuster.calls().limit(), 1U);
}

TEST(batch_adjuster_test, grows_from_the_start_size_and_shrinks_for_what_is_too_large) {
  adjuster_settings settings;
  settings.size_start = 4;
  settings.size_max = 16;
  batch_adjuster x{settings};
  EXPECT_EQ(x.size_limit(start), 4U);
  for (int i = 0; i < 5; ++i)
    x.finished({4, 400ms, 1, true}, start);
  EXPECT_EQ(x.size_limit(start), 16U);
  x.too_large(10);
  EXPECT_EQ(x.size_limit(start), 5U);
  x.not_batchable(start);
  EXPECT_EQ(x.size_limit(start), 1U);
  EXPECT_GT(x.size_limit(start + 1h), 1U);
}

TEST(batch_adjuster_test, pauses_when_the_upstream_asks_for_it) {
  batch_adjuster x{{}};
  x.overloaded(start, 300ms);
  auto decision = x.decide({1, start, 0, {}}, start);
  EXPECT_EQ(decision.what, kind::wait);
  EXPECT_EQ(decision.until, start + 300ms);
  EXPECT_EQ(x.decide({1, start, 0, {}}, start + 300ms).what, kind::dispatch);
}

TEST(batch_adjuster_test, lets_those_who_have_time_wait_for_a_full_batch) {
  batch_adjuster x{{}};
  auto until = start + 30s;
  auto decision = x.decide({3, start, 0, until}, start);
  EXPECT_EQ(decision.what, kind::wait);
  EXPECT_EQ(decision.until, until);
  EXPECT_EQ(x.decide({8, start, 0, until}, start).what, kind::dispatch) << "it is full";
  EXPECT_EQ(x.decide({3, start, 0, until}, until).what, kind::dispatch);
}

} // namespace
} // namespace sluice
