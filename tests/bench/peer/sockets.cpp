#include "tests/bench/peer/sockets.hpp"

#include <arpa/inet.h>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

namespace sluice::bench {

namespace {

constexpr int64_t second_ns = 1'000'000'000;

sockaddr_in loopback(uint16_t port) {
  sockaddr_in result{};
  result.sin_family = AF_INET;
  result.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  result.sin_port = htons(port);
  return result;
}

timespec to_timespec(int64_t ns) {
  return {static_cast<time_t>(ns / second_ns), static_cast<long>(ns % second_ns)};
}

} // namespace

void fail(std::string_view what) {
  std::fprintf(stderr, "bench_peer: %.*s: %s\n", static_cast<int>(what.size()), what.data(),
               std::strerror(errno));
  std::exit(1);
}

int64_t now_ns() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * second_ns + now.tv_nsec;
}

unique_fd::~unique_fd() {
  if (fd_ >= 0)
    ::close(fd_);
}

unique_fd listen_on_loopback(uint16_t port) {
  unique_fd result{::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
  if (result.value() < 0)
    fail("socket");
  int on = 1;
  ::setsockopt(result.value(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  auto address = loopback(port);
  if (::bind(result.value(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0)
    fail("bind");
  // A gateway that opens its whole pool at once must not find the queue full: that would measure
  // SYN retries.
  if (::listen(result.value(), 4096) != 0)
    fail("listen");
  return result;
}

uint16_t local_port(int fd) {
  sockaddr_in address{};
  socklen_t size = sizeof address;
  if (::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0)
    fail("getsockname");
  return ntohs(address.sin_port);
}

void prepare(int fd) {
  int on = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

unique_fd connect_to_loopback(uint16_t port) {
  unique_fd result{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  if (result.value() < 0)
    fail("socket");
  auto address = loopback(port);
  if (::connect(result.value(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0)
    return {};
  prepare(result.value());
  return result;
}

unique_fd make_epoll() {
  unique_fd result{::epoll_create1(EPOLL_CLOEXEC)};
  if (result.value() < 0)
    fail("epoll_create1");
  return result;
}

void watch(int epoll, int fd, uint64_t tag) {
  epoll_event event{};
  event.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
  event.data.u64 = tag;
  if (::epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) != 0)
    fail("epoll_ctl");
}

unique_fd make_timer() {
  unique_fd result{::timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC)};
  if (result.value() < 0)
    fail("timerfd_create");
  return result;
}

void arm(int timer, int64_t first_ns, int64_t interval_ns) {
  itimerspec spec{to_timespec(interval_ns), to_timespec(first_ns)};
  if (::timerfd_settime(timer, TFD_TIMER_ABSTIME, &spec, nullptr) != 0)
    fail("timerfd_settime");
}

void acknowledge(int timer) {
  uint64_t expirations = 0;
  // EAGAIN says that another wake-up took them already.
  [[maybe_unused]] auto ignored = ::read(timer, &expirations, sizeof expirations);
}

} // namespace sluice::bench
