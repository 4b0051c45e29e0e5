#pragma once

#include "api/http/admission.hpp"
#include "api/http/connection.hpp"
#include "api/http/handler.hpp"
#include "runtime/configuration.hpp"
#include "runtime/io_loop.hpp"

#include <boost/asio/ip/tcp.hpp>

#include <caf/expected.hpp>

#include <ctime>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_set>
#include <utility>
#include <vector>

namespace sluice {

using tcp_acceptor = boost::asio::basic_socket_acceptor<boost::asio::ip::tcp,
                                                        boost::asio::io_context::executor_type>;

/// Opens the port; fails with `address_in_use`, or `io_failed`, naming the address.
caf::expected<tcp_acceptor> open_port(io_loop& loop, const listen_settings& where);

/// The connections of one loop. One loop of a node accepts and hands every other connection on
/// (`on_accept`), so that a port in use is still an error and the loops are evenly loaded.
/// Actor-free: the gateway's host actor and the simulator each hold one.
class http_listener final : public ticking {
public:
  http_listener(io_loop& loop, const limit_settings& limits, http_admission_ptr admission,
                http_handler& handler);
  ~http_listener() override;

  /// What to do with a new connection; by default it is taken by this listener.
  std::function<void(int descriptor, std::string peer)> on_accept;

  /// Accepts from now on.
  void accept(tcp_acceptor acceptor);
  spare_strings& spares() { return loop_.spares(); }
  /// Takes an accepted socket. On the loop's thread.
  void adopt(int descriptor, std::string peer);
  /// Accepts nothing new, ends idle connections, and the others after their reply.
  void drain();
  /// Ends everything.
  void close();

  bool empty() const { return connections_.empty(); }
  size_t size() const { return connections_.size(); }
  uint64_t take_accepted() { return std::exchange(accepted_, 0); }
  uint64_t take_refused() { return std::exchange(refused_, 0); }

  void tick(steady_time now) override;

  // For the connections.
  const limit_settings& limits() const { return limits_; }
  http_handler& handler() { return handler_; }
  const http_admission_ptr& admission() const { return admission_; }
  std::string_view date() const { return date_; }
  bool draining() const { return draining_; }
  void remove(connection* x);

private:
  void accept_next();
  void refuse_connection(tcp_socket socket);
  void refresh_date();

  io_loop& loop_;
  limit_settings limits_;
  http_admission_ptr admission_;
  http_handler& handler_;
  std::optional<tcp_acceptor> acceptor_;
  boost::asio::steady_timer retry_;
  std::unordered_set<std::shared_ptr<connection>> connections_;
  uint64_t accepted_ = 0;
  uint64_t refused_ = 0;
  bool draining_ = false;
  std::string date_;
  std::time_t date_second_ = 0;
  std::vector<std::shared_ptr<connection>> scratch_;
};

} // namespace sluice
