#pragma once

#include "runtime/messages.hpp"

#include <boost/beast/http/basic_parser.hpp>

#include <chrono>
#include <string>
#include <string_view>

namespace sluice {

/// What of a response's head matters here.
struct response_head {
  int status = 0;
  bool event_stream = false;
  header_list passed_on; ///< fields that callers know: rate limits, the provider's request id
  std::chrono::milliseconds retry_after{-1};
  bool should_retry_said = false;
  bool should_retry = false;
};

/// Parses one HTTP response. Whatever of the body came is appended to `body`, which the caller may
/// empty between two puts.
class response_parser : public boost::beast::http::basic_parser<false> {
public:
  /// A longer body than `body_max` is an error.
  explicit response_parser(uint64_t body_max);

  /// Reads from `bytes`; how much was used. What was not used is to come again, with more behind it
  /// where `error` is `need_more`.
  size_t put(boost::asio::const_buffer bytes, boost::beast::error_code& error);

  response_head head;
  std::string body;

private:
  using error_code = boost::beast::error_code;
  using text = boost::beast::string_view;

  void on_request_impl(boost::beast::http::verb, text, text, int, error_code&) override {}
  void on_response_impl(int status, text, int, error_code&) override { head.status = status; }
  void on_field_impl(boost::beast::http::field, text name, text value, error_code&) override;
  void on_header_impl(error_code&) override {}
  void on_body_init_impl(const boost::optional<uint64_t>& size, error_code&) override;
  size_t on_body_impl(text part, error_code& error) override;
  void on_chunk_header_impl(uint64_t, text, error_code& error) override {
    chunks_begun_ = true;
    error = {};
  }
  size_t on_chunk_body_impl(uint64_t, text part, error_code& error) override;
  void on_finish_impl(error_code&) override {}

  bool chunks_begun_ = false;
};

/// `retry-after` (seconds or an HTTP date) and `retry-after-ms` as a wait; negative where `value`
/// is neither.
std::chrono::milliseconds parse_retry_after(std::string_view value,
                                            std::chrono::system_clock::time_point now);

} // namespace sluice
