#include "tests/bench/peer/canned_answers.hpp"

#include <algorithm>
#include <array>
#include <cstdio>

namespace sluice::bench {

namespace {

/// Content events in the repeated pattern: 50 KB, inside the second-level cache.
constexpr uint32_t pattern_events = 256;

/// Words of an answer, with what JSON has to escape here and there.
constexpr std::array<std::string_view, 16> words{
    " the",     " gateway", " answers", " in",    " order",    ",",    " and",  " nothing",
    " is lost", ".",        "\\n\\n",   " Every", " \\\"call", "\\\"", " ends", " once"};

/// The text of the whole reply: together with the rest of the JSON about 1,000 bytes.
constexpr std::string_view answer =
    "A gateway stands between the applications of an organisation and the providers of its "
    "models. It knows who asks, what a call may cost and which model is good enough, and it keeps "
    "the keys of the providers to itself.\\n\\nWhen an application sends a request, the gateway "
    "checks the key, chooses a deployment, passes the request on and hands the answer back. What "
    "it adds in time should be small beside the time that the model needs: well under a "
    "millisecond, where the model takes hundreds of them.";

std::string event_json(std::string_view delta, std::string_view finish_reason) {
  std::string result = R"({"id":"chatcmpl-BenchAnswer0123456789abcdef","object":"chat.completion.)"
                       R"(chunk","created":1764000000,"model":"bench-model","choices":[{"index":0,)"
                       R"("delta":)";
  result += delta;
  result += R"(,"logprobs":null,"finish_reason":)";
  result += finish_reason;
  result += R"(}],"usage":null})";
  return result;
}

/// An event as servers of models send it: in an HTTP chunk of its own.
std::string in_chunk(std::string_view json) {
  std::array<char, 20> size{};
  std::snprintf(size.data(), size.size(), "%zx\r\n", json.size() + 8);
  return std::string{size.data()} + "data: " + std::string{json} + "\n\n\r\n";
}

std::string whole_reply() {
  std::string body = R"({"id":"chatcmpl-BenchAnswer0123456789abcdef","object":"chat.completion",)"
                     R"("created":1764000000,"model":"bench-model","choices":[{"index":0,)"
                     R"("message":{"role":"assistant","content":")";
  body += answer;
  body += R"(","refusal":null,"annotations":[]},"logprobs":null,"finish_reason":"stop"}],"usage":{)"
          R"("prompt_tokens":215,"completion_tokens":108,"total_tokens":323,)"
          R"("prompt_tokens_details":{"cached_tokens":0,"audio_tokens":0},)"
          R"("completion_tokens_details":{"reasoning_tokens":0,"audio_tokens":0,)"
          R"("accepted_prediction_tokens":0,"rejected_prediction_tokens":0}},)"
          R"("service_tier":"default","system_fingerprint":"fp_0123456789"})";
  return "HTTP/1.1 200 OK\r\nDate: Tue, 02 Dec 2025 12:00:00 GMT\r\nContent-Type: "
         "application/json\r\nx-request-id: req_bench\r\nopenai-processing-ms: "
         "1\r\nContent-Length: " +
         std::to_string(body.size()) + "\r\n\r\n" + body;
}

} // namespace

canned_answers::canned_answers() : reply_(whole_reply()) {
  // X-Accel-Buffering is what servers of streams send so that nginx passes each read on at once;
  // other gateways have no use for it.
  stream_begin_ =
      "HTTP/1.1 200 OK\r\nDate: Tue, 02 Dec 2025 12:00:00 GMT\r\nContent-Type: "
      "text/event-stream; charset=utf-8\r\nCache-Control: no-cache\r\nx-request-id: "
      "req_bench\r\nX-Accel-Buffering: no\r\nTransfer-Encoding: chunked\r\n\r\n" +
      in_chunk(event_json(R"({"role":"assistant","content":"","refusal":null})", "null"));
  for (uint32_t i = 0; i < pattern_events; ++i) {
    offsets_.push_back(content_.size());
    auto delta = R"({"content":")" + std::string{words[i % words.size()]} + R"("})";
    content_ += in_chunk(event_json(delta, "null"));
  }
  offsets_.push_back(content_.size());
  auto finish = in_chunk(event_json("{}", "\"stop\""));
  auto usage =
      in_chunk(R"({"id":"chatcmpl-BenchAnswer0123456789abcdef","object":"chat.completion.)"
               R"(chunk","created":1764000000,"model":"bench-model","choices":[],"usage":{)"
               R"("prompt_tokens":215,"completion_tokens":108,"total_tokens":323}})");
  const std::string done = "e\r\ndata: [DONE]\n\n\r\n0\r\n\r\n";
  stream_end_ = finish + done;
  stream_end_with_usage_ = finish + usage + done;
}

uint32_t canned_answers::contiguous_max(uint32_t at) const {
  return pattern_events - at % pattern_events;
}

std::string_view canned_answers::content(uint32_t at, uint32_t count) const {
  auto first = at % pattern_events;
  auto last = std::min(first + count, pattern_events);
  return std::string_view{content_}.substr(offsets_[first], offsets_[last] - offsets_[first]);
}

} // namespace sluice::bench
