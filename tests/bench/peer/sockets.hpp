#pragma once

#include <cstdint>
#include <ctime>
#include <string_view>
#include <utility>

/// The little of sockets, epoll and timers that both ends of the benchmark need. Asio would cost
/// more per request than the work done here, and the load and the upstream share one core: what
/// they waste is missing at the gateway that is measured.
namespace sluice::bench {

/// Ends the program with what failed and `errno`. A benchmark that cannot go on has no result.
[[noreturn]] void fail(std::string_view what);

/// Nanoseconds of the monotonic clock.
int64_t now_ns();

/// A descriptor that closes itself.
class unique_fd {
public:
  unique_fd() = default;
  explicit unique_fd(int fd) : fd_(fd) {}
  unique_fd(unique_fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  unique_fd& operator=(unique_fd&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~unique_fd();

  int value() const { return fd_; }

private:
  int fd_ = -1;
};

/// Listens on 127.0.0.1:`port`; 0 lets the system choose.
unique_fd listen_on_loopback(uint16_t port);
/// The port that `fd` is bound to.
uint16_t local_port(int fd);
/// A connected socket without Nagle's delay, to be used with MSG_DONTWAIT; invalid where
/// nobody listens.
unique_fd connect_to_loopback(uint16_t port);
/// Makes an accepted socket like a connected one.
void prepare(int fd);

unique_fd make_epoll();
/// Registers `fd` once, edge-triggered for both directions: no system call per change of interest.
void watch(int epoll, int fd, uint64_t tag);

/// A timer that epoll can wait for: epoll's own time-out is in milliseconds, too coarse to pace
/// thousands of requests a second.
unique_fd make_timer();
/// Lets `timer` fire at `first_ns` of the monotonic clock and every `interval_ns` from there (0:
/// once).
void arm(int timer, int64_t first_ns, int64_t interval_ns);
/// Forgets the expirations so far.
void acknowledge(int timer);

} // namespace sluice::bench
