#include "api/http/request_parser.hpp"

#include <boost/beast/core/string.hpp>
#include <boost/beast/http/basic_parser.hpp>
#include <boost/beast/http/rfc7230.hpp>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <limits>

namespace sluice {

namespace beast = boost::beast;
namespace http = boost::beast::http;

namespace {

std::string_view view(beast::string_view x) {
  return {x.data(), x.size()};
}

/// Collects the fields of a head; the views point into what was parsed.
class head_collector : public http::basic_parser<true> {
public:
  explicit head_collector(http_request& request) : request_(request) {}

  int version = 0;

private:
  using error_code = beast::error_code;
  using text = beast::string_view;

  void on_request_impl(http::verb, text method, text target, int http_version,
                       error_code&) override {
    request_.method = view(method);
    request_.target = view(target);
    version = http_version;
  }
  void on_response_impl(int, text, int, error_code&) override {}
  void on_field_impl(http::field, text name, text value, error_code&) override {
    request_.fields.emplace_back(view(name), view(value));
  }
  void on_header_impl(error_code&) override {}
  void on_body_init_impl(const boost::optional<uint64_t>&, error_code&) override {}
  size_t on_body_impl(text, error_code&) override { return 0; }
  void on_chunk_header_impl(uint64_t, text, error_code&) override {}
  size_t on_chunk_body_impl(uint64_t, text, error_code&) override { return 0; }
  void on_finish_impl(error_code&) override {}

  http_request& request_;
};

/// The line structure, before anything is interpreted: CR and LF only together, no folded lines, no
/// NUL.
std::optional<http_refusal> check_lines(std::string_view head, const limit_settings& limits) {
  size_t lines = 0;
  for (size_t at = 0; at < head.size();) {
    auto* end = static_cast<const char*>(std::memchr(head.data() + at, '\n', head.size() - at));
    if (!end) // cannot be: the head ends with an empty line
      return http_refusal{ec::malformed_http, "the head has no end"};
    auto lf = static_cast<size_t>(end - head.data());
    if (lf == at || head[lf - 1] != '\r')
      return http_refusal{ec::malformed_http, "a line ends in a bare line feed"};
    auto line = head.substr(at, lf - 1 - at);
    if (std::memchr(line.data(), '\r', line.size()))
      return http_refusal{ec::malformed_http, "a bare carriage return in the head"};
    if (std::memchr(line.data(), '\0', line.size()))
      return http_refusal{ec::malformed_http, "a NUL in the head"};
    if (!line.empty() && (line.front() == ' ' || line.front() == '\t'))
      return http_refusal{ec::malformed_http, "a folded or indented header line"};
    ++lines;
    at = lf + 1;
  }
  if (lines > limits.header_count_max + size_t{2}) // request line and empty line
    return http_refusal{ec::header_too_large, "too many header fields"};
  return std::nullopt;
}

bool is(std::string_view a, std::string_view b) {
  return a.size() == b.size() && beast::iequals({a.data(), a.size()}, {b.data(), b.size()});
}

struct framing_fields {
  size_t hosts = 0;
  size_t lengths = 0;
  size_t encodings = 0;
  std::string_view length;
  std::string_view encoding;
};

std::optional<http_refusal> read_framing(const framing_fields& x, request_head& head) {
  if (x.encodings > 0 && x.lengths > 0)
    return http_refusal{ec::malformed_http, "both Content-Length and Transfer-Encoding"};
  if (x.lengths > 1)
    return http_refusal{ec::malformed_http, "more than one Content-Length"};
  if (x.lengths == 1) {
    auto* end = x.length.data() + x.length.size();
    auto [stop, error] = std::from_chars(x.length.data(), end, head.content_length);
    if (error != std::errc{} || stop != end)
      return http_refusal{ec::malformed_http, "Content-Length is not a number"};
    head.framing = head.content_length > 0 ? body_framing::length : body_framing::none;
  }
  if (x.encodings > 0) {
    if (head.http_1_0)
      return http_refusal{ec::malformed_http, "Transfer-Encoding in HTTP/1.0"};
    if (x.encodings > 1 || !is(x.encoding, "chunked"))
      return http_refusal{ec::malformed_http, "a Transfer-Encoding other than chunked"};
    head.framing = body_framing::chunked;
  }
  return std::nullopt;
}

} // namespace

std::string_view http_request::field(std::string_view name) const {
  for (auto& [key, value] : fields)
    if (is(key, name))
      return value;
  return {};
}

std::string_view http_request::path() const {
  auto path = target.substr(0, target.find('?'));
  auto scheme = path.find("://");
  if (path.starts_with('/') || scheme == std::string_view::npos)
    return path;
  auto slash = path.find('/', scheme + 3);
  return slash == std::string_view::npos ? std::string_view{"/"} : path.substr(slash);
}

size_t head_size(std::string_view bytes, size_t& scanned) {
  // The empty line may be cut anywhere: step back over what can be its beginning.
  auto from = scanned > 3 ? scanned - 3 : 0;
  auto at = bytes.find("\r\n\r\n", from);
  if (at != std::string_view::npos)
    return at + 4;
  // Bare line feeds would never match; show the whole to the strict check instead of waiting for
  // the time limit.
  auto bare = bytes.find("\n\n", from > 0 ? from : 0);
  if (bare != std::string_view::npos)
    return bare + 2;
  scanned = bytes.size();
  return 0;
}

std::optional<http_refusal> parse_head(http_request& request, request_head& head,
                                       const limit_settings& limits) {
  if (auto refusal = check_lines(request.head, limits))
    return refusal;
  head_collector parser{request};
  parser.header_limit(limits.header_bytes_max + 1); // we have measured it already
  parser.body_limit(
      std::numeric_limits<uint64_t>::max()); // the length is checked below, against our limit
  request.fields.reserve(16);
  beast::error_code error;
  parser.put(boost::asio::buffer(request.head), error);
  if (error && error != http::error::need_more)
    return error == http::error::bad_version
               ? http_refusal{ec::malformed_http, "an HTTP version other than 1.0 and 1.1"}
               : http_refusal{ec::malformed_http, "the head does not follow HTTP/1.1"};
  head.http_1_0 = parser.version == 10;
  framing_fields framing;
  auto close = false;
  auto keep_alive = false;
  std::string_view expect;
  for (auto& [name, value] : request.fields) {
    if (is(name, "host"))
      ++framing.hosts;
    else if (is(name, "content-length")) {
      ++framing.lengths;
      framing.length = value;
    } else if (is(name, "transfer-encoding")) {
      ++framing.encodings;
      framing.encoding = value;
    } else if (is(name, "expect"))
      expect = value;
    else if (is(name, "content-encoding") && !is(value, "identity"))
      return http_refusal{ec::unsupported_media_type, "a body with a Content-Encoding"};
    else if (is(name, "connection")) {
      for (auto token : http::token_list{{value.data(), value.size()}}) {
        close = close || beast::iequals(token, "close");
        keep_alive = keep_alive || beast::iequals(token, "keep-alive");
      }
    }
  }
  if (framing.hosts != 1 && !(head.http_1_0 && framing.hosts == 0))
    return http_refusal{ec::malformed_http, "exactly one Host field is needed"};
  if (auto refusal = read_framing(framing, head))
    return refusal;
  head.keep_alive = !close && (!head.http_1_0 || keep_alive);
  if (!expect.empty()) {
    if (!is(expect, "100-continue"))
      return http_refusal{ec::expectation_failed, "an expectation other than 100-continue"};
    head.expects_continue = !head.http_1_0;
  }
  if (head.content_length > limits.body_bytes_max)
    return http_refusal{ec::body_too_large, "the body is larger than the limit"};
  return std::nullopt;
}

} // namespace sluice
