#include "runtime/log.hpp"

#include "runtime/ec.hpp"
#include "runtime/escape.hpp"
#include "runtime/redact.hpp"
#include "runtime/timestamp.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <spdlog/logger.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <unistd.h>

namespace sluice {
namespace {

namespace fs = std::filesystem;

// Never a real key: what must not be found in any line.
constexpr std::string_view canary = "sk-canary-4f9a0c7be21d";

class log_test : public testing::Test {
protected:
  log_test() {
    auto pattern = (fs::temp_directory_path() / "sluice-log-XXXXXX").string();
    folder_ = ::mkdtemp(pattern.data());
  }
  ~log_test() override { fs::remove_all(folder_); }

  log_settings to_file(std::string format, std::string level = "info") const {
    log_settings result;
    result.format = std::move(format);
    result.level = std::move(level);
    result.file = path();
    return result;
  }
  std::string path() const { return folder_ / "node.log"; }
  std::string written() const {
    std::ifstream in(path());
    return (std::ostringstream{} << in.rdbuf()).str();
  }

private:
  fs::path folder_;
};

TEST_F(log_test, console_lines_carry_time_level_and_text) {
  {
    auto log = node_log::open(to_file("console"));
    ASSERT_TRUE(log);
    (*log)->lines()->info("ready on port {}", 8080);
  }
  auto text = written();
  EXPECT_TRUE(text.ends_with("Z info ready on port 8080\n")) << text;
}

TEST_F(log_test, json_lines_are_json_whatever_they_contain) {
  {
    auto log = node_log::open(to_file("json"));
    ASSERT_TRUE(log);
    (*log)->lines()->warn("quote \" slash \\ line\nend \x1b[2J \xff");
  }
  auto line = nlohmann::json::parse(written());
  EXPECT_EQ(line["level"], "warning");
  EXPECT_EQ(line["message"], "quote \" slash \\ line\nend \x1b[2J \uFFFD");
}

TEST_F(log_test, a_line_break_in_a_message_stays_in_its_line) {
  {
    auto log = node_log::open(to_file("console"));
    ASSERT_TRUE(log);
    (*log)->lines()->info("one\ntwo");
  }
  EXPECT_TRUE(written().ends_with("one\\x0atwo\n")) << written();
}

TEST_F(log_test, no_key_reaches_the_file) {
  for (auto format : {"console", "json"}) {
    auto log = node_log::open(to_file(format));
    ASSERT_TRUE(log);
    (*log)->lines()->error("upstream said: bad key {}", canary);
    (*log)->lines()->error("Authorization: Bearer {}", canary);
    (*log)->lines()->error("authorization: bearer abcdef{}", canary);
  }
  EXPECT_EQ(written().find("4f9a0c7be21d"), std::string::npos) << written();
  EXPECT_NE(written().find("***"), std::string::npos);
}

TEST_F(log_test, request_lines_are_written_as_they_are) {
  {
    auto log = node_log::open(to_file("json"));
    ASSERT_TRUE(log);
    ASSERT_NE((*log)->requests(), nullptr);
    (*log)->requests()->log(spdlog::level::info, spdlog::string_view_t{"a\nb\n"});
  }
  EXPECT_EQ(written(), "a\nb\n");
}

TEST_F(log_test, a_level_above_info_wants_no_request_lines) {
  auto quiet = node_log::open(to_file("json", "warn"));
  ASSERT_TRUE(quiet);
  EXPECT_EQ((*quiet)->requests(), nullptr);
  (*quiet)->lines()->info("not said");
  auto off = to_file("json");
  off.requests = false;
  auto none = node_log::open(off);
  ASSERT_TRUE(none);
  EXPECT_EQ((*none)->requests(), nullptr);
}

TEST_F(log_test, appends_to_what_is_there) {
  std::ofstream(path()) << "before\n";
  {
    auto log = node_log::open(to_file("console"));
    ASSERT_TRUE(log);
    (*log)->lines()->info("after");
  }
  EXPECT_TRUE(written().starts_with("before\n"));
}

TEST_F(log_test, refuses_a_file_that_cannot_be_opened) {
  auto settings = to_file("console");
  settings.file = path() + "/none/x.log";
  auto log = node_log::open(settings);
  ASSERT_FALSE(log);
  EXPECT_EQ(code_of(log.error()), ec::io_failed);
  auto message = message_of(log.error());
  EXPECT_NE(message.find(settings.file), std::string::npos);
  EXPECT_NE(message.find("No such file or directory"), std::string::npos);
  EXPECT_EQ(message.find('\n'), std::string::npos);
}

TEST_F(log_test, refuses_unknown_formats_and_levels) {
  for (auto settings : {to_file("xml"), to_file("json", "loud")}) {
    auto log = node_log::open(settings);
    ASSERT_FALSE(log);
    EXPECT_EQ(code_of(log.error()), ec::bad_configuration);
  }
}

TEST_F(log_test, a_full_queue_loses_the_oldest_lines_and_counts_them) {
  auto settings = to_file("console");
  constexpr uint64_t said = 20'000;
  uint64_t dropped = 0;
  {
    auto log = node_log::open(settings);
    ASSERT_TRUE(log);
    for (uint64_t i = 0; i < said; ++i)
      (*log)->lines()->info("line");
    // What is dropped was dropped when the last line was queued.
    dropped = (*log)->lines_dropped();
  }
  auto text = written();
  EXPECT_EQ(static_cast<uint64_t>(std::ranges::count(text, '\n')) + dropped, said);
}

TEST(redact_test, replaces_keys_and_leaves_words) {
  EXPECT_EQ(redacted("key sk-abc-123_x."), "key sk-***");
  EXPECT_EQ(redacted("\"sk-abc\",next"), "\"sk-***\",next");
  EXPECT_EQ(redacted("AIzaSyA-1234 and Bearer   tok/en+= end"), "AIza*** and Bearer   *** end");
  EXPECT_EQ(redacted("BEARER x"), "BEARER ***");
  EXPECT_EQ(redacted("task-7 ask- bearer of news? disk-full"),
            "task-7 ask- bearer *** news? disk-full");
  EXPECT_EQ(redacted("sk-"), "sk-");
  EXPECT_EQ(redacted("Bearer"), "Bearer");
  EXPECT_EQ(redacted(""), "");
}

TEST(escape_test, console_text_cannot_forge_fields_or_lines) {
  std::string out;
  append_console_escaped("a b\n\x1b\\ \xc2\x9b \xff caf\u00e9", out);
  EXPECT_EQ(out, "a\\x20b\\x0a\\x1b\\x5c\\x20\\xc2\\x9b\\x20\\xff\\x20caf\u00e9");
}

TEST(escape_test, json_text_parses_back) {
  std::string out = "\"";
  append_json_escaped(std::string_view{"\0\x01\x1f\"\\\x7f \u00e9\U0001F600", 14}, out);
  out += '"';
  EXPECT_EQ(nlohmann::json::parse(out).get<std::string>(),
            (std::string{"\0\x01\x1f\"\\\x7f \u00e9\U0001F600", 14}));
}

TEST(escape_test, json_text_is_utf8_for_every_pair_of_bytes) {
  for (int a = 0; a < 256; ++a)
    for (int b = 0; b < 256; ++b) {
      std::string out = "\"";
      append_json_escaped(std::string{static_cast<char>(a), static_cast<char>(b)}, out);
      out += '"';
      ASSERT_TRUE(nlohmann::json::accept(out)) << a << " " << b;
    }
}

TEST(escape_test, clips_at_a_code_point) {
  EXPECT_EQ(clipped("abc", 3), "abc");
  EXPECT_EQ(clipped("abcd", 3), "abc");
  EXPECT_EQ(clipped("ab\u00e9", 3), "ab");
}

TEST(timestamp_test, writes_utc_with_milliseconds) {
  using namespace std::chrono;
  timestamp_writer writer;
  auto day = sys_days{year{2026} / 11 / 22};
  EXPECT_EQ(writer.text(day + 21h + 5min + 9s + 123ms), "2026-11-22T21:05:09.123Z");
  EXPECT_EQ(writer.text(day + 21h + 5min + 9s + 7ms), "2026-11-22T21:05:09.007Z");
  EXPECT_EQ(writer.text(day + 23h + 59min + 59s + 999ms), "2026-11-22T23:59:59.999Z");
  EXPECT_EQ(writer.text(day + days{1}), "2026-11-23T00:00:00.000Z");
}

} // namespace
} // namespace sluice
