#include "actors/batching/batcher_actor.hpp"

#include "actors/batching/pack_format.hpp"

#include <algorithm>

namespace sluice {

namespace {

using kind = batch_decision::kind;

/// How late the deadline of a request that waits for a busy upstream is noticed; the gateway's own
/// callers hang up by themselves.
constexpr std::chrono::milliseconds expiry_interval{100};

constexpr std::chrono::seconds report_interval{1};

/// Who has time waits for so much of it at the most: what is left is for a full upstream.
constexpr int patience_share = 2;

failure make(ec code, std::string message) {
  failure result;
  result.code = code;
  result.message = message.empty() ? std::string{properties(code).sentence} : std::move(message);
  result.sent = false;
  return result;
}

/// The upstream has too much to do.
bool is_overload(const failure& why) {
  return why.code == ec::upstream_rate_limited || why.code == ec::overloaded ||
         why.upstream_status == 503 || why.upstream_status == 529;
}

/// Something in the call is wrong, and it may be one request of many.
bool is_bad_item(const failure& why) {
  return why.code == ec::upstream_rejected &&
         (why.upstream_status == 400 || why.upstream_status == 413 || why.upstream_status == 422);
}

/// The upstream does not know such calls at all.
bool is_no_batch(const failure& why) {
  return why.code == ec::upstream_rejected &&
         (why.upstream_status == 404 || why.upstream_status == 405 || why.upstream_status == 501);
}

/// One of the questions, or the pack of them, may be the reason; nothing says so of an upstream
/// that is out of reach or has too much to do.
bool may_be_the_packs(const failure& why) {
  return is_bad_item(why) || is_no_batch(why) || why.code == ec::upstream_bad_response ||
         (why.upstream_status >= 500 && !is_overload(why));
}

steady_time patient_until(const batch_request& lead) {
  if (lead.call.patience != urgency::flexible)
    return {};
  return lead.arrived + (lead.call.until.at - lead.arrived) / patience_share;
}

} // namespace

void batcher_state::start(batcher_settings x, std::vector<upstream_actor> to,
                          monitor_actor reports_to) {
  settings = std::move(x);
  upstreams = std::move(to);
  monitor = std::move(reports_to);
  adjuster.emplace(settings.adjuster);
  next_call = settings.first_call;
  figures.deployment = settings.deployment;
  figures.kind = settings.kind;
  figures.pack = settings.pack;
}

/// A stream travels alone, and past this actor: what is said of it later finds the same way by its
/// number.
const upstream_actor& batcher_state::straight(uint64_t number) const {
  return upstreams[number % upstreams.size()];
}

std::optional<batch_terms> batcher_state::terms_of(const upstream_call& x) const {
  return packs() ? read_pack_terms({x.tenant, x.body.str()}, settings.seed)
                 : read_batch_terms(settings.kind, x.body.str(), settings.seed);
}

void batcher_state::take(upstream_call& x) {
  if (x.mode == reply_mode::stream)
    return self->send(straight(x.call), std::move(x));
  auto terms = terms_of(x);
  if (packs() && !terms)
    return self->send(straight(x.call), std::move(x));
  auto now = self->clock().now();
  batch_request request{std::move(x), {}, now};
  if (draining)
    return refuse(request, make(ec::shutting_down, {}), {});
  if (request.call.until.passed(now))
    return refuse(request, make(ec::deadline_exceeded, {}), {});
  if (queue.size() >= settings.bounds.queue_max)
    return refuse(request, make(ec::overloaded, "Too many requests wait for this model."), {});
  if (terms)
    request.terms = *terms;
  else // alone: in a group that no other request has
    request.terms.group = {~uint64_t{0}, request.call.call};
  queue.push(std::move(request));
  adjuster->arrived(now);
  dispatch();
}

void batcher_state::refuse(const batch_request& who, failure&& why, const call_timing& timing) {
  if (!who.call.client)
    return;
  upstream_failure out{who.call.call, std::move(why), timing};
  if (who.lost) {
    out.wasted = who.lost->usage;
    out.wasted_cost = who.lost->cost;
  }
  self->send(who.call.client, std::move(out));
}

void batcher_state::dispatch() {
  auto now = self->clock().now();
  while (auto* lead = queue.lead()) {
    auto decision = adjuster->decide({queue.like_lead(), lead->arrived,
                                      static_cast<uint32_t>(calls.size()), patient_until(*lead)},
                                     now);
    if (decision.what != kind::dispatch) {
      wake_at(decision.what == kind::wait ? decision.until : now + expiry_interval, now);
      break;
    }
    auto& counted = figures.decisions;
    auto at = std::find_if(counted.begin(), counted.end(),
                           [&](auto& x) { return x.first == decision.reason; });
    if (at == counted.end())
      at = counted.insert(at, {std::string{decision.reason}, 0});
    ++at->second;
    begin(queue.take({decision.size, static_cast<int64_t>(settings.bounds.tokens_max),
                      settings.bounds.bytes_max, settings.output_tokens_max}),
          now);
  }
  report();
  if (draining && calls.empty() && queue.empty())
    self->quit();
}

void batcher_state::begin(std::vector<batch_request>&& members, steady_time now) {
  std::erase_if(members, [&](auto& x) {
    auto late = x.call.until.passed(now);
    if (late)
      refuse(x, make(ec::deadline_exceeded, {}), {now - x.arrived, now - x.arrived});
    return late;
  });
  if (members.empty())
    return;
  auto& first = members.front().call;
  auto number = next_call++;
  upstream_call out;
  out.call = number;
  out.client = caf::actor_cast<call_client_actor>(self);
  out.request_id = first.request_id;
  out.deployment = settings.deployment;
  out.tenant = first.tenant;
  out.kind = settings.kind;
  if (members.size() == 1) {
    // A call that is made again must not look like a repetition of the first.
    out.attempt_id = first.attempt_id + (members.front().lost ? "-a" : "");
    out.body = first.body;
    out.path = first.path;
    out.until = first.until;
  } else {
    out.attempt_id = first.attempt_id + "-b" + std::to_string(number & 0xffff'ffff);
    std::vector<const std::string*> bodies;
    for (auto& x : members) {
      bodies.push_back(&x.call.body.str());
      out.until.at = std::max(out.until.at, x.call.until.at);
    }
    out.body = packs() ? join_packed(bodies) : join_requests(settings.kind, bodies);
    if (!packs() && settings.kind == endpoint::chat_completions) {
      out.kind = endpoint::chat_batch;
      out.path = settings.bounds.chat_path;
    }
  }
  ++figures.calls;
  figures.requests += members.size();
  auto to = upstreams[next_upstream++ % upstreams.size()];
  calls.emplace(number, call{std::move(members), now, static_cast<uint32_t>(calls.size()) + 1, to});
  self->send(to, std::move(out));
}

batcher_state::call batcher_state::end_call(uint64_t number) {
  auto found = calls.find(number);
  if (found == calls.end())
    return {};
  auto result = std::move(found->second);
  calls.erase(found);
  return result;
}

void batcher_state::on_reply(upstream_reply& x) {
  auto of = end_call(x.call);
  if (of.members.empty())
    return;
  auto now = self->clock().now();
  adjuster->finished(
      {static_cast<uint32_t>(of.members.size()), now - of.begun, of.beside, !queue.empty()}, now);
  split(std::move(of), x);
  dispatch();
}

void batcher_state::split(call&& of, upstream_reply& x) {
  if (of.members.size() == 1)
    return answer_alone(std::move(of.members.front()), x);
  if (packs())
    return split_pack(std::move(of), x);
  std::vector<batch_terms> terms;
  for (auto& member : of.members)
    terms.push_back(member.terms);
  auto parts = split_reply(settings.kind, {x.body, x.usage, x.usage_known, settings.price}, terms);
  if (!parts)
    return alone(std::move(of));
  for (size_t i = 0; i < of.members.size(); ++i) {
    auto& who = of.members[i];
    auto& part = (*parts)[i];
    if (!who.call.client)
      continue;
    if (part.why.code != ec::none) {
      refuse(who, std::move(part.why), x.timing);
      continue;
    }
    self->send(who.call.client, reply_of(of, i, std::move(part), x));
  }
}

/// A member's part of the reply to its call.
upstream_reply batcher_state::reply_of(const call& of, size_t member, batch_part&& part,
                                       const upstream_reply& whole) {
  upstream_reply result;
  result.call = of.members[member].call.call;
  result.body = std::move(part.body);
  result.headers = whole.headers;
  result.usage = part.usage;
  result.usage_known = part.usage_known;
  result.timing = whole.timing;
  result.share.batch_size = static_cast<uint32_t>(of.members.size());
  result.share.cost = part.cost;
  result.share.cost_known = part.cost_known;
  return result;
}

void batcher_state::on_failure(upstream_failure& x) {
  auto of = end_call(x.call);
  if (of.members.empty())
    return;
  auto now = self->clock().now();
  if (is_overload(x.why)) {
    ++figures.overloads;
    adjuster->overloaded(now, x.why.retry_after);
  }
  if (packs() && of.members.size() > 1 && may_be_the_packs(x.why)) {
    pack_ended(false);
    ask_again(std::move(of.members));
  } else if (of.members.size() > 1 && is_bad_item(x.why)) {
    if (x.why.upstream_status == 413)
      adjuster->too_large(static_cast<uint32_t>(of.members.size()));
    divide(std::move(of));
  } else if (of.members.size() > 1 && is_no_batch(x.why)) {
    alone(std::move(of));
  } else {
    for (auto& who : of.members)
      refuse(who, failure{x.why}, x.timing);
  }
  dispatch();
}

void batcher_state::on_stream_end(const stream_end& x) {
  upstream_failure broken{x.call, x.why, x.timing};
  if (broken.why.code == ec::none)
    broken.why = make(ec::upstream_bad_response, "The upstream answered with a stream.");
  on_failure(broken);
}

/// Sends both halves at once: a bad request is found after as many steps as its batch can be
/// halved, and its neighbours wait no longer than that.
void batcher_state::divide(call&& of) {
  ++figures.divided;
  std::erase_if(of.members, [](auto& x) { return !x.call.client; });
  auto now = self->clock().now();
  auto middle = of.members.begin() + static_cast<std::ptrdiff_t>(of.members.size() / 2);
  std::vector<batch_request> second{std::make_move_iterator(middle),
                                    std::make_move_iterator(of.members.end())};
  of.members.erase(middle, of.members.end());
  begin(std::move(of.members), now);
  begin(std::move(second), now);
}

/// The upstream does not do batches: each goes alone, before those that came later.
void batcher_state::alone(call&& of) {
  adjuster->not_batchable(self->clock().now());
  for (auto& x : of.members)
    if (x.call.client)
      queue.push_front(std::move(x));
}

void batcher_state::cancel(uint64_t number) {
  if (queue.remove(number))
    return dispatch();
  for (auto& [own, x] : calls) {
    auto& members = x.members;
    auto who = std::find_if(members.begin(), members.end(),
                            [&](auto& y) { return y.call.call == number && y.call.client; });
    if (who == members.end())
      continue;
    who->call.client = nullptr;
    if (std::any_of(members.begin(), members.end(), [](auto& y) { return bool{y.call.client}; }))
      return;
    self->send(x.to, cancel_call{own});
    calls.erase(own);
    return dispatch();
  }
  self->send(straight(number), cancel_call{number});
}

void batcher_state::wake_at(steady_time when, steady_time now) {
  if (wake_due != steady_time{} && wake_due <= when)
    return;
  wake_due = when;
  self->delayed_send(self, std::max(when - now, steady_time::duration{1}),
                     batch_wake{++wake_number});
}

void batcher_state::on_wake(const batch_wake& x) {
  if (x.number != wake_number)
    return;
  wake_due = {};
  auto now = self->clock().now();
  for (auto& late : queue.take_expired(now))
    refuse(late, make(ec::deadline_exceeded, {}), {now - late.arrived, now - late.arrived});
  dispatch();
}

void batcher_state::stop(const drain& x) {
  draining = true;
  auto now = self->clock().now();
  if (x.until.passed(now)) {
    for (auto& [own, y] : calls) {
      self->send(y.to, cancel_call{own});
      for (auto& who : y.members)
        refuse(who, make(ec::shutting_down, {}), {});
    }
    calls.clear();
    for (auto& who : queue.take_all())
      refuse(who, make(ec::shutting_down, {}), {});
  } else if (!calls.empty() || !queue.empty()) {
    self->delayed_send(self, x.until.at - now, drain{x.until});
  }
  dispatch();
}

void batcher_state::report() {
  if (!settings.reports || !monitor)
    return;
  auto now = self->clock().now();
  auto changed = figures.calls > 0 || figures.reruns > 0 || figures.waiting != queue.size() ||
                 figures.in_flight != calls.size();
  if (!changed)
    return;
  if (now < report_due)
    return wake_at(report_due, now);
  report_due = now + report_interval;
  figures.waiting = static_cast<uint32_t>(queue.size());
  figures.in_flight = static_cast<uint32_t>(calls.size());
  figures.size_limit = adjuster->size_limit(now);
  figures.calls_limit = adjuster->calls().limit();
  figures.calls_reason = adjuster->calls().reason();
  auto whole = [](seconds_f x) { return std::chrono::duration_cast<std::chrono::nanoseconds>(x); };
  figures.base = whole(adjuster->latency().base());
  figures.per_item = whole(adjuster->latency().per_item());
  self->send(monitor, figures);
  figures.calls = figures.requests = figures.divided = figures.overloads = figures.reruns = 0;
  figures.decisions.clear();
}

batcher_actor::behavior_type batcher(batcher_actor::stateful_pointer<batcher_state> self,
                                     batcher_settings settings,
                                     std::vector<upstream_actor> upstreams, monitor_actor monitor) {
  self->state.start(std::move(settings), std::move(upstreams), std::move(monitor));
  return {
      [self](upstream_call& x) { self->state.take(x); },
      [self](const stream_credit& x) { self->send(self->state.straight(x.call), x); },
      [self](const cancel_call& x) { self->state.cancel(x.call); },
      [self](const drain& x) { self->state.stop(x); },
      [self](upstream_reply& x) { self->state.on_reply(x); },
      [self](upstream_failure& x) { self->state.on_failure(x); },
      [](const stream_block&) {},
      [self](const stream_end& x) { self->state.on_stream_end(x); },
      [self](const batch_wake& x) { self->state.on_wake(x); },
  };
}

} // namespace sluice
