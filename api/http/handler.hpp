#pragma once

#include "runtime/messages.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

/// The seam between HTTP and what answers it. Everything here happens on one loop; nothing is
/// thread-safe.
namespace sluice {

/// Bytes that a request's body has room for behind its end: simdjson reads so far beyond what it
/// parses.
constexpr size_t json_padding = 64;

/// A request, whole and within the limits. The views point into `head`.
struct http_request {
  std::string head; ///< request line and fields as they came
  std::string_view method;
  std::string_view target; ///< path and query
  std::vector<std::pair<std::string_view, std::string_view>> fields;
  std::string body;
  std::string peer;       ///< address without port
  steady_time received{}; ///< when its last byte was read

  http_request() = default;
  http_request(http_request&&) = delete; // the views would dangle; requests travel by unique_ptr
  http_request& operator=(http_request&&) = delete;

  /// The first field called `name` (case-insensitive); empty where there is none.
  std::string_view field(std::string_view name) const;
  /// `target` without its query and, where a client takes us for a proxy, without scheme and host
  /// (RFC 9112 section 3.2.2).
  std::string_view path() const;
};

/// The head of a reply and, for a whole one, its body. Content-Length, Transfer-Encoding,
/// Connection and Date are the connection's.
struct http_response {
  uint16_t status = 200;
  std::string_view content_type = "application/json"; ///< a literal
  header_list headers;
  std::string lines; ///< more header lines ready for the wire, each with its "\r\n" in front: what
                     ///< the hot path builds once
  std::string body;
  bool close = false; ///< end the connection after this reply
};

/// Where a reply goes: the connection of one request. Calls after the end of the reply or of the
/// connection do nothing.
class reply_sink {
public:
  virtual ~reply_sink() = default;
  /// The whole reply. Ends the exchange.
  virtual void send(http_response&& response) = 0;
  /// The head of a streamed reply; `head.body` is not used.
  virtual void begin(http_response&& head) = 0;
  /// Some of a streamed body. Never blocks and never refuses: the exchange bounds what it writes by
  /// what `on_written` told.
  virtual void write(std::string&& block) = 0;
  /// The end of a streamed body. Ends the exchange.
  virtual void finish() = 0;
  /// Drops the connection at once, reply unfinished. Ends the exchange.
  virtual void cut() = 0;
};

/// One request in work. Its connection holds it until the reply has ended or the client has gone.
class http_exchange {
public:
  virtual ~http_exchange() = default;
  /// The client has gone; the sink takes nothing any more. Called at most once, never after the
  /// reply ended.
  virtual void on_client_gone() = 0;
  /// `bytes` of what was given to `write` were handed to the kernel.
  virtual void on_written(size_t bytes) = 0;
};

/// Answers requests.
class http_handler {
public:
  virtual ~http_handler() = default;
  /// Takes a request. The reply may be sent during the call, then the result may be null, or later.
  virtual std::shared_ptr<http_exchange> handle(std::unique_ptr<http_request> request,
                                                std::shared_ptr<reply_sink> sink) = 0;
  /// The reply to a request that broke the protocol or a limit; the connection closes after it.
  virtual http_response refuse(ec code, std::string_view detail) = 0;
};

} // namespace sluice
