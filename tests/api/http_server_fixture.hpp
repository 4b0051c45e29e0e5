#pragma once

#include "api/http/listener.hpp"
#include "tests/support/loop_client.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <random>
#include <sstream>
#include <string>
#include <vector>

namespace sluice::test {

/// Hears what becomes of a request.
struct exchange_spy final : http_exchange {
  void on_client_gone() override { ++gone; }
  void on_written(size_t bytes) override {
    written += bytes;
    if (hear_written)
      hear_written(bytes);
  }

  int gone = 0;
  size_t written = 0;
  std::function<void(size_t)> hear_written;
};

/// A request as the handler got it.
struct arrived {
  std::string target;
  std::string body;
  std::string peer;
  std::shared_ptr<reply_sink> sink;
  std::shared_ptr<exchange_spy> exchange;
};

/// A listener on an ephemeral port of loopback, whose loop the test turns.
class http_server_fixture : public ::testing::Test, public http_handler {
protected:
  ~http_server_fixture() override {
    requests.clear();
    if (listener)
      listener->close();
    turn(loop); // the aborted operations end before what they point to
  }

  /// With the present `limits`.
  void listen() {
    admission = std::make_shared<http_admission>(limits);
    listener = std::make_unique<http_listener>(loop, limits, admission, *this);
    auto opened = open_port(loop, {"127.0.0.1", 0});
    ASSERT_TRUE(opened);
    port = opened->local_endpoint().port();
    listener->accept(std::move(*opened));
  }

  std::shared_ptr<http_exchange> handle(std::unique_ptr<http_request> request,
                                        std::shared_ptr<reply_sink> sink) override {
    arrived x{std::string{request->target}, request->body, request->peer, std::move(sink),
              std::make_shared<exchange_spy>()};
    requests.push_back(x);
    if (!answer_at_once)
      return x.exchange;
    answer(x);
    return nullptr;
  }

  http_response refuse(ec code, std::string_view detail) override {
    http_response result;
    result.status = properties(code).http_status;
    result.body = detail;
    return result;
  }

  void answer(const arrived& x) {
    http_response response;
    response.body = x.target + " " + x.body;
    x.sink->send(std::move(response));
  }

  template <class Predicate>
  void wait(Predicate done) {
    turn_until(loop, done);
  }

  /// Sends all of `text`, turning the loop while the kernel's buffers are full.
  void send(loop_client& client, std::string_view text) {
    wait([&] {
      text.remove_prefix(client.send(text));
      return text.empty();
    });
  }

  void wait_closed(loop_client& client) {
    wait([&] { return client.receive(), client.closed; });
  }

  http_reply receive(loop_client& client) {
    std::optional<http_reply> reply;
    wait([&] {
      client.receive();
      reply = take_reply(client.in);
      return reply || client.closed;
    });
    EXPECT_TRUE(reply) << client.in;
    return reply.value_or(http_reply{});
  }

  io_loop loop{0};
  limit_settings limits;
  http_admission_ptr admission;
  std::unique_ptr<http_listener> listener;
  uint16_t port = 0;
  bool answer_at_once = false;
  std::vector<arrived> requests;
};

} // namespace sluice::test
