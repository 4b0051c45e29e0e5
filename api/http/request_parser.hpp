#pragma once

#include "api/http/handler.hpp"
#include "runtime/configuration.hpp"

#include <boost/beast/http/basic_parser.hpp>

#include <optional>
#include <string>
#include <string_view>

namespace sluice {

/// How the body of a request is framed.
enum class body_framing : uint8_t { none, length, chunked };

/// What a request's head says beyond its fields.
struct request_head {
  body_framing framing = body_framing::none;
  uint64_t content_length = 0;
  bool keep_alive = true;
  bool http_1_0 = false;
  bool expects_continue = false;
};

/// Why a request cannot be taken.
struct http_refusal {
  ec code = ec::none;
  std::string_view detail; ///< a literal
};

/// The size of the head at the start of `bytes`, its empty line included; 0 while it is not whole.
/// `scanned` is where the last look ended, so that a head that comes byte by byte is not read again
/// from its start each time.
size_t head_size(std::string_view bytes, size_t& scanned);

/// Parses the head in `request.head` and fills `request`'s views. Stricter than the parser below it
/// (Boost.Beast): whatever two servers could read differently is refused, for that is how requests
/// are smuggled (RFC 9112 sections 2.2, 5.2, 6.1 and 11.2).
std::optional<http_refusal> parse_head(http_request& request, request_head& head,
                                       const limit_settings& limits);

/// Takes a chunked body apart.
class chunked_body {
public:
  chunked_body(const limit_settings& limits, std::string& body);

  struct progress {
    size_t consumed = 0;
    bool done = false;
    std::optional<http_refusal> refusal;
  };

  /// Reads from `bytes`, appends to the body.
  progress put(std::string_view bytes);

private:
  /// Beast's parser as a machine for chunks: its head is one that we made.
  class machine : public boost::beast::http::basic_parser<true> {
  public:
    explicit machine(std::string& body) : body_(body) {}

  private:
    using error_code = boost::beast::error_code;
    using text = boost::beast::string_view;

    void on_request_impl(boost::beast::http::verb, text, text, int, error_code&) override {}
    void on_response_impl(int, text, int, error_code&) override {}
    void on_field_impl(boost::beast::http::field, text, text, error_code&) override {}
    void on_header_impl(error_code&) override {}
    void on_body_init_impl(const boost::optional<uint64_t>&, error_code&) override {}
    size_t on_body_impl(text, error_code&) override { return 0; }
    void on_chunk_header_impl(uint64_t, text extensions, error_code& error) override;
    size_t on_chunk_body_impl(uint64_t remaining, text part, error_code& error) override;
    void on_finish_impl(error_code&) override {}

    std::string& body_;
  };

  machine machine_;
  uint32_t trailer_bytes_max_;
  bool begun_ = false;
};

} // namespace sluice
