#include "api/upstream/provider_session.hpp"

#include "api/upstream/failure_of.hpp"
#include "runtime/openai_usage.hpp"

#include <boost/asio/connect.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/http/error.hpp>

#include <algorithm>
#include <limits>

namespace sluice {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using tcp = asio::ip::tcp;
using std::chrono::steady_clock;

namespace {

/// What one read asks for: some eighty usual stream events.
constexpr size_t read_size = 16 * 1024;

/// After the last event, until the connection is given up instead of used again: the end of the
/// body comes with that event or a moment later, and the client waits for it.
constexpr std::chrono::milliseconds end_of_body_wait{250};

/// An error's body beyond this is no error object.
constexpr size_t error_body_max = 1024 * 1024;

/// The same call would bring, and cost, the same again.
failure too_large() {
  auto why = failure_without_reply(ec::upstream_bad_response,
                                   "The upstream's reply is larger than the limit.", true);
  why.should_retry_said = true;
  return why;
}

std::string_view verb_of(call_method x) {
  switch (x) {
  case call_method::get:
    return "GET ";
  case call_method::remove:
    return "DELETE ";
  case call_method::ask:
  case call_method::upload:
    break;
  }
  return "POST ";
}

std::string_view accepted_of(const upstream_call& x) {
  if (x.mode == reply_mode::whole)
    return "Accept: application/json\r\n";
  return x.method == call_method::get ? "Accept: */*\r\n" : "Accept: text/event-stream\r\n";
}

} // namespace

provider_session::provider_session(io_loop& loop, std::shared_ptr<const provider_target> target,
                                   session_owner* owner)
    : loop_(loop), target_(std::move(target)), owner_(owner), resolver_(loop.context()),
      socket_(loop.context().get_executor()) {}

// -- connecting -------------------------------------------------------------------------------

void provider_session::connect(steady_time due) {
  due_ = due;
  resolver_.async_resolve(target_->url.host, std::to_string(target_->url.port),
                          [self = shared_from_this()](const error_code& error, auto found) {
                            self->resolved(error, std::move(found));
                          });
}

void provider_session::resolved(const error_code& error, tcp::resolver::results_type found) {
  if (phase_ == phase::closed)
    return;
  if (error)
    return close_with(failure_without_reply(
        ec::upstream_unreachable, "The upstream's host name could not be resolved.", false));
  std::vector<tcp::endpoint> endpoints;
  for (auto& x : found)
    if (!is_forbidden_upstream(x.endpoint().address().to_string()))
      endpoints.push_back(x.endpoint());
  if (endpoints.empty())
    return close_with(failure_without_reply(
        ec::upstream_unreachable, "The upstream's host name leads to a forbidden address.", false));
  asio::async_connect(socket_, endpoints,
                      [self = shared_from_this()](const error_code& failed, const tcp::endpoint&) {
                        if (self->phase_ == phase::closed)
                          return;
                        if (failed)
                          return self->close_with(
                              failure_without_reply(ec::upstream_unreachable,
                                                    "The upstream refused the connection.", false));
                        error_code ignored;
                        self->socket_.set_option(tcp::no_delay{true}, ignored);
                        self->shake_hands();
                      });
}

void provider_session::shake_hands() {
  if (!target_->tls)
    return connected();
  tls_ = std::make_unique<tls_stream>(socket_, *target_->tls);
  auto& host = target_->url.host;
  error_code error;
  if (!is_ip_address(host))
    SSL_set_tlsext_host_name(tls_->native_handle(), host.c_str());
  tls_->set_verify_callback(asio::ssl::host_name_verification{host}, error);
  tls_->async_handshake(
      asio::ssl::stream_base::client, [self = shared_from_this()](const error_code& failed) {
        if (self->phase_ == phase::closed)
          return;
        if (failed)
          return self->close_with(failure_without_reply(
              ec::upstream_unreachable,
              "The TLS handshake with the upstream failed: " + failed.message(), false));
        self->connected();
      });
}

void provider_session::connected() {
  phase_ = phase::idle;
  idle_since_ = steady_clock::now();
  read();
  if (owner_)
    owner_->on_connected(*this);
}

// -- a call -----------------------------------------------------------------------------------

void provider_session::start(upstream_call&& call, steady_time taken) {
  call_.emplace(std::move(call));
  started_ = taken;
  first_byte_ = {};
  streamed_ = false;
  unacknowledged_ = 0;
  phase_ = phase::waiting;
  due_ = std::min(steady_clock::now() + target_->settings.timeouts.first_byte, call_->until.at);
  parser_.emplace(body_bytes_max());
  if (call_->mode == reply_mode::whole)
    parser_->body = loop_.spares().take();
  events_.reset();
  send();
}

/// A stream is bounded by its window and its deadline, and each of its events by the reader; a
/// whole reply by its size.
uint64_t provider_session::body_bytes_max() const {
  return call_->mode == reply_mode::stream ? std::numeric_limits<uint64_t>::max()
                                           : target_->reply_bytes_max;
}

void provider_session::send() {
  auto& body = call_->body.str();
  auto method = call_->method;
  head_.clear();
  head_.append(verb_of(method)).append(target_->url.path).append("/");
  head_.append(call_->path.empty() ? path_of(call_->kind) : std::string_view{call_->path});
  head_.append(" HTTP/1.1\r\n");
  head_.append(method == call_method::upload ? target_->form_fields : target_->head_fields);
  head_.append(accepted_of(*call_));
  head_.append("x-sluice-attempt: ").append(call_->attempt_id);
  if (method == call_method::ask || method == call_method::upload)
    head_.append("\r\nContent-Length: ").append(std::to_string(body.size()));
  head_.append("\r\n\r\n");
  sending_ = true;
  std::array<asio::const_buffer, 2> buffers{asio::buffer(head_), asio::buffer(body)};
  // The body lives in the message, which the handler keeps: the call may end while it is being
  // sent.
  auto done = [self = shared_from_this(), keep = call_->body](const error_code& error, size_t) {
    self->sent(error);
  };
  if (tls_)
    asio::async_write(*tls_, buffers, std::move(done));
  else
    asio::async_write(socket_, buffers, std::move(done));
}

void provider_session::sent(const error_code& error) {
  sending_ = false;
  // An upstream may refuse before it has read everything: its reply is worth more than our broken
  // pipe.
  if (error && phase_ != phase::closed && !reading_)
    fail(lost(error));
}

void provider_session::credit(uint64_t bytes) {
  unacknowledged_ -= std::min(bytes, unacknowledged_);
  if (call_ && unacknowledged_ < target_->stream_window && !reading_) {
    wait_for_more();
    read();
  }
}

void provider_session::read() {
  if (reading_ || phase_ == phase::closed)
    return;
  reading_ = true;
  auto room = in_.prepare(read_size);
  auto done = [self = shared_from_this()](const error_code& error, size_t bytes) {
    self->on_read(error, bytes);
  };
  if (tls_)
    tls_->async_read_some(room, std::move(done));
  else
    socket_.async_read_some(room, std::move(done));
}

void provider_session::on_read(const error_code& error, size_t bytes) {
  reading_ = false;
  if (phase_ == phase::closed)
    return;
  in_.commit(bytes);
  if (phase_ ==
      phase::idle) // nobody asked: it closes, or says what we must not take for the next answer
    return close_with(failure_without_reply(ec::upstream_unreachable,
                                            "The upstream closed the connection.", false));
  take(error);
}

/// Reads what has come; `stop` is why no more will.
void provider_session::take(const error_code& stop) {
  auto self = shared_from_this();
  error_code error;
  while (in_.size() > 0 && !parser_->is_done()) {
    auto used = parser_->put(in_.data(), error);
    in_.consume(used);
    if (error == http::error::need_more) {
      error = {};
      break;
    }
    if (error == http::error::body_limit)
      return fail(too_large());
    if (error)
      return fail(failure_without_reply(ec::upstream_bad_response,
                                        "The upstream's reply is not valid HTTP.", true));
    if (parser_->is_done() &&
        parser_->head.status / 100 == 1) // an interim reply; the real one follows
      parser_.emplace(body_bytes_max());
  }
  if (stop && parser_->is_header_done() && !parser_->is_done() && parser_->need_eof())
    parser_->put_eof(error);
  auto streaming = parser_->is_header_done() && parser_->head.status / 100 == 2 &&
                   call_->mode == reply_mode::stream &&
                   (parser_->head.event_stream || call_->method == call_method::get);
  if (!streaming && !parser_->body.empty())
    begun();
  if (streaming) {
    if (call_->method == call_method::get)
      take_pieces();
    else
      take_stream(stop || parser_->is_done());
    if (!call_)
      return;
  } else if (parser_->is_header_done() && parser_->head.status / 100 != 2 &&
             parser_->body.size() > error_body_max) {
    return fail(failure_of(parser_->head, {}));
  } else if (parser_->body.size() > target_->reply_bytes_max) {
    return fail(too_large());
  }
  if (phase_ == phase::receiving)
    wait_for_more();
  if (parser_->is_done())
    return streaming ? succeed() : take_whole();
  if (stop)
    return fail(lost(stop));
  if (unacknowledged_ < target_->stream_window || said_all())
    read();
}

bool provider_session::said_all() const {
  return events_ && events_->done();
}

void provider_session::wait_for_more() {
  auto most = said_all() ? end_of_body_wait : target_->settings.timeouts.idle;
  due_ = std::min(steady_clock::now() + most, call_->until.at);
}

/// The answer itself has begun: role events and headers often come minutes before a reasoning
/// model's first word.
void provider_session::begun() {
  if (phase_ != phase::waiting)
    return;
  phase_ = phase::receiving;
  first_byte_ = steady_clock::now();
}

void provider_session::take_stream(bool ended) {
  if (!events_)
    events_.emplace(sse_reader::options{call_->kind, call_->usage_wanted, call_->output_tokens_max,
                                        encoding_of(*call_)});
  events_->feed(parser_->body);
  parser_->body.clear();
  uint32_t count = 0;
  if (events_->committed() || (events_->done() && !events_->error())) {
    begun();
    auto block = events_->take(count);
    if (!block.empty()) {
      unacknowledged_ += block.size();
      header_list headers;
      if (!std::exchange(streamed_, true))
        headers = std::move(parser_->head.passed_on);
      if (owner_)
        owner_->on_events(*call_, std::move(block), count, std::move(headers));
    }
  }
  if (events_->error()) {
    auto why = *events_->error();
    return fail(std::move(why));
  }
  if (events_->cut()) // what else comes is not wanted
    return finish({}, false);
  if (events_->done() && parser_->is_done())
    return succeed();
  if (events_->done()) // the end of the body follows; we need it to use the connection again
    return ended ? succeed() : void();
  if (ended)
    fail(failure_without_reply(ec::upstream_stream_cut,
                               "The upstream's stream ended before it was complete.", true));
}

/// A file, handed out as it comes.
void provider_session::take_pieces() {
  if (parser_->body.empty())
    return;
  begun();
  streamed_ = true;
  unacknowledged_ += parser_->body.size();
  if (owner_)
    owner_->on_events(*call_, std::exchange(parser_->body, {}), 0, {});
}

void provider_session::take_whole() {
  auto& head = parser_->head;
  if (head.status / 100 != 2)
    return fail(failure_of(head, std::move(parser_->body)));
  if (call_->mode == reply_mode::stream)
    return fail(failure_without_reply(
        ec::upstream_bad_response,
        "The upstream answered a request for a stream with something else.", true));
  succeed();
}

void provider_session::succeed() {
  finish({}, parser_->is_done() && parser_->keep_alive());
}

void provider_session::fail(failure&& why) {
  auto whole = parser_ && parser_->is_done() && parser_->keep_alive() && !sending_;
  finish(std::move(why), whole);
}

void provider_session::finish(failure&& why, bool reusable) {
  auto self = shared_from_this();
  auto now = steady_clock::now();
  call_outcome outcome;
  outcome.call = std::move(*call_);
  call_.reset();
  outcome.streamed = streamed_;
  outcome.timing.total = now - started_;
  outcome.timing.first_byte =
      first_byte_ == steady_time{} ? outcome.timing.total : first_byte_ - started_;
  if (events_)
    outcome.usage = events_->usage();
  if (events_ && !outcome.usage)
    outcome.output_tokens = events_->output_tokens();
  if (parser_) {
    outcome.headers = std::move(parser_->head.passed_on);
    outcome.body = std::move(parser_->body);
  }
  outcome.why = std::move(why);
  outcome.reusable = reusable && !sending_ && in_.size() == 0;
  parser_.reset();
  events_.reset();
  if (outcome.reusable) {
    phase_ = phase::idle;
    idle_since_ = now;
    read();
  } else {
    shut();
  }
  if (owner_)
    owner_->on_finished(*this, std::move(outcome));
}

// -- ending -----------------------------------------------------------------------------------

void provider_session::tick(steady_time now) {
  if (phase_ == phase::connecting && now >= due_)
    return close_with(failure_without_reply(
        ec::upstream_unreachable, "The upstream did not accept the connection in time.", false));
  if (!call_)
    return;
  // While the client holds the stream back the upstream is not to blame for its silence.
  auto held_back =
      unacknowledged_ >= target_->stream_window && !said_all() && now < call_->until.at;
  if (now < due_ || held_back)
    return;
  if (said_all()) // only the body's end is missing
    succeed();
  else
    fail(failure_without_reply(ec::upstream_timeout,
                               phase_ == phase::receiving
                                   ? "The upstream fell silent in the middle of its answer."
                                   : "The upstream did not answer in time.",
                               true));
}

failure provider_session::lost(const error_code& error) const {
  auto begun = parser_ && (parser_->got_some());
  return failure_without_reply(begun ? ec::upstream_stream_cut : ec::upstream_unreachable,
                               begun ? "The upstream broke off in the middle of its reply."
                                     : "The upstream closed the connection without a reply: " +
                                           error.message(),
                               true);
}

void provider_session::close_with(const failure& why) {
  auto self = shared_from_this();
  shut();
  if (owner_)
    owner_->on_closed(*this, why);
}

void provider_session::shut() {
  phase_ = phase::closed;
  error_code ignored;
  resolver_.cancel();
  socket_.close(ignored); // without TLS's farewell: nothing is said in it, and it would wait for
                          // the other side
}

void provider_session::abandon() {
  owner_ = nullptr;
  call_.reset();
  shut();
}

} // namespace sluice
