#include "tests/bench/peer/incoming_request.hpp"

#include "tests/bench/peer/http_text.hpp"

#include <charconv>

namespace sluice::bench {

namespace {

/// A stream longer than any model writes would only make an interrupted run hard to end.
constexpr uint32_t events_max = 1'000'000;
/// The role and the finish reason.
constexpr uint32_t events_min = 2;

/// What follows `name` in JSON text: `name` is quoted and has its colon; a gateway that writes the
/// body anew may put a space behind it.
std::string_view value_after(std::string_view body, std::string_view name) {
  auto at = body.find(name);
  if (at == std::string_view::npos)
    return {};
  body.remove_prefix(at + name.size());
  while (body.starts_with(' '))
    body.remove_prefix(1);
  return body;
}

} // namespace

incoming_request read_request(std::string_view bytes) {
  using state = incoming_request::state;
  incoming_request result;
  auto head_end = bytes.find("\r\n\r\n");
  if (head_end == std::string_view::npos)
    return result;
  result.is = state::broken;
  auto head = bytes.substr(0, head_end + 2);
  if (!head.starts_with("POST /v1/chat/completions HTTP/1.1\r\n"))
    return result;
  auto length = field(head, "content-length");
  uint64_t body_bytes = 0;
  auto end = length.data() + length.size();
  if (length.empty() || std::from_chars(length.data(), end, body_bytes).ptr != end)
    return result;
  if (bytes.size() - head_end - 4 < body_bytes) {
    result.is = state::more;
    return result;
  }
  auto body = bytes.substr(head_end + 4, body_bytes);
  result.is = state::whole;
  result.bytes = head_end + 4 + body_bytes;
  result.streamed = value_after(body, "\"stream\":").starts_with("true");
  if (!result.streamed)
    return result;
  result.usage_wanted = value_after(body, "\"include_usage\":").starts_with("true");
  auto digits = value_after(body, "\"max_tokens\":");
  auto error = std::from_chars(digits.data(), digits.data() + digits.size(), result.events).ec;
  if (error != std::errc{} || result.events < events_min || result.events > events_max)
    result.is = state::broken;
  return result;
}

} // namespace sluice::bench
