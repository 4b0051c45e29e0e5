#include "actors/cache/checker/check_prompt.hpp"

#include "actors/cache/calls/call_budget.hpp"

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include <limits>

namespace sluice {

namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::Not;

nlohmann::json request_of(const answer_check& x, uint64_t mark = 0x1234) {
  return nlohmann::json::parse(check_request(x, "judge-1", mark));
}

std::string reply_of(const std::string& content) {
  return nlohmann::json{{"choices", {{{"message", {{"content", content}}}}}}}.dump();
}

TEST(check_prompt_test, asks_for_one_word_about_marked_texts) {
  auto body = request_of({1, "t", "How far?", "10 km", "Ten \"kilometres\""});
  EXPECT_EQ(body["model"], "judge-1");
  EXPECT_EQ(body["temperature"], 0);
  EXPECT_EQ(body["max_tokens"], check_output_tokens_max);
  ASSERT_EQ(body["messages"].size(), 2u);
  EXPECT_EQ(body["messages"][0]["role"], "system");
  EXPECT_THAT(body["messages"][0]["content"].get<std::string>(), HasSubstr("0000000000001234"));
  EXPECT_EQ(body["messages"][1]["content"],
            "0000000000001234 question begins\nHow far?\n0000000000001234 question ends\n"
            "0000000000001234 answer 1 begins\n10 km\n0000000000001234 answer 1 ends\n"
            "0000000000001234 answer 2 begins\nTen \"kilometres\"\n0000000000001234 answer 2 "
            "ends\n");
}

TEST(check_prompt_test, cuts_off_what_is_too_long_between_two_characters) {
  std::string longest(check_text_bytes_max, 'x');
  auto text = [&](const std::string& answer) {
    return request_of({1, "t", "q", answer, "b"})["messages"][1]["content"].get<std::string>();
  };
  EXPECT_THAT(text(longest), Not(HasSubstr("cut off")));
  auto cut = text(longest.substr(1) + "\xc3\xa4 and more");
  EXPECT_THAT(cut, HasSubstr("answer 1 is cut off here"));
  EXPECT_THAT(cut, HasSubstr(longest.substr(1) + "\n"));
  EXPECT_THAT(cut, Not(HasSubstr("and more")));
}

TEST(check_prompt_test, takes_texts_that_are_not_utf8) {
  EXPECT_NO_THROW(request_of({1, "t", "\xff", "\xc3", std::string(9'000, '\x80')}));
}

TEST(check_prompt_test, reads_one_of_two_words_and_nothing_else) {
  for (auto text : {"SAME", "same", " Same.\n", "\n\nSAME"})
    EXPECT_EQ(check_outcome_of(reply_of(text)), check_outcome::same) << text;
  for (auto text : {"DIFFERENT", "different."})
    EXPECT_EQ(check_outcome_of(reply_of(text)), check_outcome::different) << text;
  for (auto text : {"", "yes", "SAME DIFFERENT", "not the same", "The answers are the SAME.",
                    "{\"same\": true}", "SAMEDIFFERENT", "."})
    EXPECT_EQ(check_outcome_of(reply_of(text)), check_outcome::unknown) << text;
  for (auto body : {"", "not JSON", "{}", R"({"choices":[]})", R"({"choices":[{"message":{}}]})"})
    EXPECT_EQ(check_outcome_of(body), check_outcome::unknown) << body;
}

constexpr wall_time noon{std::chrono::seconds{1'800'014'400}}; // 2027-01-15 12:00 UTC

TEST(call_budget_test, counts_what_is_under_way_as_what_it_can_cost) {
  call_budget x{{100}};
  EXPECT_TRUE(x.reserve({60}, noon));
  EXPECT_FALSE(x.reserve({41}, noon));
  EXPECT_TRUE(x.reserve({40}, noon));
  x.settle({60}, {10}, noon);
  EXPECT_EQ(x.spent(noon), nanousd{10});
  EXPECT_FALSE(x.reserve({51}, noon));
  EXPECT_TRUE(x.reserve({50}, noon));
  EXPECT_FALSE(x.reserve({std::numeric_limits<int64_t>::max()}, noon));
  EXPECT_FALSE(x.reserve({-1}, noon));
}

TEST(call_budget_test, begins_anew_at_midnight_utc) {
  call_budget x{{100}};
  EXPECT_TRUE(x.reserve({90}, noon));
  x.settle({90}, {90}, noon);
  EXPECT_FALSE(x.reserve({90}, noon + 12h - 1s));
  EXPECT_TRUE(x.reserve({90}, noon + 12h));
  EXPECT_EQ(x.spent(noon + 12h), nanousd{});
  // What ends today is paid for today.
  x.settle({90}, {30}, noon + 12h);
  EXPECT_FALSE(x.reserve({71}, noon + 13h));
  EXPECT_TRUE(x.reserve({70}, noon + 13h));
}

TEST(call_budget_test, a_call_that_cost_more_than_it_could_leaves_nothing) {
  call_budget x{{100}};
  EXPECT_TRUE(x.reserve({10}, noon));
  x.settle({10}, {500}, noon);
  EXPECT_FALSE(x.reserve({0}, noon));
  EXPECT_FALSE(x.reserve({1}, noon));
}

} // namespace

} // namespace sluice
