#pragma once

#include "runtime/io_loop.hpp"

#include <gtest/gtest.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <optional>
#include <string>
#include <utility>

namespace sluice::test {

/// Turns `loop` on the test's own thread until `done`. Twenty seconds are for a machine that is
/// busy; the test fails where they do not do.
template <class Predicate>
void turn_until(io_loop& loop, Predicate done) {
  auto end = std::chrono::steady_clock::now() + std::chrono::seconds{20};
  while (!done()) {
    if (std::chrono::steady_clock::now() > end) {
      ADD_FAILURE() << "it did not come";
      return;
    }
    loop.context().restart();
    loop.context().run_one_for(std::chrono::milliseconds{1});
  }
}

/// Lets `loop` do whatever it can do now: to see that something does not happen.
inline void turn(io_loop& loop) {
  for (int i = 0; i < 20; ++i) {
    loop.context().restart();
    loop.context().poll();
  }
}

/// A socket of a client on loopback that never blocks the test.
class loop_client {
public:
  struct options {
    const char* from = "127.0.0.1";
    int receive_buffer = 0; ///< bytes; 0 for the system's default
  };

  explicit loop_client(uint16_t port) : loop_client(port, options{}) {}
  loop_client(uint16_t port, options x) : fd_(::socket(AF_INET, SOCK_STREAM, 0)) {
    if (x.receive_buffer > 0)
      ::setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &x.receive_buffer, sizeof x.receive_buffer);
    auto local = address(x.from, 0);
    EXPECT_EQ(::bind(fd_, reinterpret_cast<sockaddr*>(&local), sizeof local), 0);
    auto remote = address("127.0.0.1", port);
    EXPECT_EQ(::connect(fd_, reinterpret_cast<sockaddr*>(&remote), sizeof remote), 0);
  }
  ~loop_client() { close(); }
  loop_client(const loop_client&) = delete;
  loop_client& operator=(const loop_client&) = delete;

  /// Hands over what the kernel takes; how much that was.
  size_t send(std::string_view text) {
    auto sent = ::send(fd_, text.data(), text.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    return sent < 0 ? 0 : static_cast<size_t>(sent);
  }
  void finish_sending() { ::shutdown(fd_, SHUT_WR); }
  void close() {
    if (fd_ >= 0)
      ::close(std::exchange(fd_, -1));
  }
  /// Ends with a reset instead of a farewell.
  void reset() {
    linger now{1, 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    close();
  }

  /// Takes what has come, at most about `most`; whether there was anything.
  bool receive(size_t most = SIZE_MAX) {
    auto before = in.size();
    char part[16 * 1024];
    while (fd_ >= 0 && !closed && in.size() - before < most) {
      auto got = ::recv(fd_, part, sizeof part, MSG_DONTWAIT);
      if (got > 0)
        in.append(part, static_cast<size_t>(got));
      else if (got == 0 || errno != EAGAIN)
        closed = true;
      else
        break;
    }
    return in.size() > before;
  }

  std::string in;      ///< received, not yet taken
  bool closed = false; ///< by the other side

private:
  static sockaddr_in address(const char* host, uint16_t port) {
    sockaddr_in result{};
    result.sin_family = AF_INET;
    result.sin_port = htons(port);
    ::inet_pton(AF_INET, host, &result.sin_addr);
    return result;
  }

  int fd_;
};

struct http_reply {
  int status = 0;
  std::string head;
  std::string body;

  bool has(std::string_view line) const { return head.find(line) != std::string::npos; }
};

/// Takes the first whole reply off `in`; empty while it is not whole.
inline std::optional<http_reply> take_reply(std::string& in, bool with_body = true) {
  auto end = in.find("\r\n\r\n");
  if (end == std::string::npos)
    return std::nullopt;
  http_reply x;
  x.head = in.substr(0, end + 2);
  x.status = std::stoi(x.head.substr(9, 3));
  auto at = end + 4;
  if (auto length = x.head.find("Content-Length: "); length != std::string::npos && with_body) {
    auto size = std::stoul(x.head.substr(length + 16));
    if (in.size() < at + size)
      return std::nullopt;
    x.body = in.substr(at, size);
    at += size;
  } else if (x.has("Transfer-Encoding: chunked")) {
    for (size_t size = 1; size > 0;) {
      auto line = in.find("\r\n", at);
      if (line == std::string::npos)
        return std::nullopt;
      size = std::stoul(in.substr(at, line - at), nullptr, 16);
      if (in.size() < line + 2 + size + 2)
        return std::nullopt;
      x.body += in.substr(line + 2, size);
      at = line + 2 + size + 2;
    }
  }
  in.erase(0, at);
  return x;
}

} // namespace sluice::test
