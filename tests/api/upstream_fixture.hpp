#pragma once

#include "api/upstream/openai_upstream.hpp"
#include "tests/support/heard_client.hpp"
#include "tests/support/loop_client.hpp"

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/write.hpp>
#include <gtest/gtest.h>

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace sluice::test {

namespace asio = boost::asio;

class health_router final : public loop_actor<router_actor> {
public:
  health_router(caf::actor_config& config, io_loop* loop, std::vector<deployment_health>* log)
      : loop_actor(config, loop), log_(*log) {}

  behavior_type make_behavior() override {
    return {[](const route_query&) { return route_decision{}; },
            [this](const deployment_health& x) { log_.push_back(x); }};
  }

private:
  std::vector<deployment_health>& log_;
};

class report_monitor final : public loop_actor<monitor_actor> {
public:
  report_monitor(caf::actor_config& config, io_loop* loop, std::vector<upstream_report>* log)
      : loop_actor(config, loop), log_(*log) {}

  behavior_type make_behavior() override {
    return {[](const loop_report&) { return uint32_t{0}; },
            [this](const upstream_report& x) { log_.push_back(x); },
            [](const merge_report&) {},
            [](const batch_report&) {},
            [](const jobs_report&) {},
            [](const cache_report&) {},
            [](const keeper_report&) {},
            [](const ledger_report&) {},
            [](const metrics_query&) { return std::string{}; }};
  }

private:
  std::vector<upstream_report>& log_;
};

/// One connection that a provider has accepted. What it answers is the test's business.
class provider_peer : public std::enable_shared_from_this<provider_peer> {
public:
  provider_peer(asio::ip::tcp::socket socket, asio::ssl::context* tls)
      : socket_(std::move(socket)) {
    if (tls)
      tls_ = std::make_unique<asio::ssl::stream<asio::ip::tcp::socket&>>(socket_, *tls);
  }

  void start() {
    if (!tls_)
      return read();
    tls_->async_handshake(asio::ssl::stream_base::server, [self = shared_from_this()](auto error) {
      if (error)
        self->gone = true;
      else
        self->read();
    });
  }

  /// Reads nothing more: what the other side sends fills the kernel's buffers.
  void stop_reading() { reading_ = false; }

  void write(std::string text) {
    to_write += text.size();
    out_.push_back(std::move(text));
    if (out_.size() == 1)
      write_next();
  }

  void close() {
    boost::system::error_code ignored;
    socket_.close(ignored);
  }

  /// How many requests have come whole.
  size_t requests() const {
    size_t count = 0;
    for (size_t at = 0; at < in.size(); ++count) {
      auto end = in.find("\r\n\r\n", at);
      auto length = in.find("Content-Length: ", at);
      if (end == std::string::npos || length > end)
        break;
      at = end + 4 + std::stoul(in.substr(length + 16));
      if (at > in.size())
        break;
    }
    return count;
  }

  std::string in;
  bool gone = false; ///< the other side has closed
  size_t to_write = 0;
  size_t written = 0;

private:
  void read() {
    auto done = [self = shared_from_this()](auto error, size_t bytes) {
      self->in.append(self->part_.data(), bytes);
      if (error)
        self->gone = true;
      else if (self->reading_)
        self->read();
    };
    if (tls_)
      tls_->async_read_some(asio::buffer(part_), done);
    else
      socket_.async_read_some(asio::buffer(part_), done);
  }

  void write_next() {
    auto done = [self = shared_from_this()](auto error, size_t bytes) {
      self->written += bytes;
      self->out_.pop_front();
      if (!error && !self->out_.empty())
        self->write_next();
    };
    if (tls_)
      asio::async_write(*tls_, asio::buffer(out_.front()), done);
    else
      asio::async_write(socket_, asio::buffer(out_.front()), done);
  }

  asio::ip::tcp::socket socket_;
  std::unique_ptr<asio::ssl::stream<asio::ip::tcp::socket&>> tls_;
  std::array<char, 16 * 1024> part_;
  std::deque<std::string> out_;
  bool reading_ = true;
};

struct upstream_system_config : caf::actor_system_config {
  upstream_system_config() {
    add_message_types<caf::id_block::sluice>();
    set("scheduler.max-threads", size_t{1});
  }
};

/// An `openai_upstream`, and a provider that the test plays, on one loop that the test turns.
class upstream_fixture : public ::testing::Test {
protected:
  upstream_fixture() {
    loop.attach(system);
    client = caf::actor_cast<call_client_actor>(system.spawn<heard_client>(&loop, &log));
    router = caf::actor_cast<router_actor>(system.spawn<health_router>(&loop, &health));
    monitor = caf::actor_cast<monitor_actor>(system.spawn<report_monitor>(&loop, &reports));
    acceptor.open(asio::ip::tcp::v4());
    acceptor.bind({asio::ip::address_v4::loopback(), 0});
    acceptor.listen();
    settings.name = "provider";
    settings.kind = "openai";
    settings.base_url = "http://127.0.0.1:" + std::to_string(provider_port()) + "/v1";
    accept();
  }

  ~upstream_fixture() override {
    if (upstream)
      caf::anon_send_exit(upstream, caf::exit_reason::user_shutdown);
    caf::anon_send_exit(client, caf::exit_reason::user_shutdown);
    caf::anon_send_exit(router, caf::exit_reason::user_shutdown);
    caf::anon_send_exit(monitor, caf::exit_reason::user_shutdown);
    upstream = nullptr;
    client = nullptr;
    router = nullptr;
    monitor = nullptr;
    acceptor.close();
    for (auto& x : peers)
      x->close();
    turn(loop);
  }

  uint16_t provider_port() { return acceptor.local_endpoint().port(); }

  /// Spawns the upstream with the present `settings`.
  void use() {
    auto target = make_provider_target(settings, limits);
    ASSERT_TRUE(target) << message_of(target.error());
    auto made = system.spawn<openai_upstream>(&loop, *target, router, monitor);
    caf::actor_cast<caf::abstract_actor*>(made)->attach_functor([this] { stopped = true; });
    upstream = caf::actor_cast<upstream_actor>(made);
  }

  upstream_call call_of(reply_mode mode = reply_mode::whole) {
    upstream_call x;
    x.call = ++calls;
    x.client = client;
    x.request_id = "req";
    x.attempt_id = "req-1";
    x.deployment = "provider/model";
    x.mode = mode;
    x.body = R"({"model":"m"})";
    x.until.at = std::chrono::steady_clock::now() + std::chrono::minutes{1};
    return x;
  }

  heard& start(upstream_call x) {
    auto id = x.call;
    caf::anon_send(upstream, std::move(x));
    return log[id];
  }
  heard& start(reply_mode mode = reply_mode::whole) { return start(call_of(mode)); }

  template <class Predicate>
  void wait(Predicate reached) {
    turn_until(loop, reached);
  }
  void wait_over(const heard& x) {
    wait([&] { return x.over(); });
  }

  /// Waits until the provider has request number `n` on connection number `i`.
  provider_peer& request(size_t i = 0, size_t n = 1) {
    wait([&] { return peers.size() > i && peers[i]->requests() >= n; });
    if (peers.size() <= i)
      throw std::runtime_error("no such connection");
    return *peers[i];
  }

  /// The code of a call that failed before its first content.
  ec failure_code(const heard& x) {
    wait_over(x);
    return x.failed ? x.failed->why.code : ec::none;
  }

  static std::string whole(const std::string& body, const std::string& status = "200 OK",
                           const std::string& fields = {}) {
    return "HTTP/1.1 " + status + "\r\nContent-Type: application/json\r\n" + fields +
           "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
  }

  static std::string stream_head(const std::string& fields = {}) {
    return "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n" + fields +
           "Transfer-Encoding: chunked\r\n\r\n";
  }

  static std::string chunk(const std::string& data) {
    char size[20];
    std::snprintf(size, sizeof size, "%zx\r\n", data.size());
    return size + data + "\r\n";
  }

  static std::string event(const std::string& json) { return "data: " + json + "\n\n"; }
  static std::string content(const std::string& text) {
    return event(R"({"choices":[{"index":0,"delta":{"content":")" + text + R"("}}]})");
  }
  static inline const std::string done = event("[DONE]");
  static inline const std::string last_chunk = "0\r\n\r\n";

  io_loop loop{0};
  upstream_system_config config;
  caf::actor_system system{config};
  asio::ip::tcp::acceptor acceptor{loop.context()};
  asio::ssl::context* tls = nullptr; ///< with which the provider speaks
  provider_settings settings;
  limit_settings limits;
  std::vector<std::shared_ptr<provider_peer>> peers;
  std::map<uint64_t, heard> log;
  std::vector<deployment_health> health;
  std::vector<upstream_report> reports;
  bool stopped = false;
  uint64_t calls = 0;
  call_client_actor client;
  router_actor router;
  monitor_actor monitor;
  upstream_actor upstream;

private:
  void accept() {
    acceptor.async_accept([this](auto error, asio::ip::tcp::socket socket) {
      if (error)
        return;
      peers.push_back(std::make_shared<provider_peer>(std::move(socket), tls));
      peers.back()->start();
      accept();
    });
  }
};

} // namespace sluice::test
