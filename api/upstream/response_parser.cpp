#include "api/upstream/response_parser.hpp"

#include "api/upstream/caller_headers.hpp"

#include <boost/beast/core/string.hpp>
#include <boost/beast/http/error.hpp>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <ctime>

namespace sluice {

namespace beast = boost::beast;

namespace {

/// A response's head may be larger than a request's may: providers send cookies and policies.
constexpr uint32_t head_bytes_max = 64 * 1024;

/// A longer wait is no wait: ten days, far from where sums with it overflow.
constexpr std::chrono::milliseconds retry_after_longest{1'000'000'000};

/// A body is given room by its announced length only so far; beyond that it grows as it comes.
constexpr uint64_t reserve_max = 1024 * 1024;

std::string_view view(beast::string_view x) {
  return {x.data(), x.size()};
}

bool starts_with_icase(std::string_view x, std::string_view prefix) {
  return x.size() >= prefix.size() &&
         beast::iequals({x.data(), prefix.size()}, {prefix.data(), prefix.size()});
}

bool is(std::string_view x, std::string_view y) {
  return x.size() == y.size() && starts_with_icase(x, y);
}

} // namespace

std::chrono::milliseconds parse_retry_after(std::string_view value,
                                            std::chrono::system_clock::time_point now) {
  double seconds = 0;
  auto [stop, error] = std::from_chars(value.data(), value.data() + value.size(), seconds);
  if (error == std::errc{} && stop == value.data() + value.size()) {
    if (!std::isfinite(seconds) || seconds < 0 ||
        seconds > std::chrono::duration<double>(retry_after_longest).count())
      return std::chrono::milliseconds{-1};
    return std::chrono::milliseconds{static_cast<int64_t>(std::ceil(seconds * 1000))};
  }
  std::tm parts{};
  std::string text{value};
  if (!strptime(text.c_str(), "%a, %d %b %Y %H:%M:%S GMT", &parts) || parts.tm_year < 70 ||
      parts.tm_year > 300) // the clock counts nanoseconds and ends in 2262
    return std::chrono::milliseconds{-1};
  auto at = std::chrono::system_clock::from_time_t(timegm(&parts));
  return std::max(std::chrono::milliseconds{0},
                  std::chrono::ceil<std::chrono::milliseconds>(at - now));
}

response_parser::response_parser(uint64_t body_max) {
  header_limit(head_bytes_max);
  body_limit(body_max);
}

size_t response_parser::put(boost::asio::const_buffer bytes, boost::beast::error_code& error) {
  error = {};
  size_t used = 0;
  if (!is_header_done()) {
    eager(false); // the head alone
    used = basic_parser::put(bytes, error);
    bytes += used;
    if (error || is_done() || !is_header_done() || bytes.size() == 0)
      return used;
  }
  // No chunked body is shorter, and Beast 1.74 asserts that it sees so much of a last chunk.
  if (chunked() && !chunks_begun_ && bytes.size() < std::string_view{"0\r\n\r\n"}.size()) {
    error = beast::http::error::need_more;
    return used;
  }
  eager(true);
  return used + basic_parser::put(bytes, error);
}

void response_parser::on_field_impl(boost::beast::http::field, text raw_name, text raw_value,
                                    error_code&) {
  auto name = view(raw_name);
  auto value = view(raw_value);
  if (is(name, "content-type")) {
    head.event_stream = starts_with_icase(value, "text/event-stream");
  } else if (is(name, "retry-after-ms")) {
    int64_t ms = 0;
    auto [stop, error] = std::from_chars(value.data(), value.data() + value.size(), ms);
    if (error == std::errc{} && ms >= 0 && ms <= retry_after_longest.count())
      head.retry_after = std::chrono::milliseconds{ms};
  } else if (is(name, "retry-after")) {
    if (head.retry_after.count() < 0) // the one in milliseconds is the finer
      head.retry_after = parse_retry_after(value, std::chrono::system_clock::now());
  } else if (is(name, "x-should-retry")) {
    head.should_retry_said = value == "true" || value == "false";
    head.should_retry = value == "true";
  } else {
    add_caller_header(head.passed_on, name, value);
  }
}

void response_parser::on_body_init_impl(const boost::optional<uint64_t>& size, error_code&) {
  if (size)
    body.reserve(static_cast<size_t>(std::min(*size, reserve_max)) +
                 64); // room for simdjson's padding
}

size_t response_parser::on_body_impl(text part, error_code& error) {
  error = {};
  body.append(part.data(), part.size());
  return part.size();
}

size_t response_parser::on_chunk_body_impl(uint64_t, text part, error_code& error) {
  error = {};
  body.append(part.data(), part.size());
  return part.size();
}

} // namespace sluice
