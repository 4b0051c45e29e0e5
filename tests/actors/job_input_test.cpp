#include "actors/jobs/input_check.hpp"
#include "actors/jobs/job_output.hpp"
#include "actors/jobs/job_turns.hpp"
#include "tests/support/random_test.hpp"

#include <caf/all.hpp>
#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

namespace sluice {
namespace {

using testing::HasSubstr;

line_rules rules(std::vector<std::string> allowed = {}) {
  model chat{"fast", {endpoint::chat_completions}, {}, "", 0};
  model other{"slow", {endpoint::chat_completions}, {}, "", 0};
  model embeds{"embed", {endpoint::embeddings}, {}, "", 0};
  line_rules x;
  x.models = std::move(allowed);
  x.known = std::make_shared<const catalogue>(std::vector<model>{chat, other, embeds});
  return x;
}

std::string line(const std::string& id, const std::string& body) {
  return R"({"custom_id":")" + id + R"(","method":"POST","url":"/v1/chat/completions","body":)" +
         body + "}";
}

constexpr const char* body = R"({"model":"fast","messages":[{"role":"user","content":"Hi"}]})";

std::string error_of(const std::string& text, line_rules against = rules()) {
  line_reader reader;
  auto reading = reader.read(text, against);
  return reading.error ? reading.error->code + " " + reading.error->param : "";
}

TEST(job_line_test, takes_a_line_as_openai_defines_it) {
  line_reader reader;
  auto text = std::string{R"({ "messages" : [{"role":"user","content":"Hi"}], "n":2,)"} +
              R"( "max_tokens": 10, "model" : "fast" , "seed":12345678901234567890123 })";
  auto reading = reader.read(line("a \\u00e9", text), rules());
  EXPECT_TRUE(reading.error) << "a number that does not fit";
  text.replace(text.find("12345678901234567890123"), 23, "1.10");
  reading = reader.read(line("a \\u00e9", text), rules());
  ASSERT_FALSE(reading.error) << reading.error->message;
  EXPECT_EQ(reading.line.custom_id, "a \u00e9");
  EXPECT_EQ(reading.line.model, "fast");
  EXPECT_EQ(reading.line.body, text) << "byte for byte";
  EXPECT_EQ(reading.line.output_tokens_max, 20);
  EXPECT_EQ(body_for(reading.line, "fast"), text);
  auto changed = body_for(reading.line, "gpt \"x\"");
  text.replace(text.find("\"fast\""), 6, R"("gpt \"x\"")");
  EXPECT_EQ(changed, text);
}

TEST(job_line_test, says_what_is_wrong) {
  EXPECT_EQ(error_of("nonsense"), "invalid_json_line ");
  EXPECT_EQ(error_of("[]"), "invalid_json_line ");
  EXPECT_EQ(error_of("{}"), "missing_required_parameter custom_id");
  EXPECT_EQ(error_of(R"({"custom_id":7})"), "invalid_value custom_id");
  EXPECT_EQ(error_of(R"({"custom_id":""})"), "invalid_value custom_id");
  EXPECT_EQ(error_of(R"({"custom_id":"a","method":"GET"})"), "invalid_method method");
  EXPECT_EQ(error_of(R"({"custom_id":"a","method":"POST","url":"/v1/embeddings"})"),
            "mismatched_endpoint url");
  EXPECT_EQ(error_of(R"({"custom_id":"a","method":"POST","url":"/v1/chat/completions"})"),
            "missing_required_parameter body");
  EXPECT_EQ(error_of(line("a", "[]")), "invalid_value body");
  EXPECT_EQ(error_of(line("a", "{}")), "missing_required_parameter model");
  EXPECT_EQ(error_of(line("a", R"({"model":"fast"})")), "missing_required_parameter messages");
  EXPECT_EQ(error_of(line("a", R"({"model":"fast","messages":[]})")), "invalid_value messages");
  EXPECT_EQ(error_of(line("a", R"({"model":"none","messages":[1]})")), "model_not_found model");
  EXPECT_EQ(error_of(line("a", R"({"model":"embed","messages":[1]})")), "model_not_found model");
  EXPECT_EQ(error_of(line("a", R"({"model":"fast","stream":true,"messages":[1]})")),
            "invalid_value stream");
  EXPECT_EQ(error_of(line("a", R"({"model":"fast","model":"slow","messages":[1]})")),
            "invalid_value model");
  EXPECT_EQ(error_of(R"({"custom_id":"a","custom_id":"b"})"), "invalid_value custom_id");
  EXPECT_EQ(error_of(line("a", body)), "");
  EXPECT_EQ(error_of(line("a", body), rules({"slow"})), "model_not_found model");
  EXPECT_EQ(error_of(line("a", body), rules({"fast"})), "");
  EXPECT_NE(error_of(line("a", "{\"mod\\u0065l\":\"fast\",\"messages\":[1]}")), "");
}

struct checked {
  std::vector<job_line> lines;
  std::vector<batch_error> errors;
  uint32_t count = 0;
};

checked check(const std::string& text, size_t piece, input_limits limits = {100, 1'000}) {
  input_check x{"batch_1", rules(), limits};
  store_changes changes;
  auto keep = [&](store_changes more) {
    std::move(more.begin(), more.end(), std::back_inserter(changes));
  };
  for (size_t i = 0; i < text.size(); i += piece)
    keep(x.feed(std::string_view{text}.substr(i, piece)));
  keep(x.finish());
  checked result;
  for (auto& change : changes)
    result.lines.push_back(*line_of({change.key, change.value}));
  result.errors = x.errors();
  result.count = x.lines();
  return result;
}

TEST(input_check_test, finds_the_lines_however_the_file_is_cut) {
  auto text =
      "\xef\xbb\xbf" + line("a", body) + "\n\n  \r\n" + line("b", body) + "\r\n" + line("c", body);
  for (size_t piece = 1; piece < text.size() + 1; ++piece) {
    auto found = check(text, piece);
    ASSERT_TRUE(found.errors.empty()) << piece << ": " << found.errors[0].message;
    ASSERT_EQ(found.lines.size(), 3u);
    EXPECT_EQ(found.lines[2].custom_id, "c");
    EXPECT_EQ(found.lines[2].number, 2u);
    EXPECT_EQ(found.count, 3u);
  }
}

TEST(input_check_test, names_the_lines_that_are_wrong) {
  auto found = check(line("a", body) + "\nnonsense\n" + line("a", body) + "\n", 7);
  ASSERT_EQ(found.errors.size(), 2u);
  EXPECT_EQ(found.errors[0].line, 2);
  EXPECT_EQ(found.errors[1].code, "duplicate_custom_id");
  EXPECT_EQ(found.errors[1].line, 3);
  std::string many;
  for (int i = 0; i < 200; ++i)
    many += "nonsense\n";
  EXPECT_EQ(check(many, 1'000).errors.size(), 50u);
}

TEST(input_check_test, keeps_its_limits) {
  EXPECT_EQ(check("", 1).errors.at(0).code, "empty_file");
  EXPECT_EQ(check("\n \n", 1).errors.at(0).code, "empty_file");
  std::string text;
  for (int i = 0; i < 3; ++i)
    text += line(std::to_string(i), body) + "\n";
  EXPECT_TRUE(check(text, 9, {3, 1'000}).errors.empty());
  EXPECT_EQ(check(text, 9, {2, 1'000}).errors.at(0).code, "too_many_requests");
  auto size = line("0", body).size();
  EXPECT_TRUE(check(text, 9, {3, size}).errors.empty());
  auto late = check(text, 9, {3, size - 1});
  EXPECT_THAT(late.errors.at(0).message, HasSubstr("at most"));
}

TEST(job_output_test, writes_a_line_as_openai_does) {
  auto text =
      response_line({"batch_77", 3, "my \"id\"", "batch_77-3"}, 200, "{\n \"a\": 1.50\r\n}");
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 1);
  EXPECT_TRUE(text.ends_with("\n"));
  EXPECT_THAT(text, HasSubstr("1.50"));
  auto json = nlohmann::json::parse(text);
  EXPECT_EQ(json["id"], "batch_req_77_3");
  EXPECT_EQ(json["custom_id"], "my \"id\"");
  EXPECT_EQ(json["response"]["status_code"], 200);
  EXPECT_EQ(json["response"]["request_id"], "batch_77-3");
  EXPECT_EQ(json["response"]["body"]["a"], 1.5);
  EXPECT_TRUE(json["error"].is_null());
  json = nlohmann::json::parse(error_line({"batch_77", 3, "a", ""}, "batch_expired", "late"));
  EXPECT_TRUE(json["response"].is_null());
  EXPECT_EQ(json["error"]["code"], "batch_expired");
}

TEST(job_output_test, tells_a_failure_as_the_request_would_have_been_told) {
  failure why;
  why.code = ec::upstream_rejected;
  why.upstream_status = 422;
  why.upstream_body = R"({"error":{"message":"theirs"}})";
  EXPECT_EQ(status_of_failure(why), 422);
  EXPECT_EQ(body_of_failure(why), why.upstream_body);
  why.upstream_status = 401;
  EXPECT_EQ(status_of_failure(why), 502);
  EXPECT_EQ(body_of_failure(why).find("theirs"), std::string::npos);
  why = {};
  why.code = ec::model_not_found;
  why.param = "model";
  auto json = nlohmann::json::parse(body_of_failure(why));
  EXPECT_EQ(status_of_failure(why), 404);
  EXPECT_EQ(json["error"]["code"], "model_not_found");
  EXPECT_EQ(json["error"]["param"], "model");
}

TEST(job_turns_test, takes_tenants_in_turn_and_batches_in_order) {
  job_turns turns;
  turns.add("a", "a1");
  turns.add("a", "a2");
  turns.add("b", "b1");
  auto any = [](const std::string&) { return true; };
  EXPECT_EQ(turns.next(any), "a1");
  EXPECT_EQ(turns.next(any), "b1");
  EXPECT_EQ(turns.next(any), "a1");
  auto not_first = [](const std::string& x) { return x != "a1" && x != "b1"; };
  EXPECT_EQ(turns.next(not_first), "a2");
  EXPECT_EQ(turns.count("a"), 2u);
  turns.remove("a1");
  turns.remove("b1");
  EXPECT_EQ(turns.count("b"), 0u);
  EXPECT_EQ(turns.next(any), "a2");
  turns.remove("a2");
  EXPECT_EQ(turns.next(any), "");
}

} // namespace
} // namespace sluice
