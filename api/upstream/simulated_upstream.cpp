#include "api/upstream/simulated_upstream.hpp"

#include "api/upstream/caller_headers.hpp"

#include "api/upstream/failure_of.hpp"
#include "api/upstream/sse_reader.hpp"
#include "runtime/openai_usage.hpp"

#include <boost/asio/post.hpp>

#include <simdjson.h>

#include <algorithm>
#include <utility>

namespace sluice {
namespace {

/// What is played of one call before the loop has a look at the others.
constexpr size_t block_bytes = 16 * 1024;

steady_time clock_now() {
  return std::chrono::steady_clock::now();
}

response_head head_of(const sim_plan& plan) {
  response_head result;
  result.status = plan.status;
  result.retry_after = plan.effects.retry_after;
  result.should_retry_said = plan.effects.should_retry.has_value();
  result.should_retry = plan.effects.should_retry.value_or(false);
  return result;
}

/// What the body of a whole 200 says against itself; without a code where it is an answer.
failure read_whole(const upstream_call& asked, const std::string& body, upstream_reply& to) {
  simdjson::dom::parser parser;
  simdjson::dom::object root;
  simdjson::dom::element x;
  if (parser.parse(body).get(root) != simdjson::SUCCESS)
    return failure_without_reply(ec::upstream_bad_response,
                                 "The upstream's reply is not a JSON object.", true);
  if (root["error"].get(x) == simdjson::SUCCESS && !x.is_null()) {
    auto why = failure_without_reply(ec::upstream_failed,
                                     "The upstream reported an error in its reply.", true);
    std::string_view message;
    if (x.at_key("message").get(message) == simdjson::SUCCESS)
      why.message = message;
    why.upstream_status = 200;
    why.upstream_body = body;
    return why;
  }
  if (root["usage"].get(x) == simdjson::SUCCESS)
    if (auto usage = read_openai_usage(x)) {
      to.usage = *usage;
      to.usage_known = true;
    }
  if (!to.usage_known)
    to.usage = counted_usage(asked, count_output(root, encoding_of(asked)));
  return {};
}

header_list for_caller(const header_list& headers) {
  header_list result;
  for (auto& [name, value] : headers)
    add_caller_header(result, name, value);
  return result;
}

} // namespace

struct simulated_upstream::call {
  upstream_call asked;
  steady_time taken;
  steady_time last_bytes;   // or when it was taken
  steady_time first_byte{}; // of the body; the epoch where none came
  uint64_t ticket = 0;      // 0 where it takes no slot
  std::optional<sim_plan> queued;
  std::optional<sim_run> run;
  std::optional<sse_reader> reader; // of a stream
  uint64_t bytes = 0;
  uint64_t unacknowledged = 0;
  bool streamed = false; // content has been sent to the client
  bool ended = false;
  std::optional<boost::asio::steady_timer> timer;

  call_timing timing() const {
    auto at = clock_now();
    return {at - taken, (first_byte == steady_time{} ? at : first_byte) - taken};
  }
};

simulated_upstream::simulated_upstream(caf::actor_config& config, io_loop* loop,
                                       std::shared_ptr<sim_engine> engine,
                                       simulated_upstream_settings settings)
    : loop_actor(config, loop), engine_(std::move(engine)), settings_(settings),
      drain_timer_(loop->context()) {}

simulated_upstream::~simulated_upstream() = default;

simulated_upstream::behavior_type simulated_upstream::make_behavior() {
  return {
      [this](upstream_call& x) { take(x); },
      [this](const stream_credit& x) { credit(x); },
      [this](const cancel_call& x) { cancel(x.call); },
      [this](const drain& x) { start_drain(x); },
  };
}

void simulated_upstream::on_exit() {
  draining_ = false; // nobody is left to be told that the last call has ended
  drain_timer_.cancel();
  for (auto calls = std::exchange(calls_, {}); auto& [id, x] : calls)
    end(x, sim_outcome::cancelled);
}

void simulated_upstream::take(upstream_call& asked) {
  auto x = std::make_shared<call>();
  x->asked = std::move(asked);
  x->taken = x->last_bytes = clock_now();
  if (draining_)
    return fail(x, failure_without_reply(ec::shutting_down, "The node is shutting down.", false));
  if (x->asked.until.passed(x->taken))
    return fail(x, failure_without_reply(ec::upstream_timeout, "No time was left for the upstream.",
                                         false));
  auto plan = engine_->plan(x->asked.kind, x->asked.body.str(), x->asked.attempt_id,
                            std::chrono::system_clock::now());
  calls_.emplace(x->asked.call, x);
  x->queued = std::move(plan);
  if (!x->queued->served)
    return serve(x);
  x->ticket = engine_->next_ticket();
  auto started = [&context = loop().context(), keep = strong(), this, weak = std::weak_ptr{x}] {
    boost::asio::post(context, [keep, this, weak] {
      if (auto waiting = weak.lock(); waiting && !waiting->ended)
        serve(waiting);
    });
  };
  switch (engine_->enter(x->ticket, x->taken, std::move(started))) {
  case sim_slots::entry::started:
    return serve(x);
  case sim_slots::entry::queued:
    return wait(x, steady_time::max());
  case sim_slots::entry::refused:
    x->queued = engine_->plan_overload(*x->queued);
    return serve(x);
  }
}

void simulated_upstream::serve(const call_ptr& x) {
  bool stream_asked = x->asked.mode == reply_mode::stream;
  bool mismatch = x->queued->status == 200 && x->queued->streamed != stream_asked;
  x->run.emplace(*std::exchange(x->queued, std::nullopt), clock_now());
  if (mismatch)
    return fail(x, failure_without_reply(
                       ec::upstream_bad_response,
                       stream_asked
                           ? "The upstream answered a request for a stream with something else."
                           : "The upstream answered with a stream that nobody asked for.",
                       true));
  if (x->run->plan().streamed)
    x->reader.emplace(sse_reader::options{x->asked.kind, x->asked.usage_wanted,
                                          x->asked.output_tokens_max, encoding_of(x->asked)});
  play(x);
}

/// Plays what is due of the call, up to a block.
void simulated_upstream::play(const call_ptr& x) {
  std::string text;
  auto at = clock_now();
  while (true) {
    auto step = x->run->next();
    bool due = step.has_text() && step.due <= at;
    bool room = x->unacknowledged + text.size() < settings_.stream_window;
    if (due && room && text.size() < block_bytes) {
      x->run->take(text);
      continue;
    }
    if (!deliver(x, std::move(text)))
      return;
    if (due)
      return room ? resume_soon(x) : wait(x, steady_time::max());
    if (step.due > at)
      return wait(x, step.due);
    return finish(x, step);
  }
}

/// Passes on what the simulated provider sent. False where that ended the call.
bool simulated_upstream::deliver(const call_ptr& x, std::string text) {
  if (text.empty())
    return true;
  x->last_bytes = clock_now();
  if (x->first_byte == steady_time{})
    x->first_byte = x->last_bytes;
  if (x->reader)
    return deliver_events(x, text);
  auto next = x->run->next().kind;
  bool whole = next == sim_step_kind::end && x->bytes == 0;
  x->bytes += text.size();
  if (whole) {
    finish_whole(x, std::move(text));
    return false;
  }
  if (x->bytes <= settings_.reply_bytes_max)
    return true; // a body that will not be whole: nobody will see it
  fail(x, failure_without_reply(ec::upstream_bad_response,
                                "The upstream's reply is larger than the limit.", true));
  return false;
}

bool simulated_upstream::deliver_events(const call_ptr& x, std::string_view text) {
  auto& reader = *x->reader;
  reader.feed(text);
  x->bytes += text.size();
  if (reader.committed() || (reader.done() && !reader.error())) {
    uint32_t count = 0;
    auto events = reader.take(count);
    if (!events.empty()) {
      x->unacknowledged += events.size();
      header_list headers;
      if (!std::exchange(x->streamed, true))
        headers = for_caller(x->run->plan().headers);
      send(x->asked.client,
           stream_block{x->asked.call, std::move(events), count, std::move(headers), {}});
    }
  }
  if (reader.error()) {
    fail(x, *reader.error());
    return false;
  }
  if (!reader.cut())
    return true;
  finish(x, {}); // what else it has to say is not wanted
  return false;
}

void simulated_upstream::finish_whole(const call_ptr& x, std::string body) {
  const auto& plan = x->run->plan();
  if (plan.status != 200)
    return fail(x, failure_of(head_of(plan), std::move(body)));
  upstream_reply reply;
  if (auto why = read_whole(x->asked, body, reply); why.code != ec::none)
    return fail(x, std::move(why));
  reply.call = x->asked.call;
  reply.body = std::move(body);
  reply.headers = for_caller(plan.headers);
  reply.timing = x->timing();
  send(x->asked.client, std::move(reply));
  end(x, x->run->outcome());
}

/// The call ends with a step that has no text.
void simulated_upstream::finish(const call_ptr& x, const sim_step& step) {
  if (step.kind == sim_step_kind::cut)
    return fail(
        x,
        x->bytes > 0
            ? failure_without_reply(ec::upstream_stream_cut,
                                    "The upstream broke off in the middle of its reply.", true)
            : failure_without_reply(ec::upstream_unreachable,
                                    "The upstream closed the connection without a reply.", true));
  stream_end result;
  result.call = x->asked.call;
  if (x->reader && x->reader->usage()) {
    result.usage = *x->reader->usage();
    result.usage_known = true;
  } else if (x->reader) {
    result.usage = counted_usage(x->asked, x->reader->output_tokens());
  }
  result.timing = x->timing();
  send(x->asked.client, std::move(result));
  end(x, x->run->outcome());
}

/// Tells the client in the way that is still open: in the stream once content has been sent.
void simulated_upstream::fail(const call_ptr& x, failure why) {
  if (x->streamed) {
    stream_end result;
    result.call = x->asked.call;
    result.why = std::move(why);
    if (x->reader->usage()) {
      result.usage = *x->reader->usage();
      result.usage_known = true;
    }
    result.timing = x->timing();
    send(x->asked.client, std::move(result));
  } else {
    send(x->asked.client, upstream_failure{x->asked.call, std::move(why), x->timing()});
  }
  end(x, x->run ? x->run->outcome() : sim_outcome::cancelled);
}

void simulated_upstream::end(const call_ptr& x, sim_outcome outcome) {
  if (std::exchange(x->ended, true))
    return;
  auto keep = x;
  x->timer.reset();
  auto at = clock_now();
  if (x->ticket != 0)
    engine_->leave(x->ticket, at);
  bool flush = false;
  if (x->run)
    flush = engine_->log(x->run->plan(), x->run->used(at), outcome);
  else if (x->queued)
    flush = engine_->log(*x->queued, {}, outcome);
  if (flush)
    boost::asio::post(loop().context(), [engine = engine_] { engine->flush_log(); });
  calls_.erase(x->asked.call);
  // An actor can end itself in a message handler only, and this may be a timer's.
  if (draining_ && calls_.empty())
    send(this, drain{});
}

void simulated_upstream::credit(const stream_credit& x) {
  auto i = calls_.find(x.call);
  if (i == calls_.end())
    return;
  auto held = i->second;
  bool was_full = held->unacknowledged >= settings_.stream_window;
  held->unacknowledged -= std::min(x.bytes, held->unacknowledged);
  held->last_bytes =
      clock_now(); // while the client held the stream back nobody waited for the upstream
  if (was_full && held->run && held->unacknowledged < settings_.stream_window)
    play(held);
}

void simulated_upstream::cancel(uint64_t id) {
  auto i = calls_.find(id);
  if (i == calls_.end())
    return;
  auto x = i->second;
  end(x, x->run ? x->run->outcome() : sim_outcome::cancelled);
}

/// Wakes the call at `due`, or when its patience ends.
void simulated_upstream::wait(const call_ptr& x, steady_time due) {
  bool held_back = x->unacknowledged >= settings_.stream_window;
  auto patience = x->bytes > 0 ? settings_.timeouts.idle : settings_.timeouts.first_byte;
  auto limit =
      held_back ? x->asked.until.at : std::min(x->asked.until.at, x->last_bytes + patience);
  if (!x->timer)
    x->timer.emplace(loop().context());
  x->timer->expires_at(std::min(due, limit));
  bool late = limit < due;
  x->timer->async_wait([keep = strong(), this, x, late](boost::system::error_code error) {
    if (error || x->ended)
      return;
    if (!late)
      return play(x);
    fail(x, failure_without_reply(ec::upstream_timeout,
                                  x->bytes > 0
                                      ? "The upstream fell silent in the middle of its answer."
                                      : "The upstream did not answer in time.",
                                  true));
  });
}

/// Goes on in the loop's next turn: a stream without end must not keep the loop from the others.
void simulated_upstream::resume_soon(const call_ptr& x) {
  boost::asio::post(loop().context(), [keep = strong(), this, x] {
    if (x->ended)
      return;
    if (x->asked.until.passed(clock_now()))
      return wait(x, steady_time::max());
    play(x);
  });
}

void simulated_upstream::start_drain(const drain& x) {
  if (calls_.empty())
    return quit();
  if (std::exchange(draining_, true))
    return;
  drain_timer_.expires_at(x.until.at);
  drain_timer_.async_wait([keep = strong(), this](boost::system::error_code error) {
    if (error)
      return;
    for (auto left = calls_; auto& [id, y] : left)
      fail(y, failure_without_reply(ec::shutting_down, "The node is shutting down.", true));
  });
}

} // namespace sluice
