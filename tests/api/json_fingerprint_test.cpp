#include "api/gateway/request_reader.hpp"
#include "api/http/handler.hpp"

#include <gtest/gtest.h>

#include <set>

namespace sluice {
namespace {

class json_fingerprint_test : public ::testing::Test {
protected:
  merge_terms terms(std::string body, endpoint kind = endpoint::chat_completions) {
    auto reading = reader_.read(kind, body, &rules);
    EXPECT_FALSE(reading.refusal) << body << ": " << reading.refusal->message;
    return reading.request.merge;
  }
  /// Of a chat with these fields beside the usual ones.
  fingerprint chat(const std::string& more = "") {
    return terms(R"({"model":"m","messages":[{"role":"user","content":"hi"}])" + more + "}").exact;
  }
  bool equal(const std::string& a, const std::string& b,
             endpoint kind = endpoint::chat_completions) {
    auto first = terms(a, kind).exact;
    EXPECT_TRUE(first);
    return first == terms(b, kind).exact;
  }

  merge_rules rules{"tenant", 0.3, false, 42};

private:
  request_reader reader_;
};

TEST_F(json_fingerprint_test, is_of_what_the_json_says_not_of_how_it_is_written) {
  EXPECT_TRUE(equal(R"({"model":"m","messages":[{"role":"user","content":"h\u00fc/"}],"n":2})",
                    R"( { "n" : 2, "messages":[ {"content":"hü\/", "role":"user"}],"model":"m"})"));
  EXPECT_TRUE(equal(R"({"model":"m","messages":[{"role":"user","content":""}],"top_p":0.50})",
                    R"({"model":"m","messages":[{"role":"user","content":""}],"top_p":5e-1})"));
}

TEST_F(json_fingerprint_test, whatever_changes_an_answer_changes_it) {
  const std::vector<std::string> all{
      "",
      R"(,"n":1)",
      R"(,"n":2)",
      R"(,"top_p":1)",
      R"(,"top_p":1.0)",
      R"(,"top_p":0.1)",
      R"(,"seed":9007199254740992)",
      R"(,"seed":9007199254740993)",
      R"(,"stop":null)",
      R"(,"stop":"")",
      R"(,"stop":[])",
      R"(,"stop":[""])",
      R"(,"stop":["a","b"])",
      R"(,"stop":["ab"])",
      R"(,"stop":["b","a"])",
      R"(,"stop":[["a"],"b"])",
      R"(,"stop":[["a","b"]])",
      R"(,"x":true)",
      R"(,"x":false)",
      R"(,"x":{})",
      R"(,"x":{"a":{"b":1}})",
      R"(,"x":{"a":{},"b":1})",
      R"(,"x":{"a":1,"a":2})",
      R"(,"x":{"a":2,"a":1})",
      R"(,"max_tokens":5)",
      R"(,"max_completion_tokens":5)",
  };
  for (size_t i = 0; i < all.size(); ++i)
    for (size_t j = 0; j < i; ++j)
      EXPECT_NE(chat(all[i]), chat(all[j])) << all[i] << " and " << all[j];
  EXPECT_FALSE(equal(R"({"model":"m","messages":[{"role":"user","content":"a"}]})",
                     R"({"model":"k","messages":[{"role":"user","content":"a"}]})"));
  EXPECT_FALSE(equal(R"({"model":"m","messages":[{"role":"user","content":"a"}]})",
                     R"({"model":"m","messages":[{"role":"system","content":"a"}]})"));
}

TEST_F(json_fingerprint_test, is_not_of_fields_that_change_no_answer) {
  for (auto* more :
       {R"(,"user":"u")", R"(,"metadata":{"a":"b"})", R"(,"store":false)", R"(,"stream":true)",
        R"(,"safety_identifier":"s")", R"(,"prompt_cache_key":"k")", R"(,"service_tier":"flex")",
        R"(,"stream":true,"stream_options":{"include_usage":true})"})
    EXPECT_EQ(chat(more), chat()) << more;
  EXPECT_NE(chat(R"(,"stream":true,"stream_options":{"include_obfuscation":false})"), chat());
}

TEST_F(json_fingerprint_test, order_of_keys_counts_in_schemas) {
  auto schema = [this](const char* properties) {
    return chat(std::string{R"(,"response_format":{"schema":{"properties":{)"} + properties +
                "}}}");
  };
  EXPECT_NE(schema(R"("a":{},"b":{})"), schema(R"("b":{},"a":{})"));
  EXPECT_EQ(schema(R"("a":{},"b":{})"), schema(R"( "a": {}, "b": {} )"));
}

TEST_F(json_fingerprint_test, many_keys_and_long_texts_are_read_to_the_end) {
  auto many = [](int from, int step, int last) {
    std::string text = R"(,"logit_bias":{)";
    for (int i = 0; i < 40; ++i) {
      auto key = from + step * i;
      text += (i > 0 ? ",\"" : "\"") + std::to_string(key) +
              "\":" + std::to_string(key == 39 ? last : key);
    }
    return text + "}";
  };
  EXPECT_EQ(chat(many(0, 1, 7)), chat(many(39, -1, 7)));
  EXPECT_NE(chat(many(0, 1, 7)), chat(many(0, 1, 8)));
  auto with_text = [this](size_t size, char last) {
    return chat(R"(,"x":")" + std::string(size, 'a') + last + R"(","y":1)");
  };
  for (size_t size : {4'000U, 4'095U, 4'096U, 10'000U, 100'000U}) {
    EXPECT_EQ(with_text(size, 'b'), with_text(size, 'b'));
    EXPECT_NE(with_text(size, 'b'), with_text(size, 'c'));
    EXPECT_NE(with_text(size, 'b'), with_text(size + 1, 'b'));
  }
}

/// Longer than what is hashed in one go, twice over.
TEST_F(json_fingerprint_test, every_byte_of_a_long_text_counts_at_its_place) {
  std::string text(9'000, 'a');
  auto of_text = [&] { return chat(R"(,"x":")" + text + R"(")"); };
  std::set<fingerprint> seen{of_text()};
  for (auto& x : text) {
    x = 'b';
    seen.insert(of_text());
    x = 'a';
  }
  EXPECT_EQ(seen.size(), 1 + text.size());
}

TEST_F(json_fingerprint_test, tenants_and_processes_have_their_own) {
  auto mine = chat();
  rules.tenant = "other";
  EXPECT_NE(chat(), mine);
  rules.tenant = "tenant";
  EXPECT_EQ(chat(), mine);
  rules.seed = 43;
  EXPECT_NE(chat(), mine);
}

TEST_F(json_fingerprint_test, who_wants_variety_shares_nothing) {
  EXPECT_TRUE(chat());
  EXPECT_TRUE(chat(R"(,"n":5)"));
  EXPECT_TRUE(chat(R"(,"temperature":null)"));
  EXPECT_TRUE(chat(R"(,"temperature":0)"));
  EXPECT_TRUE(chat(R"(,"temperature":0.3)"));
  EXPECT_FALSE(chat(R"(,"temperature":0.31)"));
  EXPECT_FALSE(chat(R"(,"temperature":1)"));
  EXPECT_FALSE(chat(R"(,"temperature":"hot")"));
  EXPECT_TRUE(chat(R"(,"temperature":1,"seed":5)"));
  EXPECT_FALSE(chat(R"(,"temperature":1,"seed":null)"));
  EXPECT_FALSE(chat(R"(,"store":true)"));
}

TEST_F(json_fingerprint_test, embeddings_and_completions_have_one_too) {
  EXPECT_TRUE(equal(R"({"model":"m","input":["a","b"]})", R"({"input":["a","b"],"model":"m"})",
                    endpoint::embeddings));
  EXPECT_FALSE(equal(R"({"model":"m","input":["a","b"]})", R"({"model":"m","input":["b","a"]})",
                     endpoint::embeddings));
  auto body = R"({"model":"m","prompt":"a","input":"a"})";
  EXPECT_NE(terms(body, endpoint::completions).exact, terms(body, endpoint::embeddings).exact);
}

TEST_F(json_fingerprint_test, similar_questions_have_one_scope) {
  auto ask = [this](const std::string& system, const std::string& question) {
    return terms(R"({"model":"m","messages":[{"role":"system","content":")" + system +
                 R"("},{"role":"user","content":")" + question + R"("}]})");
  };
  EXPECT_FALSE(ask("s", "one").scope) << "unless similar ones share nothing is said";
  rules.similar = true;
  auto one = ask("s", "one");
  auto two = ask("s", "two");
  EXPECT_TRUE(one.scope);
  EXPECT_EQ(one.scope, two.scope);
  EXPECT_NE(one.exact, two.exact);
  EXPECT_EQ(one.question, "one");
  EXPECT_NE(ask("other", "one").scope, one.scope);
  EXPECT_NE(ask("one", "one").scope, one.scope);
  EXPECT_FALSE(ask("s", "").scope);
  EXPECT_FALSE(ask("s", std::string(5'000, 'x')).scope) << "a document is no question";
  EXPECT_FALSE(terms(R"({"model":"m","messages":[{"role":"assistant","content":"a"}]})").scope);
  EXPECT_TRUE(terms(R"({"model":"m","prompt":"a"})", endpoint::completions).scope);
  EXPECT_FALSE(terms(R"({"model":"m","input":"a"})", endpoint::embeddings).scope);
}

TEST_F(json_fingerprint_test, a_policy_may_leave_out_what_was_said_before) {
  auto scope = [this](const std::string& before, const std::string& question = "why?",
                      const std::string& model = "m") {
    return terms(R"({"model":")" + model + R"(","messages":[)" + before +
                 R"({"role":"user","content":")" + question + R"("}]})")
        .scope;
  };
  const std::string turn = R"({"role":"user","content":"a"},{"role":"assistant","content":"b"},)";
  const std::string system = R"({"role":"system","content":"s"},)";
  rules.similar = true;
  auto exact = scope(turn);
  EXPECT_NE(exact, scope(""));
  cache_policy policy;
  policy.model = "m";
  policy.any_conversation = true;
  std::vector<cache_policy> policies{policy};
  rules.policies = &policies;
  EXPECT_EQ(scope(turn), scope(""));
  EXPECT_EQ(scope(turn + turn, "who?"), scope(""));
  EXPECT_NE(scope(system + turn), scope(turn)) << "instructions count";
  EXPECT_EQ(scope(system + turn), scope(system));
  EXPECT_NE(scope(turn), exact) << "another namespace";
  EXPECT_NE(scope(turn, "why?", "other"), scope("", "why?", "other"));
  EXPECT_NE(
      terms(R"({"model":"m","messages":[)" + turn + R"({"role":"user","content":"q"}]})").exact,
      terms(R"({"model":"m","messages":[{"role":"user","content":"q"}]})").exact);
}

TEST(request_reader_merging_test, nothing_is_shared_without_rules) {
  request_reader reader;
  std::string body = R"({"model":"m","messages":[1],"service_tier":"flex"})";
  auto reading = reader.read(endpoint::chat_completions, body);
  EXPECT_FALSE(reading.request.merge.exact);
  EXPECT_EQ(reading.request.patience, urgency::flexible);
  body = R"({"model":"m","messages":[1],"service_tier":"auto"})";
  EXPECT_EQ(reader.read(endpoint::chat_completions, body).request.patience, urgency::interactive);
}

TEST(merge_rules_test, a_caller_can_want_an_answer_of_its_own) {
  auto wants = [](std::string_view name, std::string_view value) {
    http_request x;
    x.fields.emplace_back("Host", "h");
    x.fields.emplace_back(name, value);
    return wants_own_answer(x);
  };
  EXPECT_TRUE(wants("X-Sluice-Merge", "off"));
  EXPECT_TRUE(wants("x-sluice-merge", " OFF"));
  EXPECT_FALSE(wants("x-sluice-merge", "on"));
  EXPECT_TRUE(wants("Cache-Control", "no-store"));
  EXPECT_TRUE(wants("cache-control", "no-cache , No-Store,max-age=0"));
  EXPECT_FALSE(wants("Cache-Control", "no-cache"));
  EXPECT_FALSE(wants("Cache-Control", "no-store=1"));
  EXPECT_FALSE(wants("Cache-Control", ""));
}

} // namespace
} // namespace sluice
