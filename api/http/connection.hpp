#pragma once

#include "api/http/handler.hpp"
#include "api/http/request_parser.hpp"
#include "runtime/time.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core/flat_buffer.hpp>

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace sluice {

/// A socket bound to its loop's own executor type: the polymorphic default costs an indirect call
/// and a reference count an operation.
using tcp_socket =
    boost::asio::basic_stream_socket<boost::asio::ip::tcp, boost::asio::io_context::executor_type>;

class http_admission;
class http_listener;

/// One HTTP/1.1 connection of a client. Reads requests, one at a time and in order, hands them to
/// the listener's handler, and writes the replies. Held by the listener and by its own pending
/// operations.
///
/// A read is always pending while there is room for what it brings: it is how we learn, in the
/// middle of a request, that the client has gone. What it brings beyond the present request waits
/// in the buffer (pipelining); when that is full, reading pauses until the reply has been written.
class connection final : public reply_sink, public std::enable_shared_from_this<connection> {
public:
  connection(http_listener& listener, tcp_socket socket, std::string peer);
  ~connection() override;

  void start();
  /// Looks at the deadline of the present phase.
  void tick(steady_time now);
  /// Ends after the present reply, or at once where there is none.
  void drain();
  /// Ends at once; the exchange hears that its client has gone.
  void close();
  bool idle() const { return phase_ == phase::idle; }
  const std::string& peer() const { return peer_; }

  void send(http_response&& response) override;
  void begin(http_response&& head) override;
  void write(std::string&& block) override;
  void finish() override;
  void cut() override;

private:
  enum class phase : uint8_t {
    idle,      // between requests
    head,      // some of a request's head has come
    body,      // the head is whole, some of the body is missing
    working,   // the handler has the request, or its reply is being written
    lingering, // everything is said; reading away what the client still sends, so that it can read
               // our last reply
    closed,
  };

  void read();
  void on_read(boost::system::error_code error, boost::asio::mutable_buffer got);
  void process();
  bool take_head();
  bool take_body();
  void dispatch();
  void refuse(const http_refusal& why);
  void append_head(std::string& out, const http_response& response) const;
  void flush();
  void on_write(boost::system::error_code error, size_t bytes);
  void reply_written();
  void linger();
  void enter(phase next, std::chrono::milliseconds limit);
  bool hold(uint64_t bytes);

  http_listener& listener_;
  std::shared_ptr<http_admission>
      admission_; // its own: pending operations may outlive the listener
  tcp_socket socket_;
  std::string peer_;
  boost::beast::flat_buffer in_;
  size_t scanned_ = 0;
  phase phase_ = phase::idle;
  steady_time due_{};
  bool reading_ = false;
  bool peer_finished_ = false; // it will send no more
  bool draining_ = false;

  std::unique_ptr<http_request> request_;
  request_head head_;
  std::optional<chunked_body> chunks_;
  uint64_t held_ = 0; // bytes of the body that are counted as held
  std::shared_ptr<http_exchange> exchange_;

  // What is written: `pending_` collects while `sending_` is with the kernel.
  bool replying_ = false;  // between the head of a reply and its end
  bool streaming_ = false; // its body comes by `write`
  bool chunked_ = false;   // and is framed
  bool ended_ = false;     // nothing more will be added to it
  bool close_after_ = false;
  bool head_only_ = false; // the request was HEAD: no body in the reply
  std::vector<std::string> pending_;
  std::vector<std::string> sending_;
  std::vector<boost::asio::const_buffer> buffers_;
  size_t pending_stream_bytes_ = 0;
  size_t sending_stream_bytes_ = 0;
};

} // namespace sluice
