#include "tests/bench/peer/load.hpp"

#include "tests/bench/peer/latency_histogram.hpp"
#include "tests/bench/peer/outgoing_request.hpp"
#include "tests/bench/peer/process_cpu.hpp"
#include "tests/bench/peer/reply_reader.hpp"
#include "tests/bench/peer/sockets.hpp"

#include <array>
#include <cerrno>
#include <cstdio>
#include <deque>
#include <memory>
#include <sys/epoll.h>
#include <sys/socket.h>

namespace sluice::bench {

namespace {

constexpr int events_per_wait = 256;
constexpr uint64_t timer_tag = ~uint64_t{0};
constexpr size_t receive_bytes = 256 * 1024;   ///< a read takes all that is there
constexpr uint64_t errors_max = 100;           ///< enough to see that the gateway is broken
constexpr size_t backlog_max = 100'000;        ///< the gateway will not catch up any more
constexpr int64_t patience_ns = 2'000'000'000; ///< after the end, for answers under way

struct connection {
  unique_fd fd;
  reply_reader reader;
  int64_t asked_ns = 0;     ///< when the request in flight was sent or, in the open loop, due
  uint64_t events_seen = 0; ///< of the reply in flight
  bool busy = false;
};

class load_run {
public:
  explicit load_run(const load_settings& settings)
      : settings_(settings),
        request_(chat_request({settings.model, settings.key, settings.events})),
        body_bytes_(settings.body_bytes), epoll_(make_epoll()), timer_(make_timer()),
        buffer_(receive_bytes) {}

  int run();

private:
  int64_t interval_ns() const { return 1'000'000'000 / settings_.rate; }
  bool open_loop() const { return settings_.rate > 0; }
  bool measuring() const { return phase_ == phase::measuring; }
  bool ended() const;

  void connect_all();
  void open(size_t index);
  void on_time(int64_t now);
  void dispatch_due(int64_t now);
  void ask(size_t index, int64_t asked_ns);
  void receive(size_t index);
  void on_reply(size_t index);
  bool reply_right(const reply_reader& reply);
  void on_failure(size_t index, const char* what);
  void report() const;

  enum class phase { warm_up, measuring, draining };

  load_settings settings_;
  std::string request_;
  uint64_t body_bytes_;
  unique_fd epoll_;
  unique_fd timer_;
  std::vector<char> buffer_;
  std::vector<connection> connections_;
  std::deque<size_t> idle_;     ///< open loop: longest unused first, so that all are used
  std::deque<int64_t> backlog_; ///< open loop: due times of requests that found none idle
  phase phase_ = phase::warm_up;
  int64_t begin_ns_ = 0; ///< of measuring
  int64_t end_ns_ = 0;   ///< of measuring
  int64_t due_ns_ = 0;   ///< open loop: when the next request is to be sent
  double cpu_at_begin_ = 0;
  double cpu_s_ = 0;
  double measured_s_ = 0;
  uint64_t asked_ = 0;
  uint64_t requests_ = 0; ///< answered in the window
  uint64_t events_ = 0;   ///< received in the window
  uint64_t errors_ = 0;
  latency_histogram latency_;
};

int load_run::run() {
  auto start = now_ns();
  begin_ns_ = start + std::chrono::nanoseconds{settings_.warm_up}.count();
  end_ns_ = begin_ns_ + std::chrono::nanoseconds{settings_.measured}.count();
  due_ns_ = start + 1'000'000; // after the connections are there
  if (open_loop()) {
    auto phase_ns = std::chrono::nanoseconds{settings_.phase}.count();
    due_ns_ += interval_ns() - (due_ns_ - phase_ns) % interval_ns();
  }
  connect_all();
  watch(epoll_.value(), timer_.value(), timer_tag);
  // The closed loop wakes for its answers; the timer only ends a run that a gateway leaves hanging.
  constexpr int64_t tick_ns = 10'000'000;
  arm(timer_.value(), due_ns_, open_loop() ? interval_ns() : tick_ns);
  std::array<epoll_event, events_per_wait> ready{};
  while (!ended()) {
    auto count = ::epoll_wait(epoll_.value(), ready.data(), events_per_wait, -1);
    if (count < 0 && errno != EINTR)
      fail("epoll_wait");
    on_time(now_ns());
    for (int i = 0; i < count; ++i) {
      auto& event = ready[static_cast<size_t>(i)];
      if (event.data.u64 == timer_tag)
        acknowledge(timer_.value());
      else if ((event.events & (EPOLLIN | EPOLLERR | EPOLLHUP)) != 0)
        receive(event.data.u64);
    }
  }
  // What was due and not answered is an error of the open loop; the closed loops are cut off in the
  // middle by design.
  if (open_loop())
    errors_ += backlog_.size() + connections_.size() - idle_.size();
  if (requests_ == 0 && events_ == 0)
    ++errors_;
  report();
  return errors_ == 0 ? 0 : 1;
}

bool load_run::ended() const {
  if (errors_ >= errors_max)
    return true;
  if (phase_ != phase::draining)
    return false;
  auto waiting = open_loop() && (!backlog_.empty() || idle_.size() < connections_.size());
  return !waiting || now_ns() > end_ns_ + patience_ns;
}

void load_run::connect_all() {
  connections_.resize(settings_.connections);
  for (size_t i = 0; i < connections_.size(); ++i) {
    open(i);
    if (open_loop())
      idle_.push_back(i);
    else
      ask(i, now_ns());
  }
}

void load_run::open(size_t index) {
  auto& peer = connections_[index];
  peer.fd = connect_to_loopback(settings_.port);
  if (peer.fd.value() < 0)
    fail("connect");
  peer.reader = {};
  watch(epoll_.value(), peer.fd.value(), index);
}

void load_run::on_time(int64_t now) {
  if (phase_ == phase::warm_up && now >= begin_ns_) {
    phase_ = phase::measuring;
    cpu_at_begin_ = cpu_seconds(settings_.watched);
    begin_ns_ = now;
  }
  if (phase_ == phase::measuring && now >= end_ns_) {
    phase_ = phase::draining;
    cpu_s_ = cpu_seconds(settings_.watched) - cpu_at_begin_;
    measured_s_ = static_cast<double>(now - begin_ns_) * 1e-9;
  }
  if (open_loop() && phase_ != phase::draining)
    dispatch_due(now);
}

void load_run::dispatch_due(int64_t now) {
  for (; due_ns_ <= now && backlog_.size() < backlog_max; due_ns_ += interval_ns()) {
    if (idle_.empty()) {
      backlog_.push_back(due_ns_);
      continue;
    }
    auto index = idle_.front();
    idle_.pop_front();
    ask(index, due_ns_);
  }
}

void load_run::ask(size_t index, int64_t asked_ns) {
  auto& peer = connections_[index];
  peer.asked_ns = asked_ns;
  peer.events_seen = 0;
  peer.busy = true;
  ++asked_;
  renumber(request_, settings_.questions > 0 ? asked_ % settings_.questions : asked_);
  // 1.6 KB into an empty socket buffer: a short write means that the peer is gone.
  auto sent =
      ::send(peer.fd.value(), request_.data(), request_.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  if (sent != static_cast<ssize_t>(request_.size()))
    on_failure(index, "the request could not be sent");
}

void load_run::receive(size_t index) {
  auto& peer = connections_[index];
  for (;;) {
    auto got = ::recv(peer.fd.value(), buffer_.data(), buffer_.size(), MSG_DONTWAIT);
    if (got < 0 && errno == EAGAIN)
      return;
    if (got <= 0 || !peer.busy)
      return on_failure(index, "the connection was closed");
    auto state = peer.reader.feed({buffer_.data(), static_cast<size_t>(got)});
    if (measuring())
      events_ += peer.reader.events() - peer.events_seen;
    peer.events_seen = peer.reader.events();
    if (state == reply_reader::state::broken)
      return on_failure(index, "the reply is no HTTP");
    if (state == reply_reader::state::complete)
      return on_reply(index);
    if (static_cast<size_t>(got) < buffer_.size())
      return;
  }
}

void load_run::on_reply(size_t index) {
  auto& peer = connections_[index];
  auto now = now_ns();
  if (!reply_right(peer.reader))
    return on_failure(index, "the reply is wrong");
  peer.busy = false;
  if (measuring()) {
    ++requests_;
    latency_.add(now - peer.asked_ns);
  }
  if (!open_loop())
    return ask(index, now);
  if (backlog_.empty())
    return idle_.push_back(index);
  auto due = backlog_.front();
  backlog_.pop_front();
  ask(index, due);
}

bool load_run::reply_right(const reply_reader& reply) {
  if (reply.status() != 200 || reply.closes())
    return false;
  // The usage and [DONE] come after the content.
  if (settings_.events > 0)
    return reply.events() == settings_.events + 2 && reply.ended_with_done();
  if (body_bytes_ == 0)
    body_bytes_ = reply.body_bytes();
  return reply.body_bytes() == body_bytes_;
}

void load_run::on_failure(size_t index, const char* what) {
  auto& reader = connections_[index].reader;
  if (++errors_ <= 3)
    std::fprintf(stderr, "bench_peer load: %s (status %d, %llu bytes of body, %llu events)\n", what,
                 reader.status(), static_cast<unsigned long long>(reader.body_bytes()),
                 static_cast<unsigned long long>(reader.events()));
  if (errors_ >= errors_max)
    return;
  auto was_busy = connections_[index].busy;
  connections_[index].busy = false;
  open(index);
  if (!open_loop())
    ask(index, now_ns());
  else if (was_busy)
    idle_.push_back(index);
}

void load_run::report() const {
  auto us = [this](double share) {
    return static_cast<double>(latency_.quantile_ns(share)) * 1e-3;
  };
  auto seconds = measured_s_ > 0 ? measured_s_ : 1.0;
  std::printf("{\"requests\": %llu, \"errors\": %llu, \"seconds\": %.3f, \"rps\": %.1f, "
              "\"events\": %llu, \"events_per_s\": %.1f, \"cpu_s\": %.2f, \"p50_us\": %.1f, "
              "\"p90_us\": %.1f, \"p99_us\": %.1f, \"max_us\": %.1f}\n",
              static_cast<unsigned long long>(requests_), static_cast<unsigned long long>(errors_),
              measured_s_, static_cast<double>(requests_) / seconds,
              static_cast<unsigned long long>(events_), static_cast<double>(events_) / seconds,
              cpu_s_, us(0.5), us(0.9), us(0.99), static_cast<double>(latency_.max_ns()) * 1e-3);
}

} // namespace

int run_load(const load_settings& settings) {
  load_run load{settings};
  return load.run();
}

} // namespace sluice::bench
