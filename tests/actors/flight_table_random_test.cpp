#include "actors/batching/flight_table.hpp"
#include "tests/support/random_test.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>

namespace sluice {
namespace {

using namespace std::chrono_literals;

/// Callers, clients and an upstream that do what they like, and a table between them. Every answer
/// says which key it is for and who made it, so that a wrong one is seen.
class flight_table_random_test : public test::random_test {
protected:
  struct caller {
    uint64_t key = 0;
    bool streams = false;
    bool over = false;
    bool cancelled = false;
    uint64_t ends = 0;
    uint64_t taken = 0;
    std::string got;
    call_share share;
  };
  struct made_call {
    uint64_t key = 0;
    bool streams = false;
    bool over = false;
    uint64_t allowed = 0; ///< bytes that may be sent
    std::string sent;
  };

  flight_table_random_test() {
    settings_.replay_bytes_max = 200 + below(600);
    settings_.joiners_max = static_cast<uint32_t>(1 + below(12));
    settings_.stream_window = 50 + below(100);
    settings_.replay_bytes_total_max = 1'000 + below(3'000);
    settings_.time_max = 1s;
    table_ = std::make_unique<flight_table>(settings_, 1'000'000);
  }

  void ask() {
    upstream_call x;
    x.call = next_++;
    auto key = 1 + below(4);
    x.merge.exact = {key, key};
    x.mode = below(2) == 0 ? reply_mode::whole : reply_mode::stream;
    x.deployment = "p/m";
    x.body = shared_body{std::to_string(key)};
    auto& who = callers_[x.call];
    who.key = key;
    who.streams = x.mode == reply_mode::stream;
    if (table_->take(x, now_, out_))
      out_.calls.push_back(std::move(x));
  }

  template <class Map>
  typename Map::value_type* any(Map& of) {
    std::vector<typename Map::value_type*> alive;
    for (auto& x : of)
      if (!x.second.over)
        alive.push_back(&x);
    return alive.empty() ? nullptr : alive[below(alive.size())];
  }

  void upstream_does_something() {
    auto* found = any(made_);
    if (!found)
      return;
    auto& [number, x] = *found;
    auto dice = below(10);
    if (dice == 0 && x.sent.empty()) {
      x.over = true;
      upstream_failure failed{number, {}, {}};
      failed.why.code = below(3) == 0 ? ec::upstream_rejected : ec::upstream_failed;
      return table_->failed(std::move(failed), now_, out_);
    }
    if (!x.streams) {
      x.over = true;
      upstream_reply reply;
      reply.call = number;
      reply.body = std::to_string(x.key) + ":" + std::to_string(number);
      return table_->replied(std::move(reply), now_, out_);
    }
    if (dice < 7 && x.sent.size() < x.allowed) {
      auto text = std::to_string(x.key) + ":" + std::to_string(x.sent.size()) + " " +
                  std::string(below(40), 'x') + ";";
      x.sent += text;
      return table_->streamed({number, text, 1, {}, {}}, out_);
    }
    if (dice > 8) {
      x.over = true;
      stream_end end;
      end.call = number;
      end.why.code = below(4) == 0 ? ec::upstream_stream_cut : ec::none;
      table_->ended(std::move(end), now_, out_);
    }
  }

  void client_does_something() {
    auto* found = any(callers_);
    if (!found)
      return;
    auto& [number, x] = *found;
    if (below(12) == 0) {
      x.over = x.cancelled = true;
      return table_->cancel(number, out_);
    }
    if (auto unread = x.got.size() - x.taken; unread > 0) {
      auto bytes = 1 + below(unread);
      x.taken += bytes;
      table_->credit({number, bytes}, out_);
    }
  }

  void obey() {
    for (auto& x : out_.calls) {
      auto& call = made_[x.call];
      call.key = x.merge.exact.high;
      call.streams = x.mode == reply_mode::stream;
      call.allowed = settings_.stream_window;
      EXPECT_EQ(x.body.str(), std::to_string(call.key));
    }
    for (auto& x : out_.notes)
      if (auto* credit = std::get_if<stream_credit>(&x.what)) {
        made_.at(credit->call).allowed += credit->bytes;
      } else {
        auto& call = made_.at(std::get<cancel_call>(x.what).call);
        EXPECT_FALSE(call.over);
        call.over = true;
      }
    for (auto& x : out_.answers)
      std::visit([this](auto& what) { hear(what); }, x.what);
    out_.clear();
  }

  caller& alive(uint64_t call) {
    auto& x = callers_.at(call);
    EXPECT_FALSE(x.over) << "nothing follows the end of call " << call;
    return x;
  }
  void hear(const upstream_reply& x) {
    auto& who = alive(x.call);
    EXPECT_EQ(x.body.substr(0, 2), std::to_string(who.key) + ":");
    paid_[x.body] += x.share.joined ? 0 : 1;
    finish(who);
  }
  void hear(const upstream_failure& x) {
    auto& who = alive(x.call);
    EXPECT_TRUE(who.got.empty());
    finish(who);
  }
  void hear(const stream_block& x) {
    auto& who = alive(x.call);
    EXPECT_GT(x.count, 0U);
    EXPECT_LT(who.got.size() - who.taken, settings_.stream_window);
    who.got += x.events;
  }
  void hear(const stream_end& x) {
    auto& who = alive(x.call);
    // It has all that one call of its key sent, byte for byte.
    EXPECT_TRUE(std::any_of(made_.begin(), made_.end(), [&](auto& made) {
      return made.second.key == who.key && made.second.streams && made.second.over &&
             made.second.sent == who.got;
    })) << who.got;
    finish(who);
  }
  void finish(caller& x) {
    ++x.ends;
    x.over = true;
  }

  void check() {
    size_t streams = 0;
    for (auto& [number, x] : made_)
      streams += x.streams ? 1 : 0;
    size_t waiting = 0;
    for (auto& [number, x] : callers_)
      waiting += x.over ? 0 : 1;
    EXPECT_EQ(table_->members(), waiting);
    EXPECT_LE(table_->flights(), waiting);
    // What may be kept of each, a window that was under way, and the block that went over it.
    EXPECT_LE(table_->bytes_kept(),
              streams * (settings_.replay_bytes_max + settings_.stream_window + 60));
  }

  flight_settings settings_;
  std::unique_ptr<flight_table> table_;
  flight_orders out_;
  steady_time now_{1h};
  uint64_t next_ = 1;
  std::map<uint64_t, caller> callers_;
  std::map<uint64_t, made_call> made_;
  std::map<std::string, int> paid_;
};

TEST_F(flight_table_random_test, every_call_is_answered_once_and_right) {
  for (int step = 0; step < 4'000 && !HasFailure(); ++step) {
    now_ += std::chrono::milliseconds{below(5)};
    auto dice = below(10);
    if (dice < 3)
      ask();
    else if (dice < 7)
      upstream_does_something();
    else
      client_does_something();
    obey();
    check();
  }
  // Everybody takes what there is, and the upstream says all it has to say.
  for (int step = 0; step < 200'000 && !table_->empty() && !HasFailure(); ++step) {
    upstream_does_something();
    obey();
    for (auto& [number, x] : callers_)
      if (!x.over && x.got.size() > x.taken) {
        table_->credit({number, x.got.size() - std::exchange(x.taken, x.got.size())}, out_);
        obey();
      }
  }
  EXPECT_TRUE(table_->empty());
  EXPECT_EQ(table_->members(), 0U);
  EXPECT_EQ(table_->bytes_kept(), 0U);
  for (auto& [number, x] : callers_)
    EXPECT_EQ(x.ends, x.cancelled ? 0U : 1U) << number;
  for (auto& [body, times] : paid_)
    EXPECT_EQ(times, 1) << body;
}

} // namespace
} // namespace sluice
