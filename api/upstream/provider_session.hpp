#pragma once

#include "api/upstream/response_parser.hpp"
#include "api/upstream/sse_reader.hpp"
#include "runtime/actors.hpp"
#include "runtime/base_url.hpp"
#include "runtime/configuration.hpp"
#include "runtime/io_loop.hpp"

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/beast/core/flat_buffer.hpp>

#include <array>
#include <memory>
#include <optional>
#include <string>

namespace sluice {

class provider_session;

/// What the connections of one provider share. Outlives them all.
struct provider_target {
  provider_settings settings;
  base_url url;
  std::shared_ptr<boost::asio::ssl::context> tls; ///< null for plain HTTP
  std::string head_fields;    ///< the header lines that are the same in each call
  std::string form_fields;    ///< likewise, of a call that uploads a form
  uint64_t stream_window = 0; ///< bytes of a stream that may be under way to the client
  uint64_t reply_bytes_max = 0;
};

/// Who is told what happens on a session.
class session_owner {
public:
  virtual ~session_owner() = default;
  virtual void on_connected(provider_session& who) = 0;
  /// Some of a stream is ready: `sse_reader` events.
  virtual void on_events(const upstream_call& call, std::string&& events, uint32_t count,
                         header_list&& headers) = 0;
  /// The call has ended. `reusable` where the session can take another one.
  virtual void on_finished(provider_session& who, struct call_outcome&& outcome) = 0;
  /// The session ended without a call, or before it was connected.
  virtual void on_closed(provider_session& who, const failure& why) = 0;
};

/// How a call ended.
struct call_outcome {
  upstream_call call;
  failure why;           ///< `none` where it succeeded
  bool streamed = false; ///< content has been handed out
  std::string body;      ///< of a whole reply
  header_list headers;
  std::optional<token_usage> usage;
  int64_t output_tokens = 0; ///< as we count them, where the provider does not tell
  call_timing timing;
  bool reusable = false;
};

/// One connection to a provider: connects, then makes one call after the other. Always reads, also
/// between calls, to learn at once that the provider closed it. Held by its owner and by its own
/// pending operations.
class provider_session : public std::enable_shared_from_this<provider_session> {
public:
  provider_session(io_loop& loop, std::shared_ptr<const provider_target> target,
                   session_owner* owner);

  void connect(steady_time due);
  /// Makes a call that was taken at `taken`. Only while idle.
  void start(upstream_call&& call, steady_time taken);
  /// The client took some of the stream.
  void credit(uint64_t bytes);
  /// Ends without a word to the owner.
  void abandon();
  void tick(steady_time now);

  uint64_t call_number() const { return call_ ? call_->call : 0; }
  const upstream_call* call() const { return call_ ? &*call_ : nullptr; }
  bool idle() const { return phase_ == phase::idle; }
  steady_time idle_since() const { return idle_since_; }

private:
  using socket = boost::asio::basic_stream_socket<boost::asio::ip::tcp,
                                                  boost::asio::io_context::executor_type>;
  using tls_stream = boost::asio::ssl::stream<socket&>;
  using error_code = boost::system::error_code;
  enum class phase : uint8_t { connecting, idle, waiting, receiving, closed };

  void resolved(const error_code& error, boost::asio::ip::tcp::resolver::results_type found);
  void shake_hands();
  void connected();
  uint64_t body_bytes_max() const;
  void send();
  void sent(const error_code& error);
  void read();
  void on_read(const error_code& error, size_t bytes);
  void take(const error_code& stop);
  void begun();
  bool said_all() const;
  void wait_for_more();
  void take_stream(bool ended);
  void take_pieces();
  void take_whole();
  void succeed();
  void fail(failure&& why);
  void finish(failure&& why, bool reusable);
  void close_with(const failure& why);
  void shut();
  failure lost(const error_code& error) const;

  io_loop& loop_;
  std::shared_ptr<const provider_target> target_;
  session_owner* owner_;
  boost::asio::ip::tcp::resolver resolver_;
  socket socket_;
  std::unique_ptr<tls_stream> tls_;
  phase phase_ = phase::connecting;
  steady_time due_{};
  steady_time idle_since_{};
  boost::beast::flat_buffer in_;
  bool reading_ = false;

  // The call under way.
  std::optional<upstream_call> call_;
  std::string head_;
  bool sending_ = false;
  steady_time started_{};
  steady_time first_byte_{};
  std::optional<response_parser> parser_;
  std::optional<sse_reader> events_;
  bool streamed_ = false;
  uint64_t unacknowledged_ = 0; // bytes of the stream handed out that the client has not taken
};

} // namespace sluice
