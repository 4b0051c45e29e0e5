#include "api/upstream/sse_reader.hpp"

#include "tests/support/random_test.hpp"

#include <vector>

namespace sluice {
namespace {

/// What came of a stream.
struct seen {
  std::string out;
  uint32_t count = 0;
  bool committed = false;
  bool done = false;
  ec error = ec::none;
  std::optional<token_usage> usage;

  friend bool operator==(const seen&, const seen&) = default;
};

std::ostream& operator<<(std::ostream& to, const seen& x) {
  return to << '{' << x.out << "} " << x.count << " events, committed " << x.committed << ", done "
            << x.done << ", error " << to_string_view(x.error) << ", usage " << x.usage.has_value();
}

void look(sse_reader& reader, seen& to) {
  uint32_t count = 0;
  to.out += reader.take(count);
  to.count += count;
  to.committed = reader.committed();
  to.done = reader.done();
  to.usage = reader.usage();
  if (reader.error())
    to.error = reader.error()->code;
}

seen read(const std::vector<std::string>& pieces, sse_reader::options options = {}) {
  sse_reader reader{options};
  seen result;
  for (auto& piece : pieces) {
    reader.feed(piece);
    look(reader, result);
  }
  return result;
}

const sse_reader::options usage_wanted{endpoint::chat_completions, true};

const std::string role =
    R"(data: {"choices":[{"index":0,"delta":{"role":"assistant","content":""}}]})"
    "\n\n";
const std::string content = R"(data: {"choices":[{"index":0,"delta":{"content":"hi"}}]})"
                            "\n\n";
const std::string finish = R"(data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]})"
                           "\n\n";
const std::string usage =
    R"(data: {"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":2,"total_tokens":5}})"
    "\n\n";
const std::string done = "data: [DONE]\n\n";

std::string with_crlf(const std::string& text) {
  std::string result;
  for (char c : text)
    result += c == '\n' ? std::string{"\r\n"} : std::string{c};
  return result;
}

TEST(sse_reader_test, keeps_whole_events_as_they_came) {
  auto x = read({role + content + finish + done});
  EXPECT_EQ(x.out, role + content + finish);
  EXPECT_EQ(x.count, 3U);
  EXPECT_TRUE(x.done);
  EXPECT_EQ(x.error, ec::none);
}

TEST(sse_reader_test, is_the_same_wherever_the_bytes_are_cut) {
  auto several = ": note\nevent: x\ndata: {\"choices\":\ndata: [{\"text\":\"a\"}]}\nid: 1\n\n";
  auto failing = content + "data: {\"error\":{\"message\":\"m\"}}\n\n" + content;
  for (auto& lf : {role + ": ping\n\n" + content + several + finish + usage + done + content,
                   failing, content + "data: {broken\n\n" + content})
    for (auto& stream : {lf, with_crlf(lf)})
      for (auto options : {sse_reader::options{}, usage_wanted}) {
        auto whole = read({stream}, options);
        EXPECT_NE(whole.count, 0U);
        for (size_t cut = 0; cut <= stream.size(); ++cut)
          ASSERT_EQ(read({stream.substr(0, cut), stream.substr(cut)}, options), whole)
              << "cut at " << cut;
        std::vector<std::string> bytes;
        for (char c : stream)
          bytes.emplace_back(1, c);
        ASSERT_EQ(read(bytes, options), whole) << "byte by byte";
      }
}

class sse_reader_random_test : public test::random_test {};

TEST_F(sse_reader_random_test, is_the_same_in_any_pieces) {
  const std::string parts[] = {role,
                               content,
                               content,
                               content,
                               finish,
                               usage,
                               ": ping\n\n",
                               "\n\n",
                               "\n",
                               "retry: 5\n\n",
                               "data: {\"usage\":null,\"choices\":[]}\n\n",
                               "data:{\"choices\":[{\"delta\":{\"tool_calls\":[{}]}}]}\n\n",
                               "data: {\"a\":\ndata: 1}\n\n",
                               with_crlf(content),
                               "data: {\"error\":{}}\n\n",
                               "data: nonsense\n\n",
                               done};
  for (int i = 0; i < 3'000; ++i) {
    std::string stream;
    for (auto n = below(12); n > 0; --n)
      stream += parts[below(std::size(parts))];
    std::vector<std::string> pieces;
    for (size_t at = 0; at < stream.size();) {
      auto size = 1 + below(1 + below(200));
      pieces.push_back(stream.substr(at, size));
      at += size;
    }
    sse_reader::options options{endpoint::chat_completions, below(2) == 0};
    ASSERT_EQ(read(pieces, options), read({stream}, options)) << stream;
  }
}

TEST(sse_reader_test, holds_back_until_the_first_content) {
  sse_reader reader{{}};
  uint32_t count = 0;
  reader.feed(role + ": ping\n\n" + content.substr(0, content.size() - 1));
  EXPECT_FALSE(reader.committed());
  EXPECT_EQ(reader.take(count), "");
  EXPECT_EQ(count, 0U);
  reader.feed("\n");
  EXPECT_TRUE(reader.committed());
  EXPECT_EQ(reader.take(count), role + ": ping\n\n" + content);
  EXPECT_EQ(count, 3U);
}

TEST(sse_reader_test, knows_content) {
  auto commits = [](const std::string& choice) {
    return read({"data: {\"choices\":[" + choice + "]}\n\n"}).committed;
  };
  EXPECT_FALSE(commits(R"({"delta":{"role":"assistant"}})"));
  EXPECT_FALSE(commits(R"({"delta":{"role":"assistant","content":"","refusal":null}})"));
  EXPECT_FALSE(commits(R"({"delta":{"tool_calls":[]}})"));
  EXPECT_FALSE(commits(R"({"delta":{},"finish_reason":null})"));
  EXPECT_FALSE(commits(R"({"text":""})"));
  EXPECT_FALSE(commits(""));
  EXPECT_TRUE(commits(R"({"delta":{"content":" "}})"));
  EXPECT_TRUE(commits(R"({"delta":{"reasoning_content":"hm"}})"));
  EXPECT_TRUE(commits(R"({"delta":{"tool_calls":[{"index":0}]}})"));
  EXPECT_TRUE(commits(R"({"delta":{"role":"assistant"}},{"delta":{"content":"b"}})"));
  EXPECT_TRUE(commits(R"({"delta":{},"finish_reason":"stop"})"));
  EXPECT_TRUE(commits(R"({"text":"a"})"));
  EXPECT_TRUE(read({"data: {\"some\":\"shape\"}\n\n"}).committed)
      << "unknown: the client's to read";
}

TEST(sse_reader_test, holds_back_within_bounds) {
  const std::string ping = ": ping\n\n";
  sse_reader many{{}};
  uint32_t count = 0;
  for (int i = 0; i < 64; ++i)
    many.feed(ping);
  EXPECT_FALSE(many.committed());
  many.feed(ping);
  EXPECT_TRUE(many.committed());
  EXPECT_EQ(many.take(count).size(), 65 * ping.size());
  EXPECT_EQ(count, 65U);
  sse_reader large{{}};
  large.feed(": " + std::string(64 * 1024 - 4, 'x') + "\n\n");
  EXPECT_FALSE(large.committed());
  large.feed(ping);
  EXPECT_TRUE(large.committed());
}

TEST(sse_reader_test, gives_the_usage_event_to_whoever_asked_for_it) {
  auto stripped = read({content + usage + done});
  EXPECT_EQ(stripped.out, content);
  EXPECT_EQ(stripped.count, 1U);
  EXPECT_EQ(stripped.usage, (token_usage{3, 0, 0, 2, 0}));
  auto kept = read({content + usage + done}, usage_wanted);
  EXPECT_EQ(kept.out, content + usage);
  EXPECT_EQ(kept.count, 2U);
  EXPECT_EQ(kept.usage, stripped.usage);
}

TEST(sse_reader_test, keeps_events_that_only_mention_usage) {
  auto null = "data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}],\"usage\":null}\n\n"
              "data: {\"choices\":[],\"usage\":null}\n\n"
              "data: {\"choices\":[],\"prompt_filter_results\":[]}\n\n";
  EXPECT_EQ(read({null}).out, null);
  auto with_content = "data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}],"
                      "\"usage\":{\"prompt_tokens\":1,\"completion_tokens\":1}}\n\n";
  EXPECT_EQ(read({with_content}).out, with_content);
}

TEST(sse_reader_test, the_last_usage_counts) {
  auto x = read({"data: {\"choices\":[{}],\"usage\":{\"prompt_tokens\":1,\"completion_tokens\":1}}"
                 "\n\n" +
                 usage});
  EXPECT_EQ(x.usage, (token_usage{3, 0, 0, 2, 0}));
}

TEST(sse_reader_test, reads_nothing_after_the_end) {
  auto x = read({content + done + content, content});
  EXPECT_EQ(x.out, content);
  EXPECT_TRUE(x.done);
  auto bare = read({done});
  EXPECT_TRUE(bare.done);
  EXPECT_EQ(bare.out, "");
  auto held = read({role + done});
  EXPECT_EQ(held.out, role) << "an answer without content is an answer";
}

std::string saying(int index, const std::string& text) {
  return R"(data: {"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":)" +
         std::to_string(index) + R"(,"delta":{"content":")" + text + "\"}}]}\n\n";
}

TEST(sse_reader_test, cuts_a_stream_that_passes_its_limit) {
  sse_reader::options limited{endpoint::chat_completions, false, 8};
  std::vector<std::string> pieces{role};
  for (int i = 0; i < 100; ++i)
    pieces.push_back(saying(0, " word"));
  sse_reader reader{limited};
  seen result;
  for (auto& piece : pieces) {
    reader.feed(piece);
    look(reader, result);
  }
  // The limit, a quarter of it and 16 tokens, as other vocabularies count differently.
  EXPECT_EQ(result.count, 1U + 8 + 2 + 16 + 1);
  EXPECT_TRUE(reader.cut());
  EXPECT_TRUE(result.done);
  EXPECT_FALSE(result.usage);
  auto last = result.out.substr(result.out.rfind("data: "));
  EXPECT_EQ(last, R"(data: {"id":"c","object":"chat.completion.chunk","created":1,"model":"m",)"
                  R"("choices":[{"index":0,"delta":{},"finish_reason":"length"}]})"
                  "\n\n");
}

TEST(sse_reader_test, cuts_all_answers_that_have_not_ended) {
  sse_reader reader{{endpoint::chat_completions, false, 8}};
  seen result;
  for (auto& piece : {saying(0, "a"), saying(1, "b"), finish, saying(2, "c")})
    reader.feed(piece);
  std::string words;
  for (int i = 0; i < 40; ++i)
    words += " word";
  reader.feed(saying(2, words));
  look(reader, result);
  auto last = result.out.substr(result.out.rfind("\"choices\""));
  EXPECT_EQ(last, R"("choices":[{"index":1,"delta":{},"finish_reason":"length"},)"
                  R"({"index":2,"delta":{},"finish_reason":"length"}]})"
                  "\n\n");
}

TEST(sse_reader_test, counts_what_no_usage_tells) {
  sse_reader reader{{endpoint::chat_completions, false, 100}};
  for (auto& piece : {role, saying(0, "Hello"), saying(0, " world"), finish, done})
    reader.feed(piece);
  EXPECT_TRUE(reader.done());
  EXPECT_FALSE(reader.cut());
  EXPECT_EQ(reader.output_tokens(), 2);
}

TEST(sse_reader_test, notices_errors) {
  const std::string error = R"({"error":{"message":"broke","type":"t"}})";
  auto early = read({role + "data: " + error + "\n\n" + content});
  EXPECT_EQ(early.error, ec::upstream_failed);
  EXPECT_EQ(early.out, "") << "the call can still be made elsewhere";
  EXPECT_FALSE(early.committed);
  auto late = read({content + "data: " + error + "\n\n" + content});
  EXPECT_EQ(late.error, ec::upstream_failed);
  EXPECT_EQ(late.out, content);
  EXPECT_EQ(read({"data: {\"error\":\"text\"}\n\n"}).error, ec::upstream_failed);
  EXPECT_EQ(read({"data: {\"error\":null,\"choices\":[]}\n\n"}).error, ec::none);
}

TEST(sse_reader_test, says_what_the_upstream_said) {
  sse_reader reader{{}};
  reader.feed("data: {\"error\":{\"message\":\"broke\"}}\n\n");
  ASSERT_TRUE(reader.error());
  EXPECT_EQ(reader.error()->message, "broke");
}

TEST(sse_reader_test, refuses_events_that_are_no_json_object) {
  for (auto* bad : {"data: {\n\n", "data: []\n\n", "data: hi\n\n", "data: \"[DONE]\"\n\n",
                    "data: {\"choices\":[{\"delta\":{\"content\":\"a\n\n"}) {
    auto x = read({content + bad});
    EXPECT_EQ(x.error, ec::upstream_bad_response) << bad;
    EXPECT_EQ(x.out, content) << bad;
    EXPECT_FALSE(x.done);
  }
}

TEST(sse_reader_test, joins_the_data_lines_of_an_event) {
  auto three = "data: {\"choices\":\ndata: [{\"text\":\ndata: \"abc\"}]}\n\n";
  auto x = read({three});
  EXPECT_TRUE(x.committed);
  EXPECT_EQ(x.out, three);
  EXPECT_EQ(x.error, ec::none);
}

TEST(sse_reader_test, takes_fields_without_data_as_they_are) {
  auto x = read({"event: x\nid: 5\nretry: 10\n\ndata\n\ndatabase: no\n\n" + content});
  EXPECT_EQ(x.error, ec::none);
  EXPECT_EQ(x.count, 4U);
}

TEST(sse_reader_test, bounds_an_event) {
  sse_reader reader{{}};
  auto piece = std::string(1024 * 1024, 'x');
  reader.feed("data: ");
  for (int i = 0; i < 15; ++i)
    reader.feed(piece);
  EXPECT_FALSE(reader.error());
  reader.feed(piece);
  ASSERT_TRUE(reader.error());
  EXPECT_EQ(reader.error()->code, ec::upstream_bad_response);
}

} // namespace
} // namespace sluice
