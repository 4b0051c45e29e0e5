#include "api/http/connection.hpp"

#include "api/http/listener.hpp"

#include <boost/beast/http/status.hpp>

#include <algorithm>
#include <array>
#include <cassert>
#include <charconv>
#include <cstring>

namespace sluice {

namespace asio = boost::asio;

namespace {

/// What one read asks for: a usual request with its body fits.
constexpr size_t read_size = 8 * 1024;

/// A body is given room in steps, so that a client must send what it announced before we hold it.
constexpr size_t body_step = 256 * 1024;

/// How long, and how much of, an unread request is read away after a refusal, so that the client
/// gets to read the refusal instead of a reset (RFC 9112 section 9.6).
constexpr std::chrono::milliseconds linger_timeout{2'000};

std::string_view reason_of(uint16_t status) {
  auto reason =
      boost::beast::http::obsolete_reason(static_cast<boost::beast::http::status>(status));
  return {reason.data(), reason.size()};
}

void append_number(std::string& out, uint64_t x, int base = 10) {
  std::array<char, 20> digits;
  auto end = std::to_chars(digits.data(), digits.data() + digits.size(), x, base).ptr;
  out.append(digits.data(), end);
}

std::string_view view(const boost::beast::flat_buffer& x) {
  return {static_cast<const char*>(x.data().data()), x.size()};
}

} // namespace

connection::connection(http_listener& listener, tcp_socket socket, std::string peer)
    : listener_(listener), admission_(listener.admission()), socket_(std::move(socket)),
      peer_(std::move(peer)) {
  boost::system::error_code ignored;
  socket_.set_option(asio::ip::tcp::no_delay{true}, ignored);
}

connection::~connection() {
  admission_->release_body(held_);
}

void connection::start() {
  enter(phase::idle, listener_.limits().idle_timeout);
  read();
}

void connection::enter(phase next, std::chrono::milliseconds limit) {
  phase_ = next;
  due_ = std::chrono::steady_clock::now() + limit;
}

void connection::tick(steady_time now) {
  if (now < due_)
    return;
  switch (phase_) {
  case phase::head:
    return refuse({ec::request_timeout, "the head did not come within the time limit"});
  case phase::body:
    return refuse({ec::request_timeout, "the body did not come within the time limit"});
  case phase::working:
    if (!sending_.empty()) // the client takes nothing
      close();
    return;
  case phase::idle:
  case phase::lingering:
    return close();
  case phase::closed:
    return;
  }
}

void connection::drain() {
  draining_ = true;
  if (phase_ == phase::idle)
    close();
}

void connection::close() {
  if (phase_ == phase::closed)
    return;
  phase_ = phase::closed;
  boost::system::error_code ignored;
  socket_.close(ignored);
  auto self = shared_from_this();
  listener_.remove(this);
  if (auto exchange = std::exchange(exchange_, nullptr))
    exchange->on_client_gone();
}

// -- reading ----------------------------------------------------------------------------------

void connection::read() {
  if (reading_ || peer_finished_ || phase_ == phase::closed)
    return;
  if (phase_ == phase::working && in_.size() >= listener_.limits().read_ahead_bytes_max)
    return;
  reading_ = true;
  auto room = in_.prepare(read_size);
  socket_.async_read_some(room, [self = shared_from_this(), room](auto error, size_t bytes) {
    self->on_read(error, {room.data(), bytes});
  });
}

void connection::on_read(boost::system::error_code error, asio::mutable_buffer got) {
  reading_ = false;
  if (phase_ == phase::closed)
    return;
  if (error) {
    peer_finished_ = true;
    if (exchange_ || phase_ != phase::working)
      close(); // but a whole reply that is on its way is finished first
    return;
  }
  // While the read was pending the requests before may have been taken from the buffer, which then
  // began anew at its front; there is room, for nobody has asked for more since.
  if (auto room = in_.prepare(got.size()); room.data() != got.data())
    std::memmove(room.data(), got.data(), got.size());
  in_.commit(got.size());
  if (phase_ == phase::lingering) {
    in_.clear();
    read();
  } else if (phase_ == phase::working) {
    read();
  } else {
    process();
  }
}

void connection::process() {
  if (phase_ == phase::idle && in_.size() > 0) {
    enter(phase::head, listener_.limits().header_timeout);
    scanned_ = 0;
  }
  if (phase_ == phase::head && !take_head())
    return;
  if (phase_ == phase::body && !take_body())
    return;
  if (phase_ == phase::idle)
    read();
}

/// True where the head is whole and the phase has moved on.
bool connection::take_head() {
  // RFC 9112 section 2.2: an empty line before the request line is read over.
  while (in_.size() >= 2 && view(in_).substr(0, 2) == "\r\n") {
    in_.consume(2);
    scanned_ = 0;
  }
  if (in_.size() == 0) { // and begins no request
    enter(phase::idle, listener_.limits().idle_timeout);
    if (draining_)
      close();
    read();
    return false;
  }
  auto size = head_size(view(in_), scanned_);
  if (size == 0 && in_.size() <= listener_.limits().header_bytes_max) {
    read();
    return false;
  }
  if (size == 0 || size > listener_.limits().header_bytes_max) {
    refuse({ec::header_too_large, "the head is larger than the limit"});
    return false;
  }
  request_ = std::make_unique<http_request>();
  request_->head.assign(view(in_).substr(0, size));
  in_.consume(size);
  head_ = {};
  if (auto refusal = parse_head(*request_, head_, listener_.limits())) {
    refuse(*refusal);
    return false;
  }
  if (head_.framing == body_framing::chunked)
    chunks_.emplace(listener_.limits(), request_->body);
  if (head_.expects_continue && head_.framing != body_framing::none && in_.size() == 0) {
    pending_.emplace_back("HTTP/1.1 100 Continue\r\n\r\n");
    flush();
  }
  enter(phase::body, listener_.limits().body_timeout);
  return true;
}

/// Counts the body as held in steps ahead of its bytes; refuses and returns false where the node
/// holds too much.
bool connection::hold(uint64_t bytes) {
  if (bytes <= held_)
    return true;
  if (!admission_->hold_body(bytes - held_)) {
    refuse({ec::overloaded, "the node holds too many request bodies; try again"});
    return false;
  }
  held_ = bytes;
  return true;
}

/// True where the request was handed on.
bool connection::take_body() {
  auto& body = request_->body;
  if (head_.framing == body_framing::chunked) {
    auto progress = chunks_->put(view(in_));
    in_.consume(progress.consumed);
    if (progress.refusal) {
      refuse(*progress.refusal);
      return false;
    }
    if (!hold(body.size()))
      return false;
    if (!progress.done) {
      read();
      return false;
    }
    chunks_.reset();
  } else if (head_.framing == body_framing::length) {
    if (body.capacity() < head_.content_length && body.capacity() < body.size() + in_.size()) {
      auto room = std::min<size_t>(head_.content_length,
                                   std::max(body_step, 2 * (body.size() + in_.size())));
      if (!hold(room))
        return false;
      body.reserve(room + json_padding);
    }
    auto part = std::min<size_t>(head_.content_length - body.size(), in_.size());
    body.append(view(in_).substr(0, part));
    in_.consume(part);
    if (body.size() < head_.content_length) {
      read();
      return false;
    }
  }
  dispatch();
  return true;
}

void connection::dispatch() {
  enter(phase::working, listener_.limits().write_timeout);
  replying_ = false;
  ended_ = false;
  streaming_ = false;
  close_after_ = close_after_ || !head_.keep_alive;
  head_only_ = request_->method == "HEAD";
  request_->peer = peer_;
  request_->received = std::chrono::steady_clock::now();
  auto exchange = listener_.handler().handle(std::move(request_), shared_from_this());
  if (phase_ == phase::working && !ended_)
    exchange_ = std::move(exchange);
  read(); // to learn when the client goes
}

void connection::refuse(const http_refusal& why) {
  if (phase_ == phase::closed || phase_ == phase::lingering)
    return;
  phase_ = phase::working;
  replying_ = false;
  ended_ = false;
  close_after_ = true;
  head_only_ = false;
  request_.reset();
  auto response = listener_.handler().refuse(why.code, why.detail);
  response.close = true;
  send(std::move(response));
}

// -- writing ----------------------------------------------------------------------------------

void connection::append_head(std::string& out, const http_response& response) const {
  out.append(head_.http_1_0 ? "HTTP/1.0 " : "HTTP/1.1 ");
  append_number(out, response.status);
  out.push_back(' ');
  out.append(reason_of(response.status));
  out.append("\r\nDate: ").append(listener_.date());
  out.append("\r\nServer: sluice\r\nContent-Type: ").append(response.content_type);
  for (auto& [name, value] : response.headers)
    out.append("\r\n").append(name).append(": ").append(value);
  out.append(response.lines);
}

void connection::send(http_response&& response) {
  if (phase_ != phase::working || replying_)
    return;
  auto keep = std::exchange(exchange_, nullptr);
  replying_ = true;
  ended_ = true;
  close_after_ = close_after_ || response.close || draining_;
  std::string head;
  head.reserve(512);
  append_head(head, response);
  head.append("\r\nContent-Length: ");
  append_number(head, response.body.size());
  if (close_after_)
    head.append("\r\nConnection: close");
  else if (head_.http_1_0)
    head.append("\r\nConnection: keep-alive");
  head.append("\r\n\r\n");
  pending_.push_back(std::move(head));
  if (!response.body.empty() && !head_only_)
    pending_.push_back(std::move(response.body));
  flush();
}

void connection::begin(http_response&& response) {
  if (phase_ != phase::working || replying_)
    return;
  replying_ = true;
  streaming_ = true;
  chunked_ = !head_.http_1_0;
  close_after_ = close_after_ || response.close || draining_ || !chunked_;
  std::string head;
  head.reserve(512);
  append_head(head, response);
  if (chunked_)
    head.append("\r\nTransfer-Encoding: chunked");
  if (close_after_)
    head.append("\r\nConnection: close");
  head.append("\r\n\r\n");
  pending_.push_back(std::move(head));
}

void connection::write(std::string&& block) {
  if (phase_ != phase::working || !streaming_ || ended_ || block.empty())
    return;
  pending_stream_bytes_ += block.size();
  if (chunked_) {
    std::string size;
    append_number(size, block.size(), 16);
    size.append("\r\n");
    pending_.push_back(std::move(size));
    block.append("\r\n");
  }
  pending_.push_back(std::move(block));
  flush();
}

void connection::finish() {
  if (phase_ != phase::working || !streaming_ || ended_)
    return;
  auto keep = std::exchange(exchange_, nullptr);
  ended_ = true;
  if (chunked_)
    pending_.emplace_back("0\r\n\r\n");
  flush();
}

void connection::cut() {
  auto keep = std::exchange(exchange_, nullptr);
  ended_ = true;
  close();
}

void connection::flush() {
  if (!sending_.empty() || phase_ == phase::closed)
    return;
  if (pending_.empty()) {
    if (ended_)
      reply_written();
    return;
  }
  sending_.swap(pending_);
  sending_stream_bytes_ = std::exchange(pending_stream_bytes_, 0);
  buffers_.clear();
  for (auto& block : sending_)
    buffers_.push_back(asio::buffer(block));
  due_ = std::chrono::steady_clock::now() + listener_.limits().write_timeout;
  socket_.async_write_some(buffers_, [self = shared_from_this()](auto error, size_t bytes) {
    self->on_write(error, bytes);
  });
}

void connection::on_write(boost::system::error_code error, size_t bytes) {
  if (phase_ == phase::closed)
    return;
  if (error)
    return close();
  auto first = buffers_.begin();
  while (first != buffers_.end() && bytes >= first->size())
    bytes -= (first++)->size();
  buffers_.erase(buffers_.begin(), first);
  if (!buffers_.empty()) {
    buffers_.front() += bytes;
    due_ = std::chrono::steady_clock::now() + listener_.limits().write_timeout;
    socket_.async_write_some(
        buffers_, [self = shared_from_this()](auto e, size_t n) { self->on_write(e, n); });
    return;
  }
  for (auto& block : sending_)
    listener_.spares().give(std::move(block));
  sending_.clear();
  auto written = std::exchange(sending_stream_bytes_, 0);
  if (auto exchange = exchange_; exchange && written > 0)
    exchange->on_written(written);
  flush();
}

void connection::reply_written() {
  admission_->release_body(std::exchange(held_, 0));
  replying_ = false;
  streaming_ = false;
  ended_ = false;
  if (close_after_ || draining_)
    return linger();
  if (peer_finished_)
    return close();
  enter(phase::idle, listener_.limits().idle_timeout);
  process();
}

void connection::linger() {
  boost::system::error_code ignored;
  socket_.shutdown(asio::ip::tcp::socket::shutdown_send, ignored);
  if (peer_finished_)
    return close();
  in_.clear();
  enter(phase::lingering, linger_timeout);
  read();
}

} // namespace sluice
