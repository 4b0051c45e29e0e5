#include "tests/bench/peer/outgoing_request.hpp"

#include <string_view>

namespace sluice::bench {

namespace {

constexpr size_t body_bytes = 1'024;

/// Repeated until the body is full.
constexpr std::string_view question =
    "Our support desk receives about four hundred tickets a day, most of them about invoices, "
    "delivery dates and passwords. Please suggest how to sort them by urgency, which of them a "
    "small model could answer alone, and how we would notice that its answers are wrong. ";

/// What stands before the number, and its digits.
constexpr std::string_view number_mark = "Ticket ";
constexpr size_t number_digits = 12;

std::string chat_body(const request_settings& settings) {
  std::string result =
      R"({"model":")" + settings.model +
      R"(","messages":[{"role":"system","content":"You are a careful assistant. )"
      R"(Answer briefly and say what you do not know."},{"role":"user","content":")" +
      std::string{number_mark} + std::string(number_digits, '0') + ". ";
  std::string end = R"("}],"top_p":0.9)";
  if (settings.events > 0)
    end += R"(,"max_tokens":)" + std::to_string(settings.events) +
           R"(,"stream":true,"stream_options":{"include_usage":true})";
  end += "}";
  for (size_t i = 0; result.size() + end.size() < body_bytes; ++i)
    result += question[i % question.size()];
  return result + end;
}

} // namespace

void renumber(std::string& request, uint64_t number) {
  auto at = request.find(number_mark) + number_mark.size();
  for (auto i = number_digits; i-- > 0; number /= 10)
    request[at + i] = static_cast<char>('0' + number % 10);
}

std::string chat_request(const request_settings& settings) {
  auto body = chat_body(settings);
  return "POST /v1/chat/completions HTTP/1.1\r\n"
         "Host: 127.0.0.1\r\n"
         "Accept-Encoding: gzip, deflate\r\n"
         "Connection: keep-alive\r\n"
         "Accept: application/json\r\n"
         "Content-Type: application/json\r\n"
         "User-Agent: OpenAI/Python 1.109.1\r\n"
         "X-Stainless-Lang: python\r\n"
         "X-Stainless-Package-Version: 1.109.1\r\n"
         "X-Stainless-OS: Linux\r\n"
         "X-Stainless-Arch: x64\r\n"
         "X-Stainless-Runtime: CPython\r\n"
         "X-Stainless-Runtime-Version: 3.11.2\r\n"
         "Authorization: Bearer " +
         settings.key +
         "\r\n"
         "X-Stainless-Async: false\r\n"
         "x-stainless-retry-count: 0\r\n"
         "x-stainless-read-timeout: 600\r\n"
         "Content-Length: " +
         std::to_string(body.size()) + "\r\n\r\n" + body;
}

} // namespace sluice::bench
