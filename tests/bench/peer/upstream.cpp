#include "tests/bench/peer/upstream.hpp"

#include "tests/bench/peer/canned_answers.hpp"
#include "tests/bench/peer/incoming_request.hpp"
#include "tests/bench/peer/sockets.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unordered_map>

namespace sluice::bench {

namespace {

constexpr uint64_t listener_tag = 0;
constexpr int events_per_wait = 256; ///< all connections of the bench at once
constexpr size_t request_bytes_max = 64 * 1024;
/// Of a stream, under way to the gateway. Without a bound the kernel grows the buffers of every
/// stream to megabytes that no cache holds, and one stream takes the core for milliseconds.
constexpr int stream_bytes_in_kernel = 64 * 1024;
constexpr std::string_view refusal =
    "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";

struct connection {
  unique_fd fd;
  std::array<char, request_bytes_max> received{};
  size_t received_bytes = 0;
  std::string_view unsent; ///< of what is being said
  bool streaming = false;  ///< more comes after `unsent`
  bool usage_wanted = false;
  uint32_t events = 0;      ///< content events of the stream
  uint32_t events_sent = 0; ///< of these
};

class upstream {
public:
  explicit upstream(const upstream_settings& settings)
      : settings_(settings), listener_(listen_on_loopback(settings.port)), epoll_(make_epoll()) {
    int bytes = stream_bytes_in_kernel;
    ::setsockopt(listener_.value(), SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes);
    watch(epoll_.value(), listener_.value(), listener_tag);
  }

  uint16_t port() const { return local_port(listener_.value()); }

  [[noreturn]] void run() {
    std::array<epoll_event, events_per_wait> ready{};
    for (;;) {
      auto count = ::epoll_wait(epoll_.value(), ready.data(), events_per_wait, -1);
      if (count < 0 && errno != EINTR)
        fail("epoll_wait");
      for (int i = 0; i < count; ++i) {
        auto& event = ready[static_cast<size_t>(i)];
        if (event.data.u64 == listener_tag)
          accept_all();
        else
          serve(event.data.u64, event.events);
      }
    }
  }

private:
  void accept_all() {
    for (;;) {
      auto fd = ::accept4(listener_.value(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
      if (fd < 0)
        return;
      prepare(fd);
      auto tag = ++last_tag_;
      auto& added = connections_[tag] = std::make_unique<connection>();
      added->fd = unique_fd{fd};
      watch(epoll_.value(), fd, tag);
    }
  }

  void serve(uint64_t tag, uint32_t events) {
    auto found = connections_.find(tag);
    if (found == connections_.end())
      return;
    auto& peer = *found->second;
    auto alive = (events & (EPOLLERR | EPOLLHUP)) == 0;
    if (alive && !peer.unsent.empty())
      alive = write(peer);
    if (alive && (events & EPOLLIN) != 0)
      alive = read(peer);
    if (!alive)
      connections_.erase(found);
  }

  /// Reads until the socket is empty; false where the peer has gone.
  bool read(connection& peer) {
    for (;;) {
      auto room = peer.received.size() - peer.received_bytes;
      auto got = ::recv(peer.fd.value(), peer.received.data() + peer.received_bytes, room, 0);
      if (got < 0)
        return errno == EAGAIN;
      if (got == 0)
        return false;
      peer.received_bytes += static_cast<size_t>(got);
      if (!answer(peer))
        return false;
      // A short read has emptied the socket; epoll tells what comes later.
      if (static_cast<size_t>(got) < room)
        return true;
    }
  }

  /// Answers the request that has come, if it is whole.
  bool answer(connection& peer) {
    auto request = read_request({peer.received.data(), peer.received_bytes});
    if (request.is == incoming_request::state::more)
      return peer.received_bytes < peer.received.size();
    // A pooled connection carries one request at a time; a gateway that pipelines is wrong here.
    if (request.is == incoming_request::state::broken || request.bytes != peer.received_bytes ||
        !peer.unsent.empty()) {
      ::send(peer.fd.value(), refusal.data(), refusal.size(), MSG_NOSIGNAL);
      return false;
    }
    peer.received_bytes = 0;
    peer.streaming = request.streamed;
    peer.unsent = answers_.reply();
    if (request.streamed) {
      peer.unsent = answers_.stream_begin();
      peer.usage_wanted = request.usage_wanted;
      peer.events = request.events;
      // The events that name the role and the finish reason are two of those asked for.
      peer.events_sent = 2;
    }
    return write(peer);
  }

  /// Writes until the socket is full or all is said; false where the peer has gone.
  bool write(connection& peer) {
    for (;;) {
      auto sent = ::send(peer.fd.value(), peer.unsent.data(), peer.unsent.size(), MSG_NOSIGNAL);
      if (sent < 0)
        return errno == EAGAIN;
      peer.unsent.remove_prefix(static_cast<size_t>(sent));
      if (!peer.unsent.empty())
        continue;
      if (!peer.streaming)
        return true;
      next_of_stream(peer);
    }
  }

  void next_of_stream(connection& peer) {
    auto left = peer.events - peer.events_sent;
    auto count =
        std::min({left, settings_.events_per_write, answers_.contiguous_max(peer.events_sent)});
    if (count == 0) {
      peer.unsent = answers_.stream_end(peer.usage_wanted);
      peer.streaming = false;
      return;
    }
    peer.unsent = answers_.content(peer.events_sent, count);
    peer.events_sent += count;
  }

  upstream_settings settings_;
  canned_answers answers_;
  unique_fd listener_;
  unique_fd epoll_;
  uint64_t last_tag_ = listener_tag;
  std::unordered_map<uint64_t, std::unique_ptr<connection>> connections_;
};

} // namespace

void run_upstream(const upstream_settings& settings) {
  upstream server{settings};
  std::printf("%u\n", static_cast<unsigned>(server.port()));
  std::fflush(stdout);
  server.run();
}

} // namespace sluice::bench
