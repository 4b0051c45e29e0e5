#include "actors/batching/flight_table.hpp"

#include <gtest/gtest.h>

namespace sluice {
namespace {

using namespace std::chrono_literals;

constexpr uint64_t first_own = 1'000;
const fingerprint key_a{1, 1};
const fingerprint key_b{2, 2};

/// One flight table, whose orders the test reads and answers.
class flight_table_test : public ::testing::Test {
protected:
  flight_table_test() {
    settings.replay_bytes_max = 1'000;
    settings.joiners_max = 8;
    settings.stream_window = 100;
    settings.time_max = 60s;
  }

  flight_table& table() {
    if (!made_)
      made_ =
          std::make_unique<flight_table>(settings, first_own, std::make_unique<normalised_text>());
    return *made_;
  }

  static upstream_call call_of(uint64_t number, const fingerprint& exact,
                               reply_mode mode = reply_mode::whole) {
    upstream_call x;
    x.call = number;
    x.deployment = "p/m";
    x.mode = mode;
    x.body = shared_body{"body of " + std::to_string(number)};
    x.merge.exact = exact;
    return x;
  }

  void ask(uint64_t number, const fingerprint& exact, reply_mode mode = reply_mode::whole) {
    ask(call_of(number, exact, mode));
  }
  void ask(upstream_call x) {
    x.until.at = now + 10s;
    out.clear();
    table().take(std::move(x), now, out);
  }
  void reply(uint64_t own, const std::string& body, call_timing timing = {}) {
    out.clear();
    upstream_reply x;
    x.call = own;
    x.body = body;
    x.usage.input = 7;
    x.usage_known = true;
    x.timing = timing;
    table().replied(std::move(x), now, out);
  }
  void fail(uint64_t own, ec code, std::chrono::milliseconds retry_after = -1ms) {
    out.clear();
    upstream_failure x{own, {}, {}};
    x.why.code = code;
    x.why.retry_after = retry_after;
    table().failed(std::move(x), now, out);
  }
  void block(uint64_t own, const std::string& events) {
    out.clear();
    table().streamed({own, events, 1, {{"h", "v"}}, {}}, out);
  }
  void end(uint64_t own, ec code = ec::none) {
    out.clear();
    stream_end x;
    x.call = own;
    x.why.code = code;
    table().ended(std::move(x), now, out);
  }
  void credit(uint64_t call, uint64_t bytes) {
    out.clear();
    table().credit({call, bytes}, out);
  }
  void cancel(uint64_t call) {
    out.clear();
    table().cancel(call, out);
  }

  template <class T>
  std::vector<T> answers() const {
    std::vector<T> result;
    for (auto& x : out.answers)
      if (auto* found = std::get_if<T>(&x.what))
        result.push_back(*found);
    return result;
  }
  /// Bytes that the upstream was given leave for.
  uint64_t leave() const {
    uint64_t result = 0;
    for (auto& x : out.notes)
      if (auto* found = std::get_if<stream_credit>(&x.what))
        result += found->bytes;
    return result;
  }
  bool cancelled(uint64_t own) const {
    for (auto& x : out.notes)
      if (auto* found = std::get_if<cancel_call>(&x.what); found && found->call == own)
        return true;
    return false;
  }

  flight_settings settings;
  steady_time now{1h};
  flight_orders out;

private:
  std::unique_ptr<flight_table> made_;
};

TEST_F(flight_table_test, who_allows_packing_and_who_does_not_never_share_a_call) {
  ask(1, key_a);
  auto packed = call_of(2, key_a);
  packed.pack = packing::allowed;
  ask(packed);
  ASSERT_EQ(out.calls.size(), 1U);
  EXPECT_EQ(out.calls[0].pack, packing::allowed);
  packed.call = 3;
  ask(packed);
  EXPECT_TRUE(out.calls.empty()) << "equal in this, too";
  out.clear();
  upstream_reply x;
  x.call = first_own + 1;
  x.share.packed = 4;
  x.share.input_saved = 99;
  table().replied(std::move(x), now, out);
  auto heard = answers<upstream_reply>();
  ASSERT_EQ(heard.size(), 2U);
  EXPECT_EQ(heard[0].share.input_saved, 99);
  EXPECT_EQ(heard[1].share.input_saved, 0) << "it is counted once";
  EXPECT_EQ(heard[1].share.packed, 4U);
}

TEST_F(flight_table_test, a_note_finds_the_maker_that_its_call_went_to) {
  auto packed = call_of(1, key_a);
  packed.pack = packing::allowed;
  ask(packed);
  cancel(1);
  ASSERT_EQ(out.notes.size(), 1U);
  EXPECT_EQ(out.notes[0].pack, packing::allowed);
}

TEST_F(flight_table_test, the_first_to_hear_of_a_failure_pays_for_what_was_wasted) {
  ask(1, key_a);
  ask(2, key_a);
  out.clear();
  upstream_failure x{first_own, {}, {}};
  x.why.code = ec::upstream_rejected;
  x.wasted_cost = {77};
  table().failed(std::move(x), now, out);
  auto heard = answers<upstream_failure>();
  ASSERT_EQ(heard.size(), 2U);
  EXPECT_EQ(heard[0].wasted_cost, nanousd{77});
  EXPECT_EQ(heard[1].wasted_cost, nanousd{});
}

TEST_F(flight_table_test, equal_requests_share_one_call_and_the_first_pays) {
  ask(1, key_a);
  ASSERT_EQ(out.calls.size(), 1U);
  EXPECT_EQ(out.calls[0].call, first_own);
  EXPECT_EQ(out.calls[0].body.str(), "body of 1");
  ask(2, key_a);
  ask(3, key_a);
  EXPECT_TRUE(out.calls.empty() && out.answers.empty());
  reply(first_own, "answer");
  auto heard = answers<upstream_reply>();
  ASSERT_EQ(heard.size(), 3U);
  for (size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(heard[i].call, i + 1);
    EXPECT_EQ(heard[i].body, "answer");
    EXPECT_EQ(heard[i].usage.input, 7);
    EXPECT_EQ(heard[i].share.joined, i > 0);
    EXPECT_EQ(heard[i].share.cost_known, i > 0);
    EXPECT_EQ(heard[i].share.cost, nanousd{});
  }
  EXPECT_TRUE(table().empty());
  EXPECT_EQ(table().members(), 0U);
  ask(4, key_a);
  EXPECT_EQ(out.calls.size(), 1U) << "what is over is not in flight";
}

TEST_F(flight_table_test, what_differs_is_called_for_itself) {
  ask(1, key_a);
  std::vector<upstream_call> others(6, call_of(0, key_a));
  others[0].merge.exact = key_b;
  others[1].deployment = "p/other";
  others[2].kind = endpoint::completions;
  others[3].mode = reply_mode::stream;
  others[4].path = "elsewhere";
  others[5].merge = {};
  uint64_t number = 2;
  for (auto& x : others) {
    x.call = number++;
    ask(x);
    EXPECT_EQ(out.calls.size(), 1U) << number;
  }
  auto with_usage = call_of(20, key_a, reply_mode::stream);
  with_usage.usage_wanted = true;
  ask(with_usage);
  EXPECT_EQ(out.calls.size(), 1U);
  auto nobody = call_of(21, {});
  ask(nobody);
  EXPECT_EQ(out.calls.size(), 1U) << "nothing is shared without a fingerprint";
}

TEST_F(flight_table_test, who_cannot_wait_joins_nobody_who_can) {
  auto flexible = call_of(1, key_a);
  flexible.patience = urgency::flexible;
  ask(flexible);
  EXPECT_EQ(out.calls[0].until.at, now + 10s) << "a flexible call waits no longer than it said";
  ask(2, key_a);
  ASSERT_EQ(out.calls.size(), 1U);
  EXPECT_EQ(out.calls[0].until.at, now + 60s) << "its joiners may have more time than its leader";
  flexible.call = 3;
  ask(flexible);
  EXPECT_TRUE(out.calls.empty());
}

TEST_F(flight_table_test, starts_another_flight_when_one_is_full) {
  settings.joiners_max = 2;
  ask(1, key_a);
  ask(2, key_a);
  ask(3, key_a);
  ASSERT_EQ(out.calls.size(), 1U);
  ask(4, key_a);
  EXPECT_TRUE(out.calls.empty());
  reply(first_own, "one");
  EXPECT_EQ(answers<upstream_reply>().size(), 2U);
  reply(first_own + 1, "two");
  EXPECT_EQ(answers<upstream_reply>().front().call, 3U);
}

TEST_F(flight_table_test, goes_on_without_its_leader_and_the_next_pays) {
  ask(1, key_a);
  ask(2, key_a);
  ask(3, key_a);
  cancel(1);
  EXPECT_TRUE(out.notes.empty());
  reply(first_own, "answer");
  auto heard = answers<upstream_reply>();
  ASSERT_EQ(heard.size(), 2U);
  EXPECT_FALSE(heard[0].share.joined);
  EXPECT_TRUE(heard[1].share.joined);
}

TEST_F(flight_table_test, cancels_the_call_when_the_last_has_left) {
  ask(1, key_a);
  ask(2, key_a);
  cancel(1);
  cancel(2);
  EXPECT_TRUE(cancelled(first_own));
  EXPECT_TRUE(table().empty());
  cancel(2);
  EXPECT_TRUE(out.notes.empty());
  reply(first_own, "too late");
  EXPECT_TRUE(out.answers.empty());
}

TEST_F(flight_table_test, joiners_of_a_failed_call_are_tried_once_more_together) {
  for (uint64_t i = 1; i <= 3; ++i)
    ask(i, key_a);
  fail(first_own, ec::upstream_failed);
  auto failed = answers<upstream_failure>();
  ASSERT_EQ(failed.size(), 1U);
  EXPECT_EQ(failed[0].call, 1U);
  ASSERT_EQ(out.calls.size(), 1U);
  EXPECT_EQ(out.calls[0].body.str(), "body of 2");
  ask(4, key_a);
  EXPECT_TRUE(out.calls.empty()) << "the new flight may be joined";
  fail(first_own + 1, ec::upstream_failed);
  EXPECT_EQ(answers<upstream_failure>().size(), 3U);
  EXPECT_TRUE(out.calls.empty() && table().empty());
}

TEST_F(flight_table_test, joiners_outlive_the_deadline_of_their_leader) {
  ask(1, key_a);
  ask(2, key_a);
  cancel(1);
  fail(first_own, ec::upstream_timeout);
  EXPECT_TRUE(answers<upstream_failure>().empty());
  ASSERT_EQ(out.calls.size(), 1U);
  reply(first_own + 1, "answer");
  ASSERT_EQ(answers<upstream_reply>().size(), 1U);
  EXPECT_FALSE(answers<upstream_reply>()[0].share.joined);
}

TEST_F(flight_table_test, what_concerns_all_is_told_to_all) {
  for (auto code : {ec::upstream_rejected, ec::upstream_rate_limited, ec::overloaded,
                    ec::upstream_unavailable, ec::shutting_down}) {
    auto own = first_own + table().take_counts().calls;
    flight_table fresh{settings, own};
    out.clear();
    fresh.take(call_of(1, key_a), now, out);
    fresh.take(call_of(2, key_a), now, out);
    out.clear();
    upstream_failure x{own, {}, {}};
    x.why.code = code;
    fresh.failed(std::move(x), now, out);
    EXPECT_EQ(answers<upstream_failure>().size(), 2U) << to_string_view(code);
    EXPECT_TRUE(out.calls.empty());
  }
  failure why;
  why.code = ec::upstream_failed;
  EXPECT_FALSE(concerns_all(why));
  why.retry_after = 0ms;
  EXPECT_TRUE(concerns_all(why)) << "the upstream asked to wait";
  why.retry_after = -1ms;
  why.should_retry_said = true;
  EXPECT_TRUE(concerns_all(why)) << "the upstream asked not to try again";
  why.should_retry = true;
  EXPECT_FALSE(concerns_all(why));
}

TEST_F(flight_table_test, a_joiners_time_counts_from_its_joining) {
  ask(1, key_a);
  now += 400ms;
  ask(2, key_a);
  now += 600ms;
  reply(first_own, "answer", {990ms, 290ms});
  auto heard = answers<upstream_reply>();
  EXPECT_EQ(heard[0].timing.total, 990ms);
  EXPECT_EQ(heard[1].timing.total, 600ms);
  EXPECT_EQ(heard[1].timing.first_byte, 0ms) << "it was there before";
}

TEST_F(flight_table_test, a_late_joiner_of_a_stream_gets_all_of_it) {
  ask(1, key_a, reply_mode::stream);
  block(first_own, "one ");
  EXPECT_EQ(answers<stream_block>()[0].headers.size(), 1U);
  EXPECT_FALSE(answers<stream_block>()[0].share.joined);
  block(first_own, "two ");
  EXPECT_TRUE(answers<stream_block>()[0].headers.empty());
  ask(2, key_a, reply_mode::stream);
  auto heard = answers<stream_block>();
  ASSERT_EQ(heard.size(), 1U);
  EXPECT_EQ(heard[0].events, "one two ");
  EXPECT_EQ(heard[0].count, 2U);
  EXPECT_EQ(heard[0].headers.size(), 1U);
  EXPECT_TRUE(heard[0].share.joined);
  block(first_own, "three");
  EXPECT_EQ(answers<stream_block>().size(), 2U);
  end(first_own);
  auto ends = answers<stream_end>();
  ASSERT_EQ(ends.size(), 2U);
  EXPECT_FALSE(ends[0].share.joined);
  EXPECT_TRUE(ends[1].share.joined);
  EXPECT_TRUE(table().empty());
  EXPECT_EQ(table().bytes_kept(), 0U);
}

TEST_F(flight_table_test, nobody_joins_a_stream_that_is_longer_than_what_is_kept) {
  ask(1, key_a, reply_mode::stream);
  for (int i = 0; i < 11; ++i) {
    block(first_own, std::string(100, 'x'));
    credit(1, 100);
  }
  EXPECT_EQ(table().bytes_kept(), 0U);
  ask(2, key_a, reply_mode::stream);
  EXPECT_EQ(out.calls.size(), 1U);
}

TEST_F(flight_table_test, keeps_no_more_of_all_streams_than_it_may) {
  settings.replay_bytes_total_max = 150;
  ask(1, key_a, reply_mode::stream);
  ask(2, key_b, reply_mode::stream);
  block(first_own, std::string(90, 'x'));
  block(first_own + 1, std::string(90, 'x'));
  EXPECT_EQ(table().bytes_kept(), 90U);
  ask(3, key_a, reply_mode::stream);
  EXPECT_TRUE(out.calls.empty());
  ask(4, key_b, reply_mode::stream);
  EXPECT_EQ(out.calls.size(), 1U);
}

TEST_F(flight_table_test, a_slow_member_gets_what_its_window_allows) {
  ask(1, key_a, reply_mode::stream);
  ask(2, key_a, reply_mode::stream);
  for (int i = 0; i < 5; ++i) {
    block(first_own, std::string(100, static_cast<char>('a' + i)));
    EXPECT_EQ(answers<stream_block>().size(), i == 0 ? 2U : 1U);
    credit(1, 100);
    EXPECT_EQ(leave(), 100U) << "the upstream follows the fastest";
  }
  end(first_own);
  EXPECT_EQ(answers<stream_end>().size(), 1U);
  EXPECT_FALSE(answers<stream_end>()[0].share.joined);
  std::string rest;
  for (int i = 0; i < 4; ++i) {
    credit(2, 100);
    EXPECT_EQ(leave(), 0U);
    for (auto& x : answers<stream_block>())
      rest += x.events;
  }
  EXPECT_EQ(rest.size(), 400U);
  EXPECT_EQ(answers<stream_end>().size(), 1U) << "with its last block";
  EXPECT_TRUE(answers<stream_end>()[0].share.joined);
  EXPECT_TRUE(table().empty());
}

TEST_F(flight_table_test, the_slowest_member_holds_the_upstream_back_in_the_end) {
  settings.replay_bytes_max = 300;
  ask(1, key_a, reply_mode::stream);
  ask(2, key_a, reply_mode::stream);
  uint64_t allowed = settings.stream_window;
  uint64_t sent = 0;
  for (int i = 0; i < 20 && sent < allowed; ++i) {
    block(first_own, std::string(50, 'x'));
    sent += 50;
    credit(1, 50);
    allowed += leave();
  }
  EXPECT_EQ(sent, 400U) << "what is kept, and a window";
  cancel(2);
  EXPECT_EQ(leave(), 100U) << "who held the others back has left";
  EXPECT_EQ(table().bytes_kept(), 0U);
}

TEST_F(flight_table_test, a_stream_cut_after_content_ends_the_same_for_all) {
  ask(1, key_a, reply_mode::stream);
  ask(2, key_a, reply_mode::stream);
  block(first_own, "begun");
  end(first_own, ec::upstream_stream_cut);
  auto ends = answers<stream_end>();
  ASSERT_EQ(ends.size(), 2U);
  for (auto& x : ends)
    EXPECT_EQ(x.why.code, ec::upstream_stream_cut);
  EXPECT_TRUE(out.calls.empty());
}

TEST_F(flight_table_test, somebody_pays_for_a_stream_whose_leader_lags) {
  ask(1, key_a, reply_mode::stream);
  ask(2, key_a, reply_mode::stream);
  block(first_own, std::string(100, 'x'));
  credit(2, 100);
  block(first_own, std::string(100, 'y'));
  end(first_own);
  ASSERT_EQ(answers<stream_end>().size(), 1U);
  EXPECT_EQ(answers<stream_end>()[0].call, 2U);
  EXPECT_FALSE(answers<stream_end>()[0].share.joined) << "the first to get to the end pays";
  credit(1, 100);
  EXPECT_TRUE(answers<stream_end>()[0].share.joined);
}

TEST_F(flight_table_test, similar_questions_share_only_where_that_is_allowed) {
  auto question = [](uint64_t number, const fingerprint& exact, const char* text) {
    auto x = call_of(number, exact);
    x.merge.scope = {9, 9};
    x.merge.question = text;
    return x;
  };
  ask(question(1, {1, 1}, "What is  the capital of France?"));
  ask(question(2, {2, 2}, "what is the capital of france"));
  EXPECT_EQ(out.calls.size(), 1U);
  settings.similar = true;
  settings.similarity_min = 0.85;
  flight_table allowed{settings, first_own, std::make_unique<normalised_text>()};
  auto take = [&](upstream_call x) {
    out.clear();
    allowed.take(std::move(x), now, out);
    return out.calls.size();
  };
  EXPECT_EQ(take(question(1, {1, 1}, "What is  the capital of France?")), 1U);
  EXPECT_EQ(take(question(2, {2, 2}, "what is the capital of france")), 0U);
  EXPECT_EQ(take(question(3, {3, 3}, "what is the capital of Spain")), 1U);
  auto elsewhere = question(4, {4, 4}, "what is the capital of france");
  elsewhere.merge.scope = {8, 8};
  EXPECT_EQ(take(elsewhere), 1U);
}

} // namespace
} // namespace sluice
