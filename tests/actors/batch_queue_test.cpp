#include "actors/batching/batch_queue.hpp"

#include <gtest/gtest.h>

namespace sluice {
namespace {

using namespace std::chrono_literals;

const steady_time start{1h};
constexpr batch_queue::limits roomy{32, 1'000'000, 1'000'000};

struct asked {
  std::string tenant;
  uint64_t group = 1;
  urgency patience = urgency::interactive;
  int64_t tokens = 1;
};

class batch_queue_test : public ::testing::Test {
protected:
  uint64_t push(const asked& x) {
    batch_request request;
    request.call.call = ++calls;
    request.call.tenant = x.tenant;
    request.call.patience = x.patience;
    request.call.until.at = start + 1min;
    request.call.body = "body";
    request.terms.group = {0, x.group};
    request.terms.tokens = x.tokens;
    request.arrived = start;
    queue.push(std::move(request));
    return calls;
  }

  std::vector<uint64_t> take(const batch_queue::limits& most = roomy) {
    std::vector<uint64_t> result;
    for (auto& x : queue.take(most))
      result.push_back(x.call.call);
    return result;
  }

  batch_queue queue;
  uint64_t calls = 0;
};

using ids = std::vector<uint64_t>;

TEST_F(batch_queue_test, keeps_the_order_of_one_tenant) {
  for (int i = 0; i < 5; ++i)
    push({"a"});
  EXPECT_EQ(take({3, 100, 100}), (ids{1, 2, 3}));
  EXPECT_EQ(take(), (ids{4, 5}));
  EXPECT_TRUE(queue.empty());
}

TEST_F(batch_queue_test, lets_tenants_take_turns) {
  for (int i = 0; i < 1'000; ++i)
    push({"flood"});
  auto single = push({"single"});
  auto first = take({4, 100, 100});
  EXPECT_NE(std::find(first.begin(), first.end(), single), first.end());
  EXPECT_EQ(queue.size(), 997U);
}

TEST_F(batch_queue_test, begins_with_who_was_served_longest_ago) {
  push({"a"});
  push({"a"});
  push({"b"});
  EXPECT_EQ(take({1, 100, 100}), ids{1});
  EXPECT_EQ(take({1, 100, 100}), ids{3});
  EXPECT_EQ(take({1, 100, 100}), ids{2});
}

TEST_F(batch_queue_test, never_mixes_groups) {
  push({"a", 1});
  push({"a", 2});
  push({"b", 1});
  EXPECT_EQ(queue.like_lead(), 2U);
  EXPECT_EQ(take(), (ids{1, 3}));
  EXPECT_EQ(queue.like_lead(), 1U);
  EXPECT_EQ(take(), ids{2});
  EXPECT_EQ(queue.lead(), nullptr);
}

TEST_F(batch_queue_test, serves_those_who_wait_before_those_who_have_time) {
  push({"a", 1, urgency::deferred});
  push({"a", 1, urgency::flexible});
  push({"a", 1, urgency::interactive});
  EXPECT_EQ(take({2, 100, 100}), (ids{3, 2}));
  EXPECT_EQ(take(), ids{1});
}

TEST_F(batch_queue_test, holds_every_limit_but_takes_one_however_large) {
  push({"a", 1, urgency::interactive, 60});
  push({"a", 1, urgency::interactive, 60});
  push({"a", 1, urgency::interactive, 500});
  EXPECT_EQ(take({32, 100, 1'000}), ids{1}) << "tokens";
  EXPECT_EQ(take({32, 1'000, 4}), ids{2}) << "bytes";
  EXPECT_EQ(take({32, 100, 1'000}), ids{3}) << "too large for any batch: it goes alone";
}

TEST_F(batch_queue_test, what_must_go_again_goes_first) {
  push({"a"});
  auto taken = queue.take({1, 100, 100});
  push({"b"});
  queue.push_front(std::move(taken.front()));
  EXPECT_EQ(take({1, 100, 100}), ids{1});
}

TEST_F(batch_queue_test, forgets_who_left_or_is_late) {
  push({"a"});
  push({"b"});
  push({"b"});
  EXPECT_TRUE(queue.remove(2));
  EXPECT_FALSE(queue.remove(2));
  EXPECT_EQ(queue.size(), 2U);
  EXPECT_TRUE(queue.take_expired(start + 59s).empty());
  EXPECT_EQ(queue.take_expired(start + 1min).size(), 2U);
  EXPECT_TRUE(queue.empty());
  EXPECT_EQ(queue.like_lead(), 0U);
}

} // namespace
} // namespace sluice
