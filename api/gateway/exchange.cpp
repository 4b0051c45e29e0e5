#include "api/gateway/exchange.hpp"

#include "api/gateway/error_reply.hpp"
#include "api/gateway/header_line.hpp"
#include "api/gateway/http_host.hpp"
#include "api/gateway/limit_lines.hpp"
#include "runtime/charge_rules.hpp"

#include <spdlog/spdlog.h>

#include <array>
#include <charconv>

namespace sluice {

using std::chrono::steady_clock;

namespace {

/// Status in records of requests whose client went away, as nginx counts them. Never sent.
constexpr uint16_t client_gone_status = 499;

std::string_view route_of(endpoint kind) {
  switch (kind) {
  case endpoint::chat_completions:
    return "/v1/chat/completions";
  case endpoint::completions:
    return "/v1/completions";
  case endpoint::embeddings:
    return "/v1/embeddings";
  case endpoint::chat_batch: // nobody can ask it of us
    break;
  }
  return "other";
}

/// Milliseconds with three decimals, without the cost of a general formatter.
std::string milliseconds_text(std::chrono::nanoseconds x) {
  auto us = std::max<int64_t>(0, x.count() / 1000);
  std::array<char, 32> text;
  auto end = std::to_chars(text.data(), text.data() + 24, us / 1000).ptr;
  auto rest = static_cast<int>(us % 1000);
  *end++ = '.';
  *end++ = static_cast<char>('0' + rest / 100);
  *end++ = static_cast<char>('0' + rest / 10 % 10);
  *end++ = static_cast<char>('0' + rest % 10);
  return {text.data(), end};
}

} // namespace

exchange::exchange(http_host& host, std::unique_ptr<http_request> request,
                   std::shared_ptr<reply_sink> sink, std::string request_id, virtual_key* key,
                   inference_request asked, std::chrono::milliseconds timeout)
    : host_(host), request_(std::move(request)), sink_(std::move(sink)), key_(key),
      asked_(std::move(asked)) {
  auto& who = key_->settings;
  until_.at = request_->received + timeout;
  record_.at = std::chrono::system_clock::now();
  record_.request_id = std::move(request_id);
  record_.tenant = who.tenant;
  record_.team = who.team;
  record_.user = who.user;
  record_.key_id = who.id;
  record_.method = request_->method;
  record_.route = route_of(asked_.kind);
  record_.model = asked_.model;
  record_.inference = true;
  record_.streamed = asked_.stream;
  original_ = std::move(request_->body);
  record_.request_bytes = original_.size();
  host_.add(this);
}

exchange::~exchange() {
  host_.remove(this);
}

void exchange::route() {
  routed_ = true;
  backoff_.reset();
  route_query query;
  query.request_id = record_.request_id;
  query.tenant = record_.tenant;
  query.model = asked_.model;
  query.kind = asked_.kind;
  query.input_tokens = asked_.input_tokens;
  query.output_tokens_max = asked_.output_tokens_max;
  // The deadline of this request is `tick`'s.
  host_.request(host_.setup().router, caf::infinite, std::move(query))
      .then([self = shared_from_this()](route_decision& decision) { self->on_route(decision); },
            [self = shared_from_this()](const caf::error& error) {
              if (!self->done_)
                self->fail(make_failure(error));
            });
}

void exchange::on_route(route_decision& decision) {
  if (done_)
    return;
  candidates_ = std::move(decision.candidates);
  progress_ = {0, static_cast<uint32_t>(candidates_.size()), 0};
  call();
}

void exchange::call() {
  auto now = steady_clock::now();
  if (until_.passed(now))
    return fail(make_failure(ec::deadline_exceeded));
  auto& setup = host_.setup();
  auto& chosen = candidates_[progress_.candidate];
  deployment_ = setup.models->find_deployment(chosen.deployment);
  target_ = deployment_
                ? setup.targets.first(*deployment_, {asked_.kind, asked_.pack}, asked_.merge)
                : upstream_actor{};
  if (!target_)
    return fail(make_failure(ec::internal));
  if (progress_.attempts_here == 0) // a retry sends the same again
    make_body();
  if (setup.ledger)
    return reserve();
  send_call();
}

/// What is sent, and the most that it may use.
void exchange::make_body() {
  auto& model = deployment_->upstream_model;
  auto ask_usage = asked_.stream && !asked_.include_usage;
  answer_limit limit;
  count_most();
  // A pack says its own limit, of all its questions.
  if (asked_.pack == packing::denied)
    limit = {output_limit_field(model), limit_to_say()};
  auto as_it_is = model == asked_.model && !ask_usage && limit.tokens == 0;
  body_ = as_it_is ? original_
                   : shared_body{host_.reader().rewrite(original_, model, ask_usage, limit)};
}

/// Its charge is reserved, where there is a ledger.
void exchange::send_call() {
  ++progress_.attempts_here;
  ++record_.attempts;
  call_ = host_.expect(this);
  call_started_ = steady_clock::now();
  upstream_call out;
  out.call = call_;
  out.client = caf::actor_cast<call_client_actor>(&host_);
  out.request_id = record_.request_id;
  out.attempt_id = record_.request_id + "-" + std::to_string(record_.attempts);
  out.deployment = deployment_->id;
  out.kind = asked_.kind;
  out.mode = asked_.stream ? reply_mode::stream : reply_mode::whole;
  out.usage_wanted = asked_.include_usage;
  out.body = body_;
  out.until = until_;
  out.tenant = record_.tenant;
  out.patience = asked_.patience;
  out.merge = asked_.merge;
  out.pack = asked_.pack;
  out.output_tokens_max = most_.output;
  host_.tell(target_, std::move(out));
}

void exchange::end_call(const call_timing& timing) {
  host_.forget(call_);
  call_ = 0;
  record_.upstream += timing.total;
}

void exchange::on_failure(upstream_failure& outcome) {
  end_call(outcome.timing);
  end_charge(outcome_of_failure(outcome));
  wasted_ = wasted_ + outcome.wasted;
  wasted_cost_ += outcome.wasted_cost;
  auto now = steady_clock::now();
  auto& retry = host_.provider(deployment_->provider).retry;
  auto step = after_failure(outcome.why, progress_, retry, until_, now, host_.random()());
  tell(outcome.why, step);
  switch (step.what) {
  case next_step::kind::retry:
    return retry_after(step.delay);
  case next_step::kind::fallback:
    ++progress_.candidate;
    progress_.attempts_here = 0;
    ++record_.fallbacks;
    return call();
  case next_step::kind::give_up:
    return fail(outcome.why);
  }
}

/// What went wrong at the upstream and what is done about it, for the operator.
void exchange::tell(const failure& why, const next_step& step) const {
  auto& log = host_.setup().log;
  if (!log)
    return;
  static constexpr std::string_view what[] = {"retry", "fall back", "give up"};
  log->lines()->warn("{} attempt {} at {}: {} (status {}): {} after {} ms", record_.request_id,
                     record_.attempts, deployment_->id, to_string_view(why.code),
                     why.upstream_status, what[static_cast<size_t>(step.what)], step.delay.count());
}

void exchange::retry_after(std::chrono::milliseconds delay) {
  record_.upstream += delay;
  backoff_ = std::make_unique<boost::asio::steady_timer>(host_.loop().context(), delay);
  backoff_->async_wait([weak = weak_from_this()](const boost::system::error_code& error) {
    if (auto self = weak.lock(); self && !error && !self->done_)
      self->call();
  });
}

std::string exchange::answer_lines(bool final_figures) {
  std::string lines;
  lines.reserve(512);
  add_line(lines, "x-request-id", record_.request_id);
  add_line(lines, "x-sluice-request-id", record_.request_id);
  add_line(lines, "x-sluice-model", record_.upstream_model);
  add_line(lines, "x-sluice-provider", record_.provider);
  add_line(lines, "x-sluice-attempts", std::to_string(record_.attempts));
  if (deployment_->provider_kind == "sluice.simulated")
    add_line(lines, "x-sluice-simulated", "true");
  cache_lines(lines);
  if (record_.share.joined)
    add_line(lines, "x-sluice-merged", "true");
  if (record_.share.batch_size > 1)
    add_line(lines, "x-sluice-batch-size", std::to_string(record_.share.batch_size));
  if (record_.share.packed > 0)
    add_line(lines, "x-sluice-packed", std::to_string(record_.share.packed));
  if (record_.share.rerun)
    add_line(lines, "x-sluice-pack-rerun", "true");
  if (record_.share.packed > 0 || record_.share.rerun)
    add_line(lines, "x-sluice-pack-saved-tokens", std::to_string(record_.share.input_saved));
  if (final_figures) {
    if (record_.share.cost_known || (record_.usage_known && deployment_->price) ||
        is_hit(record_.cache))
      add_line(lines, "x-sluice-cost-usd", to_usd_string(record_.cost));
    add_line(lines, "x-sluice-overhead-ms",
             milliseconds_text(steady_clock::now() - request_->received - record_.upstream));
  }
  lines.append(rate_lines_);
  add_limit_lines(lines, budget_, tokens_);
  return lines;
}

/// The provider's rate limits are the gateway's account with it; a caller that has limits of its
/// own sees only those.
header_list exchange::for_caller(header_list&& headers) const {
  if (!rate_lines_.empty() || tokens_.limit > 0)
    std::erase_if(headers, [](auto& x) { return x.first.starts_with("x-ratelimit-"); });
  return std::move(headers);
}

void exchange::settle(const token_usage& usage, bool known, const call_share& share) {
  record_.deployment = deployment_->id;
  record_.provider = deployment_->provider;
  record_.provider_kind = deployment_->provider_kind;
  record_.upstream_model = deployment_->upstream_model;
  record_.usage = usage + wasted_;
  record_.usage_known = known;
  record_.share = share;
  record_.cost = wasted_cost_;
  if (share.cost_known)
    record_.cost += share.cost;
  else if (known && deployment_->price)
    record_.cost += cost(usage, deployment_->price->price).value_or(nanousd{});
}

void exchange::on_reply(upstream_reply& reply) {
  leave_cache();
  end_call(reply.timing);
  settle(reply.usage, reply.usage_known, reply.share);
  if (settle_charge(outcome_of(reply.usage, reply.usage_known, reply.share)))
    reply_ = std::move(reply);
  else
    deliver(reply);
}

void exchange::deliver(upstream_reply& reply) {
  http_response response;
  response.lines = answer_lines(true);
  response.headers = for_caller(std::move(reply.headers));
  response.body = std::move(reply.body);
  record_.response_bytes = response.body.size();
  record_.first_byte = steady_clock::now() - request_->received;
  auto kept = cache_.key && cache_.wish.write &&
              response.body.size() <= host_.setup().settings->cache.entry_bytes_max &&
              may_keep(response.body, reply.share);
  if (kept)
    cached_.content = response.body;
  sink_->send(std::move(response));
  if (kept)
    keep(std::move(cached_));
  finish(200, ec::none);
}

http_response exchange::stream_head(header_list&& headers) {
  http_response head;
  head.content_type = "text/event-stream; charset=utf-8";
  head.lines = answer_lines(false);
  add_line(head.lines, "Cache-Control", "no-cache");
  add_line(head.lines, "X-Accel-Buffering",
           "no"); // or nginx in front of us would hold the stream back
  head.headers = for_caller(std::move(headers));
  return head;
}

void exchange::on_block(stream_block& block) {
  if (!streaming_) {
    streaming_ = true;
    leave_cache();
    settle({}, false, block.share);
    record_.first_byte = steady_clock::now() - request_->received;
    sink_->begin(stream_head(std::move(block.headers)));
    keeping_ = cache_.key && cache_.wish.write;
  }
  record_.chunks += block.count;
  record_.response_bytes += block.events.size();
  if (keeping_) {
    keeping_ = record_.response_bytes <= host_.setup().settings->cache.entry_bytes_max;
    if (keeping_)
      cached_.content += block.events;
    else
      cached_.content = {};
  }
  sink_->write(std::move(block.events));
}

void exchange::on_written(size_t bytes) {
  credit_owed_ += bytes;
  // Told in quarters of the window: often enough that the upstream never runs dry, not a message
  // for every write.
  if (call_ == 0 || credit_owed_ < host_.setup().settings->limits.stream_buffer_bytes_max / 4)
    return;
  host_.send(target_, stream_credit{call_, std::exchange(credit_owed_, 0)});
}

void exchange::on_end(stream_end& end) {
  end_call(end.timing);
  settle(end.usage, end.usage_known, end.share);
  if (end.why.code != ec::none) {
    end_charge(outcome_of_end(end, outcome_of(end.usage, end.usage_known, end.share)));
    return fail(end.why);
  }
  if (settle_charge(outcome_of(end.usage, end.usage_known, end.share)))
    end_ = std::move(end);
  else
    deliver(end);
}

void exchange::deliver(stream_end& end) {
  if (!streaming_) { // a stream without content is still an answer
    stream_block nothing;
    on_block(nothing);
  }
  sink_->write("data: [DONE]\n\n");
  sink_->finish();
  if (keeping_ && may_keep(cached_.content, end.share)) {
    cached_.events = record_.chunks;
    keep(std::move(cached_));
  }
  finish(200, ec::none);
}

void exchange::fail(const failure& why) {
  cancel();
  if (!answers_stale(why))
    refuse(why);
}

void exchange::refuse(const failure& why) {
  if (streaming_) {
    sink_->write(error_event(why, record_.request_id));
    sink_->finish();
    return finish(200, why.code);
  }
  auto response = error_reply(why, record_.request_id);
  response.lines = rate_lines_;
  add_limit_lines(response.lines, budget_, tokens_);
  auto status = response.status;
  record_.response_bytes = response.body.size();
  sink_->send(std::move(response));
  finish(status, why.code);
}

void exchange::cancel() {
  backoff_.reset();
  if (call_ == 0)
    return;
  abandon_charge();
  host_.forget(call_);
  auto call = std::exchange(call_, 0);
  host_.send(target_, cancel_call{call});
  record_.upstream += steady_clock::now() - call_started_;
}

void exchange::on_client_gone() {
  if (done_)
    return;
  cancel();
  // At the end of the grace period it is we who hang up.
  finish(client_gone_status, host_.closing() ? ec::shutting_down : ec::client_gone);
}

void exchange::tick(steady_time now) {
  if (done_ || !until_.passed(now))
    return;
  if (failure_)
    return refuse(*failure_);
  auto waiting = call_ != 0;
  fail(make_failure(waiting ? ec::upstream_timeout : ec::deadline_exceeded,
                    waiting ? "The upstream did not answer before the request's deadline." : ""));
}

void exchange::finish(uint16_t status, ec error) {
  done_ = true;
  leave_cache();
  leave_ledger();
  if (error != ec::none && record_.cost == nanousd{}) { // what was lost on the way is paid, too
    record_.usage = record_.usage + wasted_;
    record_.cost = wasted_cost_;
  }
  host_.setup().admission->end_request();
  record_.status = status;
  record_.error = error;
  record_.duration = steady_clock::now() - request_->received;
  auto own = record_.origin != request_origin::caller;
  if (std::exchange(leased_, false))
    host_.setup().warming->ended(cache_.key, record_.cost, std::chrono::system_clock::now());
  if (!own)
    note_asked();
  if (!own || record_.attempts > 0) // what was there already took nothing
    host_.record(std::move(record_));
  if (own)
    host_.release(this);
}

} // namespace sluice
