#include "tests/actors/flight_table_fixture.hpp"

namespace sluice {
namespace {

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

} // namespace
} // namespace sluice
