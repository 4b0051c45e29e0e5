#include "api/gateway/exchange.hpp"

#include "api/gateway/error_reply.hpp"
#include "api/gateway/header_line.hpp"
#include "api/gateway/http_host.hpp"

#include <fmt/format.h>

/// What a request has to do with the cache.
namespace sluice {

using std::chrono::steady_clock;

namespace {

/// What the keeper may take before the provider is asked meanwhile: its own `wait_max` and the time
/// to read a long question.
constexpr std::chrono::milliseconds keeper_wait_max{150};

std::string hex(const fingerprint& x) {
  return fmt::format("{:016x}{:016x}", x.high, x.low);
}

/// Whether somebody else's answer of yesterday is better than this.
bool is_outage(ec x) {
  return x == ec::upstream_unreachable || x == ec::upstream_timeout ||
         x == ec::upstream_rate_limited || x == ec::upstream_failed ||
         x == ec::upstream_bad_response || x == ec::upstream_stream_cut ||
         x == ec::upstream_unavailable;
}

} // namespace

void exchange::use_cache(cache_use&& x) {
  cache_ = std::move(x);
  record_.cache_scope = cache_.scope;
}

void exchange::ask_for_cache(request_origin why, nanousd expected, bool warms) {
  warms_ = warms;
  record_.origin = why;
  expected_ = expected;
  leased_ = why == request_origin::refresh;
}

void exchange::start() {
  if (!cache_.key || !cache_.wish.read)
    return cache_.wish.only ? fail(make_failure(ec::not_cached)) : route();
  lookup_ = host_.expect(this);
  cache_lookup lookup;
  lookup.call = lookup_;
  lookup.client = caf::actor_cast<cache_client_actor>(&host_);
  lookup.key = cache_.key;
  lookup.age_max = cache_.wish.age_max;
  lookup.stale_max = cache_.stale_max;
  host_.tell(host_.shard(cache_.key), std::move(lookup));
}

void exchange::on_verdict(cache_verdict& verdict) {
  if (done_ || verdict.call != lookup_)
    return;
  if (verdict.more) // it goes on looking
    return miss();
  leave_cache();
  if (record_.origin == request_origin::prefetch)
    return on_own_verdict(verdict);
  if (is_hit(verdict.result)) {
    // Of a call that is under way it stays the one it was.
    if (auto* known = host_.setup().models->find_deployment(verdict.answer.deployment)) {
      cancel();
      deployment_ = known;
      return answer_from_cache(verdict);
    }
  }
  if (failure_)
    return refuse(*failure_);
  if (!keeper_asked_ && ask_keeper(false))
    return;
  miss();
}

/// What is asked in advance is needed only where nobody has the answer, and where it may be paid.
void exchange::on_own_verdict(cache_verdict& verdict) {
  if (verdict.result == cache_result::stored) {
    cache_fill fill{cache_.key, std::move(verdict.answer), verdict.expires, verdict.age};
    fill.tenant = tenant_mark(record_.tenant);
    host_.tell(host_.shard(cache_.key), std::move(fill));
  }
  if (is_hit(verdict.result))
    return finish(200, ec::none);
  if (!keeper_asked_ && ask_keeper(false))
    return;
  if (!host_.setup().warming->warm(cache_.key, expected_, steady_clock::now(),
                                   std::chrono::system_clock::now()))
    return finish(200, ec::none);
  leased_ = true;
  route();
}

/// On to the provider, unless it is being asked.
void exchange::miss() {
  record_.cache = cache_result::miss;
  if (routed_)
    return;
  if (cache_.wish.only)
    return fail(make_failure(ec::not_cached));
  route();
}

/// Asks for an answer on the disk or to a question that means the same; false where there is nobody
/// to ask, or too many do.
bool exchange::ask_keeper(bool stale) {
  auto& setup = host_.setup();
  if (!setup.keeper || !setup.gate->enter_lookup())
    return false;
  lookup_ = host_.expect(this);
  kept_lookup lookup;
  lookup.call = lookup_;
  lookup.client = caf::actor_cast<cache_client_actor>(&host_);
  lookup.key = cache_.key;
  lookup.age_max = cache_.wish.age_max;
  lookup.stale_max = cache_.stale_max;
  lookup.error_rate_max = cache_.error_rate_max;
  lookup.stale = stale;
  if (!stale) {
    keeper_asked_ = true;
    auto own = record_.origin != request_origin::caller;
    lookup.patient = cache_.wish.only || own;
    if (!own) {
      lookup.scope = cache_.scope;
      lookup.question = cache_.question;
      lookup.tenant = record_.tenant;
    }
    if (!lookup.patient) {
      backoff_ =
          std::make_unique<boost::asio::steady_timer>(host_.loop().context(), keeper_wait_max);
      backoff_->async_wait([weak = weak_from_this()](const boost::system::error_code& error) {
        if (auto self = weak.lock(); self && !error && !self->done_)
          self->miss();
      });
    }
  }
  host_.send(setup.keeper, std::move(lookup));
  return true;
}

/// Whether the cache is asked for an answer that is out of date, in place of this failure.
bool exchange::answers_stale(const failure& why) {
  if (failure_ || streaming_ || record_.origin != request_origin::caller || !is_outage(why.code) ||
      !cache_.key || !cache_.wish.read || host_.setup().settings->cache.stale_if_error.count() == 0)
    return false;
  leave_cache();
  if (!ask_keeper(true))
    return false;
  failure_ = why;
  return true;
}

/// What the cache still has to say is of no use.
void exchange::leave_cache() {
  if (lookup_ != 0)
    host_.forget(std::exchange(lookup_, 0));
}

void exchange::cache_lines(std::string& lines) const {
  if (record_.cache == cache_result::unasked)
    return;
  auto hit = is_hit(record_.cache);
  auto stale = record_.cache == cache_result::stale || (hit && hit_.expires.count() < 0);
  add_line(lines, "x-sluice-cache", !hit ? "miss" : stale ? "stale" : "hit");
  add_line(lines, "x-sluice-cache-key", hex(hit_.key ? hit_.key : cache_.key));
  if (cache_.scope)
    add_line(lines, "x-sluice-cache-namespace", hex(cache_.scope));
  if (!hit)
    return;
  add_line(lines, "x-sluice-cache-level",
           record_.cache == cache_result::stale ? "L3" : level_name(record_.cache));
  add_line(lines, "x-sluice-cache-age", std::to_string(hit_.age.count()));
  add_line(lines, "x-sluice-cache-ttl", std::to_string(hit_.expires.count()));
  if (record_.cache == cache_result::similar) {
    add_line(lines, "x-sluice-cache-similarity", fmt::format("{:.4f}", hit_.similarity));
    add_line(lines, "x-sluice-cache-probability", fmt::format("{:.4f}", hit_.probability));
  }
}

/// Gives an answer again. It costs nothing, and its usage was its first asker's.
void exchange::answer_from_cache(cache_verdict& verdict) {
  auto answer = std::move(verdict.answer);
  hit_ = std::move(verdict);
  record_.cache = hit_.result;
  // From the disk back into memory. What only means the same is judged anew each time.
  if (hit_.result == cache_result::stored && cache_.wish.write && hit_.expires.count() > 0) {
    cache_fill fill{cache_.key, answer, hit_.expires, hit_.age};
    fill.tenant = tenant_mark(record_.tenant);
    host_.tell(host_.shard(cache_.key), std::move(fill));
  }
  settle({}, false, {});
  record_.cache_saved = answer.cost;
  record_.cache_saved_tokens = answer.usage.input_total() + answer.usage.output_total();
  record_.first_byte = steady_clock::now() - request_->received;
  record_.response_bytes = answer.content.size();
  if (asked_.stream) {
    record_.chunks = answer.events;
    sink_->begin(stream_head({}));
    sink_->write(std::move(answer.content) + "data: [DONE]\n\n");
    sink_->finish();
  } else {
    http_response response;
    response.lines = answer_lines(true);
    response.body = std::move(answer.content);
    sink_->send(std::move(response));
  }
  refresh_behind();
  finish(200, ec::none);
}

/// Has the answer that was just given fetched anew, where it is out of date or soon will be.
void exchange::refresh_behind() {
  auto exact = hit_.result == cache_result::hot || hit_.result == cache_result::stored;
  if (!exact || !cache_.wish.write || cache_.wish.only)
    return;
  auto& setup = host_.setup();
  auto now = steady_clock::now();
  auto stale = hit_.expires.count() < 0;
  // The whole time of an answer is what it has lived and what it has left.
  auto percent = setup.settings->cache.warming.refresh_ahead_percent;
  auto soon = hit_.expires.count() * 100 < (hit_.age + hit_.expires).count() * int64_t{percent};
  auto begun = stale  ? setup.warming->revalidate(cache_.key, now)
               : soon ? setup.warming->warm(cache_.key, record_.cache_saved, now,
                                            std::chrono::system_clock::now())
                      : false;
  if (!begun)
    return;
  auto own = cache_;
  own.wish.read = false;
  host_.ask_for_cache(request_origin::refresh, original_, key_, asked_, own, record_.cache_saved,
                      !stale);
}

/// Tells who predicts questions that this one was asked.
void exchange::note_asked() {
  auto& setup = host_.setup();
  if (!setup.prefetcher || !cache_.key || !cache_.wish.write || record_.error != ec::none ||
      !setup.warming->enter_note())
    return;
  asked_note note;
  note.client = caf::actor_cast<prefetch_client_actor>(&host_);
  note.tenant = record_.tenant;
  note.asker = record_.key_id + ' ' + record_.user;
  note.key_id = record_.key_id;
  note.key = cache_.key;
  note.kind = asked_.kind;
  note.body = original_;
  note.cost = is_hit(record_.cache) ? record_.cache_saved : record_.cost;
  host_.send(setup.prefetcher, std::move(note));
}

/// Gives an answer to the cache, when the caller has it.
void exchange::keep(cached_answer&& answer) {
  answer.deployment = record_.deployment;
  answer.usage = record_.usage;
  answer.usage_known = record_.usage_known;
  answer.cost = record_.cost;
  auto& setup = host_.setup();
  if (setup.keeper && setup.gate->enter_fill(answer.content.size())) {
    answer_fill fill;
    fill.key = cache_.key;
    fill.scope = cache_.scope;
    fill.question = std::move(cache_.question);
    fill.tenant = record_.tenant;
    fill.answer = answer;
    fill.ttl = cache_.wish.ttl;
    host_.send(setup.keeper, std::move(fill));
  }
  cache_fill fill{cache_.key, std::move(answer), cache_.wish.ttl};
  fill.tenant = tenant_mark(record_.tenant);
  fill.warmed = warms_;
  host_.tell(host_.shard(cache_.key), std::move(fill));
}

} // namespace sluice
