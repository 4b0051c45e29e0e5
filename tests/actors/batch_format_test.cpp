#include "tests/actors/batch_test_support.hpp"

#include <nlohmann/json.hpp>

#include <gmock/gmock.h>

namespace sluice {
namespace {

using namespace batch_test;
using nlohmann::json;
using testing::SizeIs;

bool alone(endpoint kind, const std::string& body) {
  return !read_batch_terms(kind, body);
}

void expect_bad(endpoint kind, const std::string& body, const std::vector<batch_terms>& members) {
  auto result = split(kind, {body, {}, true, {}}, members);
  ASSERT_FALSE(result) << body;
  EXPECT_EQ(code_of(result.error()), ec::upstream_bad_response);
}

TEST(batch_terms_test, counts_inputs_and_estimates_their_tokens) {
  auto x = terms(embeddings, R"({"model":"m","input":"twelve bytes"})");
  EXPECT_EQ(x.inputs, 1U);
  EXPECT_EQ(x.tokens, 3);
  x = terms(embeddings,
            R"({"model":"m","input":[ "twelve bytes", "a","\u00e9\u4e2d\ud83d\ude00" ]})");
  EXPECT_EQ(x.inputs, 3U);
  EXPECT_EQ(x.tokens, 3 + 1 + 2) << "escapes count as the bytes that they stand for";
  x = terms(embeddings, R"({"input":[1, 22 ,333],"model":"m"})");
  EXPECT_EQ(x.inputs, 1U);
  EXPECT_EQ(x.tokens, 3);
  x = terms(embeddings, R"({"input":[[1,2],[3]],"model":"m"})");
  EXPECT_EQ(x.inputs, 2U);
  EXPECT_EQ(x.tokens, 3);
  x = terms(completions, R"({"model":"m","prompt":["a","b"],"n":3})");
  EXPECT_EQ(x.answers, 3U);
  x = terms(chat, R"({"model":"m","messages":[{"role":"user","content":"Hi"}],"n":3})");
  EXPECT_EQ(x.inputs, 1U);
  EXPECT_EQ(x.answers, 1U) << "a chat has an entry of its own, whatever is in it";
  EXPECT_GT(x.tokens, 1);
}

TEST(batch_terms_test, groups_by_everything_but_the_inputs) {
  auto base = terms(embeddings, R"({"model":"m","input":"a","user":"u","dimensions":8})").group;
  auto same = [&](const std::string& body) { return terms(embeddings, body).group == base; };
  EXPECT_TRUE(same(R"( { "dimensions" : 8 , "user":"u",
                         "input":["b","c"],"model":"m" } )"))
      << "order and white space do not matter";
  EXPECT_FALSE(same(R"({"model":"m2","input":"a","user":"u","dimensions":8})"));
  EXPECT_FALSE(same(R"({"model":"m","input":"a","user":"v","dimensions":8})"));
  EXPECT_FALSE(same(R"({"model":"m","input":"a","user":"u","dimensions":9})"));
  EXPECT_FALSE(same(R"({"model":"m","input":"a","user":"u"})"));
  EXPECT_FALSE(same(R"({"model":"m","input":"a","user":"u","dimensions":8,"unknown":1})"));
  EXPECT_FALSE(
      same(R"({"model":"m","input":"a","user":"u","dimensions":8,"encoding_format":"base64"})"));
  EXPECT_FALSE(same(R"({"model":"m","input":[1],"user":"u","dimensions":8})"))
      << "token ids and texts do not stand in one list";
}

TEST(batch_terms_test, groups_chats_by_their_model_alone) {
  auto one = terms(chat, R"({"model":"m","messages":[],"temperature":1})").group;
  EXPECT_EQ(one, terms(chat, R"({"messages":[{}],"seed":4,"model":"m"})").group);
  EXPECT_NE(one, terms(chat, R"({"messages":[],"model":"m2"})").group);
}

TEST(batch_terms_test, sends_alone_what_cannot_be_joined) {
  for (auto* body : {R"({"model":"m","input":[]})",
                     R"({"model":"m","input":""})",
                     R"({"model":"m","input":["a",""]})",
                     R"({"model":"m","input":["a",1]})",
                     R"({"model":"m","input":[1,"a"]})",
                     R"({"model":"m","input":[[1],"a"]})",
                     R"({"model":"m","input":[[1],[]]})",
                     R"({"model":"m","input":[1.5]})",
                     R"({"model":"m","input":{"a":1}})",
                     R"({"model":"m","input":null})",
                     R"({"model":"m"})",
                     R"({"model":"m","input":"a","input":"b"})",
                     R"({"model":"m","input":"a","user":1,"user":2})",
                     R"({"model":"m","input":"a","us\u0065r":2})",
                     R"({"model":"m","input":"a","stream":true})",
                     R"(["a"])",
                     R"("a")",
                     "{",
                     "",
                     R"({"model":"m","input":"a"} {})"})
    EXPECT_TRUE(alone(embeddings, body)) << body;
  for (auto* body :
       {R"({"model":"m","prompt":"a","stream":true})", R"({"model":"m","prompt":"a","echo":true})",
        R"({"model":"m","prompt":"a","best_of":2})", R"({"model":"m","prompt":"a","n":0})",
        R"({"model":"m","prompt":"a","n":129})", R"({"model":"m","prompt":"a","n":"2"})",
        R"({"model":"m","prompt":"a","n":1.0})", R"({"model":"m"})"})
    EXPECT_TRUE(alone(completions, body)) << body;
  for (auto* body : {R"({"model":"m","messages":[],"stream":true})", R"({"messages":[]})",
                     R"({"model":"m"})", R"({"model":"m","messages":"a"})"})
    EXPECT_TRUE(alone(chat, body)) << body;
  EXPECT_TRUE(alone(endpoint::chat_batch, R"({"model":"m","messages":[]})"));
}

TEST(batch_terms_test, fields_that_say_the_default_change_nothing) {
  EXPECT_FALSE(alone(embeddings, R"({"model":"m","input":"a","stream":false})"));
  EXPECT_FALSE(alone(
      completions,
      R"({"model":"m","prompt":"","stream":null,"echo":false,"best_of":2,"n":2,"user":null})"))
      << "an empty prompt can be completed";
}

TEST(batch_join_test, joins_inputs_into_the_first_body) {
  EXPECT_EQ(join(embeddings, {R"({"model":"m", "input" : "a" ,"x":1.50})",
                              R"({"x":1.50,"input":[ "b","c" ],"model":"m"})"}),
            R"({"model":"m", "input" : ["a","b","c" ] ,"x":1.50})");
  EXPECT_EQ(join(embeddings, {R"({"input":[1,2]})", R"({"input":[[3],[4,5]]})"}),
            R"({"input":[[1,2],[3],[4,5]]})");
  EXPECT_EQ(join(completions, {R"({"prompt":"a\"]"})", R"({"prompt":["b"]})"}),
            R"({"prompt":["a\"]","b"]})");
}

TEST(batch_join_test, joins_chats_whole) {
  EXPECT_EQ(join(chat, {R"({"model":"m","messages":[],"top_p":1e-1})",
                        R"({"messages":[{}],"model":"m"})"}),
            R"({"model":"m","requests":[{"model":"m","messages":[],"top_p":1e-1},)"
            R"({"messages":[{}],"model":"m"}]})");
}

TEST(batch_join_test, leaves_a_single_request_as_it_is) {
  for (auto kind : {embeddings, completions, chat})
    EXPECT_EQ(join(kind, {" anything "}), " anything ");
}

TEST(batch_split_test, gives_each_its_vectors_byte_for_byte) {
  told whole{R"({"object":"list","data":[
    {"object":"embedding","index":2,"embedding":[3.00,1e-7 , -0.0]},
    {"index":0,"embedding":"AAAA\u002b","extra":{"index":7}},
    {"object":"embedding","index":1,"embedding":[2]} ],
    "model":"m","unknown":[1.10],"usage":{"prompt_tokens":10,"total_tokens":10,"x":1}})",
             {10, 0, 0, 0, 0}};
  auto parts = split(embeddings, whole, {member(1, 1), member(2, 3)});
  ASSERT_TRUE(parts);
  EXPECT_EQ((*parts)[0].body,
            R"({"object":"list","data":[{"index":0,"embedding":"AAAA\u002b","extra":{"index":7}}],)"
            R"("model":"m","unknown":[1.10],"usage":{"prompt_tokens":3,"total_tokens":3}})");
  EXPECT_EQ((*parts)[1].body,
            R"({"object":"list","data":[{"object":"embedding","index":0,"embedding":[2]},)"
            R"({"object":"embedding","index":1,"embedding":[3.00,1e-7 , -0.0]}],)"
            R"("model":"m","unknown":[1.10],"usage":{"prompt_tokens":7,"total_tokens":7}})");
  EXPECT_EQ((*parts)[0].usage, (token_usage{3, 0, 0, 0, 0}));
  EXPECT_EQ((*parts)[0].cost + (*parts)[1].cost, *cost(whole.usage, *whole.price));
}

TEST(batch_split_test, gives_each_its_choices_and_the_tokens_of_its_texts) {
  told whole{R"({"id":"cmpl-1","object":"text_completion","created":5,"model":"m","choices":[
    {"text":"four","index":1,"logprobs":null,"finish_reason":"stop"},
    {"text":"","index":0,"finish_reason":"length"},
    {"text":"four","index":3},{"text":"fo\u0075r","index":2}],
    "usage":{"prompt_tokens":9,"completion_tokens":6,"total_tokens":15}})",
             {4, 5, 0, 4, 2}};
  auto parts = split(completions, whole, {member(1, 1, 2), member(1, 2, 2)});
  ASSERT_TRUE(parts);
  auto first = json::parse((*parts)[0].body), second = json::parse((*parts)[1].body);
  EXPECT_EQ(first["choices"], json::parse(R"([{"text":"","index":0,"finish_reason":"length"},
    {"text":"four","index":1,"logprobs":null,"finish_reason":"stop"}])"));
  EXPECT_EQ(first["id"], "cmpl-1");
  EXPECT_EQ(first["created"], 5);
  EXPECT_EQ(second["choices"],
            json::parse(R"([{"text":"four","index":0},{"text":"four","index":1}])"));
  EXPECT_EQ((*parts)[0].usage, (token_usage{1, 2, 0, 1, 1}));
  EXPECT_EQ((*parts)[1].usage, (token_usage{3, 3, 0, 3, 1}));
  EXPECT_EQ(second["usage"],
            json::parse(R"({"prompt_tokens":6,"completion_tokens":4,"total_tokens":10,
              "prompt_tokens_details":{"cached_tokens":3},
              "completion_tokens_details":{"reasoning_tokens":1}})"));
}

TEST(batch_split_test, says_nothing_about_usage_where_nobody_knows_it) {
  told whole{R"({"data":[{"index":0},{"index":1}],"usage":{"prompt_tokens":"many"}})", {}, false};
  auto parts = split(embeddings, whole, {member(1, 1), member(1, 1)});
  ASSERT_TRUE(parts);
  EXPECT_EQ((*parts)[1].body, R"({"data":[{"index":0}]})");
  EXPECT_FALSE((*parts)[1].usage_known || (*parts)[1].cost_known);
  whole.usage_known = true;
  whole.price = std::nullopt;
  parts = split(embeddings, whole, {member(1, 1), member(1, 1)});
  ASSERT_TRUE(parts);
  EXPECT_TRUE((*parts)[1].usage_known);
  EXPECT_FALSE((*parts)[1].cost_known);
}

TEST(batch_split_test, refuses_a_reply_that_is_not_what_was_asked) {
  std::vector<batch_terms> two{member(1, 1), member(1, 1)};
  for (auto* body :
       {R"({"data":[{"index":0}]})", R"({"data":[{"index":0},{"index":1},{"index":2}]})",
        R"({"data":[{"index":0},{"index":0}]})", R"({"data":[{"index":0},{"index":2}]})",
        R"({"data":[{"index":0},{"index":-1}]})", R"({"data":[{"index":0},{"index":1.0}]})",
        R"({"data":[{"index":0},{"index":"1"}]})", R"({"data":[{"index":0},{}]})",
        R"({"data":[{"index":0},{"index":1,"index":1}]})", R"({"data":[{"index":0},1]})",
        R"({"data":[{"index":0},{"index":99999999999999999999}]})", R"({"data":{}})", R"({})",
        R"({"data":[{"index":0},{"index":1}],"data":[]})", R"([])", "", "{"}) {
    expect_bad(embeddings, body, two);
    expect_bad(completions, body, two);
    expect_bad(chat, body, two);
  }
  auto entry = [](const std::string& second) {
    return R"({"data":[{"index":0,"status":200,"body":{}},)" + second + "]}";
  };
  for (auto* second :
       {R"({"index":1,"body":{}})", R"({"index":1,"status":200})",
        R"({"index":1,"status":0,"body":{}})", R"({"index":1,"status":600,"body":{}})",
        R"({"index":1,"status":200,"body":[]})", R"({"index":0,"status":200,"body":{}})"})
    expect_bad(chat, entry(second), two);
}

TEST(batch_split_test, leaves_the_reply_to_a_single_request_as_it_is) {
  for (auto kind : {embeddings, completions, chat}) {
    auto parts = split(kind, {" anything ", {7, 0, 0, 2, 0}}, {member(3, 1)});
    ASSERT_TRUE(parts);
    ASSERT_THAT(*parts, SizeIs(1));
    EXPECT_EQ(parts->front().body, " anything ");
    EXPECT_EQ(parts->front().usage, (token_usage{7, 0, 0, 2, 0}));
    EXPECT_TRUE(parts->front().cost_known);
  }
}

TEST(batch_split_test, gives_each_chat_its_own_body_and_usage) {
  told whole{
      R"({"object":"chat.completion.batch","model":"m","data":[
    {"index":1,"status":200,"body":{"id":"b", "usage":{"prompt_tokens":3,"completion_tokens":20}}},
    {"index":0,"status":200,"body":{"id":"a","usage":{"prompt_tokens":7,"completion_tokens":1,
      "prompt_tokens_details":{"cached_tokens":5}}}}],"usage":{}})",
      {5, 5, 0, 21, 0}};
  auto parts = split(chat, whole, {member(1, 100), member(1, 1)});
  ASSERT_TRUE(parts);
  EXPECT_EQ((*parts)[1].body, R"({"id":"b", "usage":{"prompt_tokens":3,"completion_tokens":20}})");
  EXPECT_EQ((*parts)[0].usage, (token_usage{2, 5, 0, 1, 0})) << "not divided by estimates";
  EXPECT_EQ((*parts)[1].usage, (token_usage{3, 0, 0, 20, 0}));
  EXPECT_EQ((*parts)[0].cost + (*parts)[1].cost, *cost(whole.usage, *whole.price));
  whole.usage_known = false;
  auto unsaid = split(chat, whole, {member(1, 100), member(1, 1)});
  ASSERT_TRUE(unsaid);
  EXPECT_EQ((*unsaid)[0].usage, (*parts)[0].usage) << "the sum of what each says";
  EXPECT_EQ((*unsaid)[0].cost, (*parts)[0].cost);
}

TEST(batch_split_test, divides_by_estimates_where_a_chat_says_nothing_of_itself) {
  told whole{R"({"data":[{"index":0,"status":200,"body":{}},
    {"index":1,"status":400,"body":{}},
    {"index":2,"status":200,"body":{"usage":{"prompt_tokens":3}}}]})",
             {30, 0, 0, 6, 0}};
  auto parts = split(chat, whole, {member(1, 1), member(1, 5), member(1, 2)});
  ASSERT_TRUE(parts);
  EXPECT_EQ((*parts)[0].usage, (token_usage{10, 0, 0, 2, 0}));
  EXPECT_EQ((*parts)[1].usage, token_usage{}) << "what failed pays nothing";
  EXPECT_EQ((*parts)[2].usage, (token_usage{20, 0, 0, 4, 0}));
  whole.usage_known = false;
  parts = split(chat, whole, {member(1, 1), member(1, 5), member(1, 2)});
  ASSERT_TRUE(parts);
  EXPECT_FALSE((*parts)[0].usage_known);
}

failure failure_at(int status, const std::string& body) {
  auto parts = split(chat,
                     {R"({"data":[{"index":0,"status":200,"body":{"id":"fine"}},)"
                      R"({"index":1,"status":)" +
                          std::to_string(status) + R"(,"body":)" + body + "}]}",
                      {}},
                     {member(1, 1), member(1, 1)});
  EXPECT_TRUE(parts);
  if (!parts)
    return {};
  EXPECT_EQ((*parts)[0].why.code, ec::none);
  EXPECT_EQ((*parts)[0].body, R"({"id":"fine"})") << "a bad neighbour harms nobody";
  EXPECT_EQ((*parts)[1].body, "");
  return (*parts)[1].why;
}

TEST(batch_split_test, reads_a_chats_error_as_that_of_a_reply_of_its_own) {
  auto why = failure_at(400, R"({"error":{"message":"No.","param":"messages","code":"x"}})");
  EXPECT_EQ(why.code, ec::upstream_rejected);
  EXPECT_EQ(why.upstream_status, 400);
  EXPECT_EQ(why.message, "No.");
  EXPECT_EQ(why.param, "messages");
  EXPECT_EQ(why.upstream_body, R"({"error":{"message":"No.","param":"messages","code":"x"}})");
  EXPECT_EQ(failure_at(429, R"({"error":{}})").code, ec::upstream_rate_limited);
  EXPECT_EQ(failure_at(500, R"({"detail":"oops"})").code, ec::upstream_failed);
  EXPECT_EQ(failure_at(500, R"({"detail":"oops"})").message,
            "The upstream replied with status 500.");
  EXPECT_EQ(failure_at(302, R"({})").code, ec::upstream_bad_response);
  why = failure_at(401, R"({"error":{"message":"Bad key sk-1"}})");
  EXPECT_EQ(why.message, "The upstream refused this gateway's credentials.");
  EXPECT_EQ(why.upstream_body, "");
  why = failure_at(429, R"({"error":{"message":"m","code":"insufficient_quota"}})");
  EXPECT_TRUE(why.should_retry_said && !why.should_retry);
  why = failure_at(200, R"({"error":{"message":"Broken."}})");
  EXPECT_EQ(why.code, ec::upstream_failed);
  EXPECT_EQ(why.message, "Broken.");
  EXPECT_EQ(why.upstream_status, 200);
}

} // namespace
} // namespace sluice
