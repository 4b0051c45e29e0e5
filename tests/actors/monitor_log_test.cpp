#include "actors/monitor/request_log.hpp"
#include "tests/support/sample_record.hpp"

#include <algorithm>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace sluice {
namespace {

std::string line_of(const request_record& x, log_format format) {
  std::string out;
  request_log{format}.append(x, out);
  return out;
}

TEST(request_log_test, json_line_tells_what_the_record_knows) {
  auto line = line_of(test::sample_record(), log_format::json);
  ASSERT_TRUE(line.ends_with("}\n"));
  auto expected = nlohmann::json::parse(R"({
    "time": "2026-11-22T21:05:09.123Z", "level": "info", "request_id": "req_01",
    "tenant": "acme", "team": "search", "user": "ann", "key": "key_1", "method": "POST",
    "route": "/v1/chat/completions", "status": 200, "model": "small",
    "deployment": "sim/sim-small", "upstream_model": "sim-small", "attempts": 3, "fallbacks": 1,
    "chunks": 7, "input_tokens": 10, "cache_read_tokens": 20, "cache_write_tokens": 30,
    "output_tokens": 4, "reasoning_tokens": 5, "cost_nanousd": 1234000, "duration_ms": 250.1,
    "upstream_ms": 250.0, "overhead_ms": 0.1, "first_byte_ms": 10.0, "request_bytes": 1000,
    "response_bytes": 2000})");
  EXPECT_EQ(nlohmann::json::parse(line), expected) << line;
}

TEST(request_log_test, console_line_is_for_people) {
  EXPECT_EQ(line_of(test::sample_record(), log_format::console),
            "2026-11-22T21:05:09.123Z 200 POST /v1/chat/completions small -> sim/sim-small "
            "250.100ms added 0.100ms attempts 3 tokens 60+9 $0.001234 key key_1 req_01\n");
}

TEST(request_log_test, what_is_not_known_is_left_out) {
  request_record x;
  x.method = "GET";
  x.route = "/healthz";
  x.status = 200;
  EXPECT_EQ(line_of(x, log_format::console),
            "1970-01-01T00:00:00.000Z 200 GET /healthz 0.000ms -\n");
  auto json = nlohmann::json::parse(line_of(x, log_format::json));
  for (auto name : {"model", "error", "tenant", "cost_nanousd", "input_tokens", "upstream_ms"})
    EXPECT_FALSE(json.contains(name)) << name;
}

TEST(request_log_test, what_packing_did_is_told) {
  auto x = test::sample_record();
  x.share.packed = 8;
  x.share.input_saved = 900;
  auto json = nlohmann::json::parse(line_of(x, log_format::json));
  EXPECT_EQ(json["packed"], 8);
  EXPECT_EQ(json["pack_saved_tokens"], 900);
  EXPECT_NE(line_of(x, log_format::console).find(" packed 8 "), std::string::npos);
  x.share = {};
  x.share.rerun = true;
  x.share.input_saved = -70;
  json = nlohmann::json::parse(line_of(x, log_format::json));
  EXPECT_EQ(json["pack_rerun"], true);
  EXPECT_EQ(json["pack_saved_tokens"], -70);
  EXPECT_NE(line_of(x, log_format::console).find(" packed in vain "), std::string::npos);
}

TEST(request_log_test, an_error_is_named) {
  auto x = test::sample_record();
  x.error = ec::upstream_timeout;
  EXPECT_NE(line_of(x, log_format::console).find(" upstream_timeout "), std::string::npos);
  EXPECT_EQ(nlohmann::json::parse(line_of(x, log_format::json))["error"], "upstream_timeout");
}

TEST(request_log_test, a_caller_cannot_forge_lines_or_fields) {
  auto x = test::sample_record();
  x.model = "evil\n{\"status\":200} \x1b[2J\xff\"";
  for (auto format : {log_format::console, log_format::json}) {
    auto line = line_of(x, format);
    EXPECT_EQ(std::ranges::count(line, '\n'), 1);
    EXPECT_TRUE(std::ranges::none_of(line, [](char c) { return c == '\x1b' || c == '\xff'; }));
  }
  EXPECT_EQ(nlohmann::json::parse(line_of(x, log_format::json))["model"],
            "evil\n{\"status\":200} \x1b[2J\uFFFD\"");
}

TEST(request_log_test, long_names_are_clipped) {
  auto x = test::sample_record();
  x.model = std::string(1'000'000, 'm');
  EXPECT_LT(line_of(x, log_format::json).size(), 2'000u);
  EXPECT_LT(line_of(x, log_format::console).size(), 2'000u);
}

TEST(request_log_test, upstream_time_beyond_the_request_is_no_negative_overhead) {
  auto x = test::sample_record();
  x.upstream = x.duration + std::chrono::milliseconds{1};
  EXPECT_EQ(nlohmann::json::parse(line_of(x, log_format::json))["overhead_ms"], 0.0);
}

} // namespace
} // namespace sluice
