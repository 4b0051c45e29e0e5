#include "storage/answer_lines.hpp"

#include "runtime/ec.hpp"
#include "tests/support/answer_fixture.hpp"

#include <gmock/gmock.h>

#include <limits>

namespace sluice {
namespace {

using namespace std::chrono_literals;
using test::answer_of;
using testing::HasSubstr;

class answer_lines_test : public test::answer_store_fixture {
protected:
  std::vector<std::string> exported(answer_store& from) {
    std::vector<std::string> lines;
    auto done = export_answers(from, now, [&](std::string_view line) {
      lines.emplace_back(line);
      return caf::error{};
    });
    EXPECT_TRUE(done) << message_of(done.error());
    if (done)
      last = *done;
    return lines;
  }
  caf::expected<answer_import> imported(answer_store& to, const std::vector<std::string>& lines) {
    size_t i = 0;
    return import_answers(to, now, [&](std::string& line) {
      if (i == lines.size())
        return false;
      line = lines[i++];
      return true;
    });
  }
  static std::string line(uint64_t number) {
    auto x = answer_of(number);
    return line_of(x.meta, x.answer);
  }
  /// What is wrong with a good line in which `from` stands as `to`.
  static std::string complaint(std::string_view from, std::string_view to) {
    auto text = line(1);
    auto at = text.find(from);
    EXPECT_NE(at, text.npos) << from;
    text.replace(at, from.size(), to);
    auto x = parse_answer_line(text);
    if (x)
      return "";
    EXPECT_EQ(code_of(x.error()), ec::invalid_value);
    return message_of(x.error());
  }

  answer_export last;
};

TEST_F(answer_lines_test, come_back_as_they_went) {
  auto x = opened();
  for (uint64_t i = 0; i < 600; ++i)
    put(*x, answer_of(i));
  auto odd = answer_of(1'000);
  odd.meta.question = "\"quoted\" \\ \n\t\x01\x7f \xc3\xa4 \xf0\x9f\x98\x80";
  odd.answer.content = std::string("\0{}", 3);
  odd.answer.cost = {std::numeric_limits<int64_t>::min()};
  odd.answer.usage = {};
  odd.answer.usage_known = false;
  odd.meta.scope = {};
  put(*x, odd);
  auto lines = exported(*x);
  EXPECT_EQ(lines.size(), 601u);
  EXPECT_EQ(last.lines, 601u);
  for (auto& line : lines)
    EXPECT_EQ(line.find('\n'), line.npos);
  x = nullptr;

  settings.path += "-2";
  x = opened();
  auto done = imported(*x, lines);
  ASSERT_TRUE(done) << message_of(done.error());
  EXPECT_EQ(done->kept, 601u);
  EXPECT_EQ(present(*x, 600).size(), 600u);
  auto found = read(*x, odd.meta.key);
  ASSERT_TRUE(found);
  EXPECT_TRUE(test::same_entry(*found, odd));
  EXPECT_EQ((*x->describe(odd.meta.key, now))->question, odd.meta.question);
  EXPECT_EQ(exported(*x), lines);
}

TEST_F(answer_lines_test, leave_out_what_json_cannot_hold_and_what_has_expired) {
  auto x = opened();
  auto bytes = answer_of(1);
  bytes.answer.content = "\xff";
  put(*x, bytes);
  put(*x, answer_of(2, test::answer_day, 5s));
  put(*x, answer_of(3));
  auto all = exported(*x);
  EXPECT_EQ(all.size(), 2u);
  EXPECT_EQ(last.left_out, 1u);
  now += 5s;
  EXPECT_EQ(exported(*x).size(), 1u);
  auto done = imported(*x, all);
  ASSERT_TRUE(done);
  EXPECT_EQ(done->kept, 1u);
  EXPECT_EQ(done->expired, 1u);
}

TEST_F(answer_lines_test, end_where_they_cannot_be_taken) {
  auto x = opened();
  put(*x, answer_of(1));
  auto done = export_answers(
      *x, now, [](std::string_view) { return make_error(ec::io_failed, "the disk is full"); });
  ASSERT_FALSE(done);
  EXPECT_EQ(code_of(done.error()), ec::io_failed);
}

TEST_F(answer_lines_test, name_the_line_that_is_wrong_and_keep_those_before_it) {
  auto x = opened();
  auto done = imported(*x, {line(1), line(2), "{}", line(3)});
  ASSERT_FALSE(done);
  EXPECT_EQ(code_of(done.error()), ec::invalid_value);
  EXPECT_THAT(message_of(done.error()), HasSubstr("line 3: 'key' is missing"));
  EXPECT_EQ(present(*x, 5), (std::vector<uint64_t>{1, 2}));
}

TEST_F(answer_lines_test, are_read_strictly) {
  EXPECT_EQ(complaint("\"usage\"", "\"usage\""), "");
  EXPECT_THAT(complaint("{", ""), HasSubstr("is not JSON"));
  EXPECT_THAT(complaint("\"tenant\"", "\"tenants\""), HasSubstr("'tenant' is missing"));
  EXPECT_THAT(complaint("\"tenant\"", "\"more\":1,\"tenant\""), HasSubstr("does not have"));
  EXPECT_THAT(complaint("\"tenant\"", "\"tenant\":\"a\",\"tenant\""), HasSubstr("twice"));
  EXPECT_THAT(complaint("\"tenant\":\"", "\"tenant\":1,\"\":\""),
              HasSubstr("'tenant' must be a text"));
  EXPECT_THAT(complaint("\"key\":\"", "\"key\":\"0"), HasSubstr("'key' must be 32"));
  EXPECT_THAT(complaint("\"key\":\"", "\"key\":\"x"), HasSubstr("'key' must be 32"));
  EXPECT_THAT(complaint("\"input\":", "\"input\":-"), HasSubstr("'usage.input' must be"));
  EXPECT_THAT(complaint("\"input\":", "\"inputs\":"), HasSubstr("'usage.input' is missing"));
  EXPECT_THAT(complaint("\"usage\":{", "\"usage\":{\"more\":1,"), HasSubstr("does not have"));
  EXPECT_THAT(complaint("\"cost_nanousd\":", "\"cost_nanousd\":0.5,\"\":"),
              HasSubstr("'cost_nanousd' must be"));
  EXPECT_THAT(complaint("\"cost_nanousd\":", "\"cost_nanousd\":9223372036854775808,\"\":"),
              HasSubstr("'cost_nanousd' must be"));
  EXPECT_THAT(complaint("\"events\":", "\"events\":4294967296,\"\":"),
              HasSubstr("'events' must be"));
  EXPECT_THAT(complaint("\"created\":", "\"created\":-1,\"\":"), HasSubstr("'created' must be"));
  for (auto text : {"", "[]", "null", "{\"key\":", "\xff"})
    EXPECT_FALSE(parse_answer_line(text)) << text;
}

TEST_F(answer_lines_test, are_bounded) {
  auto x = parse_answer_line(std::string(answer_line_bytes_max + 1, ' '));
  ASSERT_FALSE(x);
  EXPECT_THAT(message_of(x.error()), HasSubstr("longer"));
}

} // namespace
} // namespace sluice
