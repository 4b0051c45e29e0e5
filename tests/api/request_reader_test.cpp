#include "api/gateway/request_reader.hpp"

#include "tests/support/random_test.hpp"

#include <nlohmann/json.hpp>

namespace sluice {
namespace {

using json = nlohmann::ordered_json;

request_reading read(std::string body, endpoint kind = endpoint::chat_completions) {
  return request_reader{}.read(kind, body);
}

std::string chat(const std::string& more) {
  return R"({"model":"m","messages":[{"role":"user","content":"hi"}])" + more + "}";
}

void expect_refusal(const request_reading& x, ec code, const std::string& param,
                    const std::string& what) {
  ASSERT_TRUE(x.refusal) << what;
  EXPECT_EQ(x.refusal->code, code) << what << ": " << x.refusal->message;
  EXPECT_EQ(x.refusal->param, param) << what;
  EXPECT_FALSE(x.refusal->message.empty()) << what;
}

TEST(request_reader_test, reads_what_sluice_needs) {
  auto x = read(chat(R"(,"stream":true,"stream_options":{"include_usage":true},"n":3,)"
                     R"("max_tokens":10,"unknown":{"model":"nested"})"));
  ASSERT_FALSE(x.refusal) << x.refusal->message;
  EXPECT_EQ(x.request.kind, endpoint::chat_completions);
  EXPECT_EQ(x.request.model, "m");
  EXPECT_TRUE(x.request.stream);
  EXPECT_TRUE(x.request.include_usage);
  EXPECT_EQ(x.request.output_tokens_max, 30);
  EXPECT_GT(x.request.input_tokens, 0);
}

TEST(request_reader_test, takes_null_as_absent) {
  auto x = read(chat(R"(,"stream":null,"stream_options":null,"max_tokens":null,"n":null,)"
                     R"("max_completion_tokens":null)"));
  ASSERT_FALSE(x.refusal) << x.refusal->message;
  EXPECT_FALSE(x.request.stream);
  EXPECT_EQ(x.request.output_tokens_max, 0);
}

TEST(request_reader_test, the_newer_limit_counts) {
  EXPECT_EQ(read(chat(R"(,"max_tokens":5,"max_completion_tokens":7)")).request.output_tokens_max,
            7);
  EXPECT_EQ(read(chat(R"(,"max_completion_tokens":7,"max_tokens":5)")).request.output_tokens_max,
            7);
}

TEST(request_reader_test, reads_escaped_keys_and_names) {
  auto x = read(R"({"m\u006fdel":"gpt \"\u00fc\"","messages":[1],"str\u0065am":true})");
  ASSERT_FALSE(x.refusal) << x.refusal->message;
  EXPECT_EQ(x.request.model, "gpt \"ü\"");
  EXPECT_TRUE(x.request.stream);
}

TEST(request_reader_test, names_the_field_that_is_wrong) {
  struct row {
    const char* more;
    const char* param;
  };
  for (auto& x :
       {row{R"(,"stream":1)", "stream"}, row{R"(,"stream":"true")", "stream"},
        row{R"(,"stream":true,"stream_options":[])", "stream_options"},
        row{R"(,"stream":true,"stream_options":true)", "stream_options"},
        row{R"(,"stream_options":{})", "stream_options"},
        row{R"(,"stream":true,"stream_options":{"include_usage":1})",
            "stream_options.include_usage"},
        row{R"(,"max_tokens":0)", "max_tokens"}, row{R"(,"max_tokens":-1)", "max_tokens"},
        row{R"(,"max_tokens":1.5)", "max_tokens"}, row{R"(,"max_tokens":"5")", "max_tokens"},
        row{R"(,"max_tokens":2147483648)", "max_tokens"},
        row{R"(,"max_completion_tokens":9999999999)", "max_completion_tokens"},
        row{R"(,"n":0)", "n"}, row{R"(,"n":129)", "n"}})
    expect_refusal(read(chat(x.more)), ec::invalid_value, x.param, x.more);
  EXPECT_FALSE(read(chat(R"(,"n":128,"max_tokens":2147483647)")).refusal);
}

TEST(request_reader_test, refuses_a_field_that_stands_twice) {
  for (auto* name : {"model", "messages", "prompt", "input", "stream", "stream_options",
                     "max_tokens", "max_completion_tokens", "n"}) {
    auto once = std::string{",\""} + name + "\":null";
    auto body = R"({"other":1,"other":2)" + once + once + "}";
    expect_refusal(read(body), ec::invalid_value, name, body);
  }
  expect_refusal(read(R"({"model":"a","mode\u006c":"b","messages":[1]})"), ec::invalid_value,
                 "model", "escaped");
}

TEST(request_reader_test, needs_a_model) {
  expect_refusal(read("{}"), ec::missing_field, "model", "none");
  auto with = [](const std::string& name) {
    return read(R"({"messages":[1],"model":)" + name + "}");
  };
  for (auto* name : {"null", "5", "\"\"", "[]"})
    expect_refusal(with(name), ec::invalid_value, "model", name);
  EXPECT_FALSE(with('"' + std::string(256, 'a') + '"').refusal);
  expect_refusal(with('"' + std::string(257, 'a') + '"'), ec::invalid_value, "model", "long");
}

TEST(request_reader_test, needs_what_the_endpoint_needs) {
  expect_refusal(read(R"({"model":"m"})"), ec::missing_field, "messages", "none");
  for (auto* messages : {"[]", "null", "{}", "\"hi\""})
    expect_refusal(read(R"({"model":"m","messages":)" + std::string{messages} + "}"),
                   ec::invalid_value, "messages", messages);
  EXPECT_FALSE(read(R"({"model":"m"})", endpoint::completions).refusal);
  auto embed = [](const std::string& more) {
    return read(R"({"model":"m")" + more + "}", endpoint::embeddings);
  };
  expect_refusal(embed(""), ec::missing_field, "input", "none");
  expect_refusal(embed(R"(,"input":null)"), ec::missing_field, "input", "null");
  expect_refusal(embed(R"(,"input":5)"), ec::invalid_value, "input", "number");
  expect_refusal(embed(R"(,"input":"a","stream":true)"), ec::invalid_value, "stream", "stream");
  EXPECT_FALSE(embed(R"(,"input":"a","stream":false)").refusal);
  EXPECT_FALSE(embed(R"(,"input":[[1,2]])").refusal);
}

TEST(request_reader_test, says_where_json_is_broken) {
  struct row {
    std::string body;
    const char* place;
  };
  for (auto& x : {row{"{\"model\" \"m\"}", "line 1, column 12 (byte 11)"},
                  row{"{\n\"a\":1,\n  ?}", "line 3, column 3 (byte 11)"},
                  row{"{\"a\":", "line 1, column 6 (byte 5)"}}) {
    auto result = read(x.body);
    expect_refusal(result, ec::invalid_json, "", x.body);
    EXPECT_NE(result.refusal->message.find(x.place), std::string::npos) << result.refusal->message;
  }
}

TEST(request_reader_test, refuses_what_is_no_json_object) {
  using namespace std::string_literals;
  for (auto& body : {""s, " "s, "5"s, "[]"s, "null"s, "\"text\""s, "{} {}"s, "{\"a\":\"\xff\"}"s,
                     "{\"a\":\"b\nc\"}"s, "{\"a\":01}"s, "{a:1}"s, "{\"a\":1,}"s, "\0"s})
    expect_refusal(read(body), ec::invalid_json, "", body);
}

TEST(request_reader_test, refuses_numbers_that_do_not_fit) {
  for (auto* number : {"99999999999999999999", "1e400"})
    expect_refusal(read(chat(R"(,"seed":)" + std::string{number})), ec::invalid_json, "", number);
}

TEST(request_reader_test, refuses_depth_without_building_it) {
  auto deep = std::string(4'000'000, '[');
  expect_refusal(read(deep), ec::invalid_json, "", "open");
  deep = R"({"model":"m","messages":)" + std::string(2'000, '[') + std::string(2'000, ']') + "}";
  expect_refusal(read(deep), ec::invalid_json, "", "closed");
}

TEST(request_reader_test, works_on_after_a_large_and_a_broken_body) {
  request_reader reader;
  auto large = chat(R"(,"pad":")" + std::string(3'000'000, 'x') + '"');
  auto broken = std::string{"{"};
  auto small = chat("");
  EXPECT_FALSE(reader.read(endpoint::chat_completions, large).refusal);
  EXPECT_EQ(reader.rewrite(large, "n", false).size(), large.size());
  EXPECT_TRUE(reader.read(endpoint::chat_completions, broken).refusal);
  EXPECT_FALSE(reader.read(endpoint::chat_completions, small).refusal);
}

std::string rewrite(std::string body, std::string_view model, bool ask_usage) {
  request_reader reader;
  auto reading = reader.read(endpoint::chat_completions, body);
  EXPECT_FALSE(reading.refusal) << body << ": " << reading.refusal->message;
  return reader.rewrite(body, model, ask_usage);
}

TEST(request_reader_test, says_a_limit_where_the_caller_did_not) {
  auto with_limit = [](std::string body) {
    request_reader reader;
    reader.read(endpoint::chat_completions, body);
    return reader.rewrite(body, "m", false, {"max_tokens", 7});
  };
  EXPECT_EQ(with_limit(R"({"model":"m","messages":[{"role":"user","content":"a"}]})"),
            R"({"max_tokens":7,"model":"m","messages":[{"role":"user","content":"a"}]})");
  EXPECT_EQ(
      with_limit(R"({"model":"m","messages":[{"role":"user","content":"a"}],"max_tokens": null })"),
      R"({"model":"m","messages":[{"role":"user","content":"a"}],"max_tokens": 7 })");
}

TEST(request_rewrite_test, changes_the_model_and_nothing_else) {
  EXPECT_EQ(
      rewrite(R"( { "a":1e300 , "model" : "m" ,"messages":[ "model" ],"a":2 } )", "new", false),
      R"( { "a":1e300 , "model" : "new" ,"messages":[ "model" ],"a":2 } )");
  EXPECT_EQ(rewrite(R"({"messages":[{"model":"x"}],"mod\u0065l":"m"})", "n", false),
            R"({"messages":[{"model":"x"}],"mod\u0065l":"n"})");
  EXPECT_EQ(rewrite("{\"messages\":[1],\"model\":\"m\"\n\t}", "q\"uo\\te", false),
            "{\"messages\":[1],\"model\":\"q\\\"uo\\\\te\"\n\t}");
  EXPECT_EQ(rewrite(R"({"model":"ü \"}, {","messages":["ü"]})", "é", false),
            R"({"model":"é","messages":["ü"]})");
}

TEST(request_rewrite_test, asks_for_usage) {
  EXPECT_EQ(
      rewrite(R"( {"model":"m","messages":[1],"stream":true})", "m", true),
      R"( {"stream_options":{"include_usage":true},"model":"m","messages":[1],"stream":true})");
  auto with_options = [](const std::string& options) {
    return rewrite(R"({"stream_options" : )" + options +
                       R"( ,"model":"m","messages":[1],"stream":true})",
                   "m", true);
  };
  auto rest = std::string{R"( ,"model":"m","messages":[1],"stream":true})"};
  for (auto* options :
       {"null", "{}", "{ }", R"({"include_usage":false})", R"({"include_usage":null})"})
    EXPECT_EQ(with_options(options), R"({"stream_options" : {"include_usage":true})" + rest)
        << options;
  EXPECT_EQ(with_options(R"({"x":{"y":[1,2]},"include_usage":false,"z":"}"})"),
            R"({"stream_options" : {"x":{"y":[1,2]},"include_usage":true,"z":"}"})" + rest);
}

TEST(request_rewrite_test, leaves_usage_alone_where_it_is_not_asked_for) {
  auto body =
      R"({"stream_options":{"include_usage":true},"model":"m","messages":[1],"stream":true})";
  EXPECT_EQ(rewrite(body, "m", false), body);
}

class request_rewrite_random_test : public test::random_test {
protected:
  std::string space() { return std::string(below(3), " \n\t\r"[below(4)]); }

  std::string text() {
    static const char* const parts[] = {"a", "\\\"", "\\\\", "\\u00e9", "é", "{", "}",  "[",
                                        "]", ",",    ":",    "model",   " ", "/", "\\n"};
    std::string result = "\"";
    for (auto n = below(6); n > 0; --n)
      result += parts[below(std::size(parts))];
    return result + "\"";
  }

  std::string value(int depth) {
    static const char* const plain[] = {"null", "true",    "false",
                                        "0",    "-1.5e+3", "12345678901234567890"};
    auto what = below(depth > 0 ? 4 : 2);
    if (what == 0)
      return plain[below(std::size(plain))];
    if (what == 1)
      return text();
    std::string result{what == 2 ? "[" : "{"};
    auto count = below(4);
    for (uint64_t i = 0; i < count; ++i) {
      result += (i > 0 ? "," : "") + space();
      if (what == 3)
        result += text() + space() + ":" + space();
      result += value(depth - 1) + space();
    }
    return result + space() + (what == 2 ? "]" : "}");
  }

  std::string options() {
    if (below(3) == 0)
      return "null";
    std::string result = "{" + space();
    if (below(2) == 0)
      result += "\"x\":" + value(2) + ",";
    return result + "\"include_usage\"" + space() + ":false" + space() + "}";
  }

  struct sample {
    std::string body;
    size_t model_at = 0;
    size_t model_size = 0;
  };

  /// A streamed request with its fields in any order.
  sample request() {
    std::vector<std::pair<std::string, std::string>> fields{
        {"model", "\"" + std::string(1 + below(9), 'm') + "\""},
        {"messages", "[" + value(3) + "]"},
        {"stream", "true"}};
    if (below(2) == 0)
      fields.emplace_back("stream_options", options());
    for (auto n = below(4); n > 0; --n)
      fields.emplace_back("other" + std::to_string(n), value(3));
    std::shuffle(fields.begin(), fields.end(), random);
    sample result;
    result.body = space() + "{";
    for (size_t i = 0; i < fields.size(); ++i) {
      auto& [key, content] = fields[i];
      result.body += (i > 0 ? "," : "") + space() + "\"" + key + "\"" + space() + ":" + space();
      if (key == "model") {
        result.model_at = result.body.size();
        result.model_size = content.size();
      }
      result.body += content + space();
    }
    result.body += "}" + space();
    return result;
  }
};

TEST_F(request_rewrite_random_test, keeps_every_other_byte) {
  request_reader reader;
  for (int i = 0; i < 3'000; ++i) {
    auto x = request();
    auto reading = reader.read(endpoint::chat_completions, x.body);
    ASSERT_FALSE(reading.refusal) << x.body << reading.refusal->message;
    auto expected = x.body;
    expected.replace(x.model_at, x.model_size, "\"other/model\"");
    ASSERT_EQ(reader.rewrite(x.body, "other/model", false), expected);
  }
}

TEST_F(request_rewrite_random_test, means_the_same_but_for_model_and_usage) {
  request_reader reader;
  for (int i = 0; i < 3'000; ++i) {
    auto x = request();
    auto reading = reader.read(endpoint::chat_completions, x.body);
    ASSERT_FALSE(reading.refusal) << x.body << reading.refusal->message;
    auto expected = nlohmann::json::parse(x.body);
    expected["model"] = "n";
    expected["stream_options"]["include_usage"] = true;
    ASSERT_EQ(nlohmann::json::parse(reader.rewrite(x.body, "n", true)), expected) << x.body;
  }
}

} // namespace
} // namespace sluice
