#include "api/http/listener.hpp"

#include <ctime>

namespace sluice {

namespace asio = boost::asio;
using tcp = boost::asio::ip::tcp;

namespace {

/// How long to wait before accepting again when the process is out of descriptors: until some
/// connection has ended.
constexpr std::chrono::milliseconds accept_retry{50};

/// Pending connections that the kernel keeps; its own default maximum.
constexpr int backlog = 4096;

caf::error failed(const listen_settings& where, const boost::system::error_code& error) {
  auto code = error == asio::error::address_in_use ? ec::address_in_use : ec::io_failed;
  return make_error(code, "cannot listen on " + where.address + ":" + std::to_string(where.port) +
                              ": " + error.message());
}

} // namespace

caf::expected<tcp_acceptor> open_port(io_loop& loop, const listen_settings& where) {
  boost::system::error_code error;
  auto address = asio::ip::make_address(where.address, error);
  if (error)
    return failed(where, error);
  tcp::endpoint endpoint{address, where.port};
  tcp_acceptor acceptor{loop.context().get_executor()};
  acceptor.open(endpoint.protocol(), error);
  if (!error)
    acceptor.set_option(asio::socket_base::reuse_address{true},
                        error); // only over TIME_WAIT, as on every Unix server
  if (!error)
    acceptor.bind(endpoint, error);
  if (!error)
    acceptor.listen(backlog, error);
  if (error)
    return failed(where, error);
  return acceptor;
}

http_listener::http_listener(io_loop& loop, const limit_settings& limits,
                             http_admission_ptr admission, http_handler& handler)
    : loop_(loop), limits_(limits), admission_(std::move(admission)), handler_(handler),
      retry_(loop.context()) {
  refresh_date();
  loop_.watch(this);
}

http_listener::~http_listener() {
  loop_.unwatch(this);
}

void http_listener::accept(tcp_acceptor acceptor) {
  acceptor_.emplace(std::move(acceptor));
  accept_next();
}

void http_listener::accept_next() {
  acceptor_->async_accept(loop_.context(),
                          [this](const boost::system::error_code& error, tcp_socket socket) {
                            if (error == asio::error::operation_aborted || draining_)
                              return;
                            if (error) {
                              retry_.expires_after(accept_retry);
                              retry_.async_wait([this](const boost::system::error_code& stopped) {
                                if (!stopped && !draining_)
                                  accept_next();
                              });
                              return;
                            }
                            boost::system::error_code ignored;
                            auto peer = socket.remote_endpoint(ignored).address().to_string();
                            auto descriptor = socket.release(ignored);
                            if (!ignored) {
                              if (on_accept)
                                on_accept(descriptor, std::move(peer));
                              else
                                adopt(descriptor, std::move(peer));
                            }
                            accept_next();
                          });
}

void http_listener::adopt(int descriptor, std::string peer) {
  // The kernel does not tell IPv4 from IPv6 by the descriptor, but nothing below asks for the
  // protocol after this.
  tcp_socket socket{loop_.context().get_executor()};
  boost::system::error_code error;
  socket.assign(peer.find(':') == std::string::npos ? tcp::v4() : tcp::v6(), descriptor, error);
  if (error || draining_)
    return;
  if (!admission_->open_connection(peer)) {
    ++refused_;
    return refuse_connection(std::move(socket));
  }
  ++accepted_;
  auto made = std::make_shared<connection>(*this, std::move(socket), std::move(peer));
  connections_.insert(made);
  made->start();
}

/// Says why in one write that cannot block, and closes: a connection that may not exist gets no
/// state.
void http_listener::refuse_connection(tcp_socket socket) {
  auto response = handler_.refuse(ec::overloaded, "too many connections");
  auto text = "HTTP/1.1 " + std::to_string(response.status) +
              " Too Many Requests\r\nRetry-After: 1\r\nConnection: close\r\nContent-Type: "
              "application/json\r\n"
              "Content-Length: " +
              std::to_string(response.body.size()) + "\r\n\r\n" + response.body;
  boost::system::error_code ignored;
  socket.non_blocking(true, ignored);
  socket.write_some(asio::buffer(text), ignored);
  socket.shutdown(tcp::socket::shutdown_send, ignored);
}

void http_listener::remove(connection* x) {
  admission_->close_connection(x->peer());
  connections_.erase(x->shared_from_this());
}

void http_listener::drain() {
  draining_ = true;
  boost::system::error_code ignored;
  if (acceptor_)
    acceptor_->close(ignored);
  retry_.cancel();
  scratch_.assign(connections_.begin(), connections_.end());
  for (auto& x : scratch_)
    x->drain();
  scratch_.clear();
}

void http_listener::close() {
  drain();
  scratch_.assign(connections_.begin(), connections_.end());
  for (auto& x : scratch_)
    x->close();
  scratch_.clear();
}

void http_listener::tick(steady_time now) {
  refresh_date();
  scratch_.assign(connections_.begin(), connections_.end()); // a deadline may remove
  for (auto& x : scratch_)
    x->tick(now);
  scratch_.clear();
}

void http_listener::refresh_date() {
  auto now = std::time(nullptr);
  if (now == date_second_)
    return;
  date_second_ = now;
  std::tm parts{};
  gmtime_r(&now, &parts);
  char text[32];
  // The C locale's names: nothing in the program sets another.
  date_.assign(text, std::strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", &parts));
}

} // namespace sluice
