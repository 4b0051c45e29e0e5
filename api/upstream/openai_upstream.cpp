#include "api/upstream/openai_upstream.hpp"

#include "api/upstream/failure_of.hpp"
#include "runtime/openai_usage.hpp"

#include <simdjson.h>

#include <algorithm>

namespace sluice {

using std::chrono::steady_clock;

namespace {

constexpr std::chrono::seconds report_interval{1};

/// The parser is given up after a reply beyond this, for its memory is several times the reply's.
constexpr size_t parser_capacity_kept = 1024 * 1024;

/// Whether an outcome says that the deployment is ill. A limit reached and a bad request do not.
bool is_illness(ec x) {
  return x == ec::upstream_unreachable || x == ec::upstream_timeout || x == ec::upstream_failed ||
         x == ec::upstream_bad_response || x == ec::upstream_stream_cut;
}

} // namespace

openai_upstream::openai_upstream(caf::actor_config& config, io_loop* where,
                                 std::shared_ptr<const provider_target> target, router_actor router,
                                 monitor_actor monitor)
    : loop_actor(config, where), target_(std::move(target)), router_(std::move(router)),
      monitor_(std::move(monitor)), parser_(std::make_unique<simdjson::dom::parser>()) {
  figures_.loop = where->index();
  figures_.provider = target_->settings.name;
  where->watch(this);
  where->move_in(this, this);
}

openai_upstream::~openai_upstream() = default;

openai_upstream::behavior_type openai_upstream::make_behavior() {
  return {
      [this](upstream_call& x) { take(std::move(x)); },
      [this](const stream_credit& x) {
        if (auto found = calls_.find(x.call); found != calls_.end())
          found->second->credit(x.bytes);
      },
      [this](const cancel_call& x) { cancel(x.call); },
      [this](const drain& x) {
        draining_ = true;
        drain_until_ = x.until;
        if ((calls_.empty() && waiting_.empty()) || x.until.passed(steady_clock::now()))
          this->quit();
      },
  };
}

void openai_upstream::on_exit() {
  loop().unwatch(this);
  loop().move_out(this);
  for (auto& [raw, session] : sessions_)
    session->abandon();
  sessions_.clear();
  idle_.clear();
  waiting_.clear();
  router_ = nullptr;
  monitor_ = nullptr;
}

// -- calls ------------------------------------------------------------------------------------

/// Connections that calls may count on: idle, being opened, and those that may still be opened.
size_t openai_upstream::connections_to_come() const {
  auto most = std::max<size_t>(target_->settings.connections_max, sessions_.size());
  return idle_.size() + connecting_ + (most - sessions_.size());
}

void openai_upstream::take(upstream_call&& call) {
  waiting_call taken{std::move(call), steady_clock::now()};
  auto& deployment = taken.call.deployment;
  if (taken.call.until.passed(taken.taken))
    return refuse(taken, failure_without_reply(ec::deadline_exceeded, "", false));
  if (!breaker_of(deployment).allow(taken.call.call, taken.taken))
    return refuse(taken, failure_without_reply(ec::upstream_unavailable, "", false));
  if (waiting_.size() >= connections_to_come() + target_->settings.queue_max) {
    breaker_of(deployment).abandoned(taken.call.call);
    return refuse(taken, failure_without_reply(ec::overloaded,
                                               "Too many calls wait for this provider.", false));
  }
  if (waiting_.empty() && !idle_.empty())
    return begin(std::move(taken));
  waiting_.push_back(std::move(taken));
  dispatch();
}

/// Makes a call on the connection used last.
void openai_upstream::begin(waiting_call&& next) {
  auto session = std::move(idle_.back());
  idle_.pop_back();
  calls_.emplace(next.call.call, session.get());
  session->start(std::move(next.call), next.taken);
}

void openai_upstream::dispatch() {
  while (!waiting_.empty() && !idle_.empty()) {
    auto next = std::move(waiting_.front());
    waiting_.pop_front();
    begin(std::move(next));
  }
  while (waiting_.size() > connecting_ && sessions_.size() < target_->settings.connections_max)
    open_session();
}

void openai_upstream::open_session() {
  auto session = std::make_shared<provider_session>(loop(), target_, this);
  sessions_.emplace(session.get(), session);
  ++connecting_;
  ++figures_.connects;
  figures_changed_ = true;
  session->connect(steady_clock::now() + target_->settings.timeouts.connect);
}

void openai_upstream::cancel(uint64_t call) {
  auto found = calls_.find(call);
  if (found != calls_.end()) {
    auto session = sessions_.at(found->second);
    calls_.erase(found);
    breaker_of(session->call()->deployment).abandoned(call);
    session->abandon();
    forget(*session);
    return dispatch();
  }
  auto waits =
      std::find_if(waiting_.begin(), waiting_.end(), [&](auto& x) { return x.call.call == call; });
  if (waits != waiting_.end()) {
    breaker_of(waits->call.deployment).abandoned(call);
    waiting_.erase(waits);
  }
}

void openai_upstream::refuse(const waiting_call& who, failure&& why) {
  auto spent = steady_clock::now() - who.taken;
  this->send(who.call.client, upstream_failure{who.call.call, std::move(why), {spent, spent}});
}

void openai_upstream::on_events(const upstream_call& call, std::string&& events, uint32_t count,
                                header_list&& headers) {
  this->tell(call.client,
             stream_block{call.call, std::move(events), count, std::move(headers), {}});
}

void openai_upstream::on_finished(provider_session& who, call_outcome&& outcome) {
  auto session = who.shared_from_this();
  calls_.erase(outcome.call.call);
  if (outcome.reusable)
    idle_.push_back(session);
  else
    forget(who);
  deliver(std::move(outcome));
  dispatch();
}

void openai_upstream::deliver(call_outcome&& outcome) {
  auto& call = outcome.call;
  auto& client = call.client;
  if (outcome.why.code == ec::none && call.mode == reply_mode::whole) {
    // Parsed for its usage, and so that half a JSON never reaches a client as a whole answer.
    outcome.body.reserve(outcome.body.size() + simdjson::SIMDJSON_PADDING);
    simdjson::dom::element root;
    simdjson::dom::element usage;
    if (parser_->parse(outcome.body.data(), outcome.body.size(), false).get(root) !=
            simdjson::SUCCESS ||
        !root.is_object())
      outcome.why = failure_without_reply(ec::upstream_bad_response,
                                          "The upstream's reply is not a JSON object.", true);
    else if (auto said = error_in(root))
      outcome.why = std::move(*said);
    else if (root["usage"].get(usage) == simdjson::SUCCESS)
      outcome.usage = read_openai_usage(usage);
    if (outcome.why.code == ec::none && !outcome.usage && call.method == call_method::ask)
      outcome.output_tokens = count_output(root.get_object().value(), encoding_of(call));
    if (parser_->capacity() > parser_capacity_kept)
      parser_ = std::make_unique<simdjson::dom::parser>();
  }
  judge(call, outcome.why.code);
  auto known = outcome.usage.has_value();
  auto usage = known ? *outcome.usage
               : outcome.why.code == ec::none && call.method == call_method::ask
                   ? counted_usage(call, outcome.output_tokens)
                   : token_usage{};
  if (outcome.why.code != ec::none && !outcome.streamed)
    this->tell(client, upstream_failure{call.call, std::move(outcome.why), outcome.timing});
  else if (call.mode == reply_mode::stream)
    this->tell(client,
               stream_end{call.call, std::move(outcome.why), usage, known, outcome.timing, {}});
  else
    this->tell(client, upstream_reply{call.call,
                                      std::move(outcome.body),
                                      std::move(outcome.headers),
                                      usage,
                                      known,
                                      outcome.timing,
                                      {}});
}

// -- sessions ---------------------------------------------------------------------------------

void openai_upstream::on_connected(provider_session& who) {
  --connecting_;
  idle_.push_back(who.shared_from_this());
  dispatch();
}

/// Takes `who` from the pool; true where it was still in it.
bool openai_upstream::forget(provider_session& who) {
  figures_changed_ = true;
  std::erase_if(idle_, [&](auto& x) { return x.get() == &who; });
  return sessions_.erase(&who) > 0;
}

void openai_upstream::on_closed(provider_session& who, const failure& why) {
  auto session = who.shared_from_this();
  auto was_idle = std::any_of(idle_.begin(), idle_.end(), [&](auto& x) { return x == session; });
  forget(who);
  if (!was_idle) { // it never got through: so will the one call that made us open it
    --connecting_;
    ++figures_.connect_failures;
    if (waiting_.size() > connecting_) {
      auto first = std::move(waiting_.front());
      waiting_.pop_front();
      judge(first.call, why.code);
      refuse(first, failure{why});
    }
  }
  dispatch();
}

void openai_upstream::tick(steady_time now) {
  scratch_.clear();
  for (auto& [raw, session] : sessions_)
    scratch_.push_back(session);
  for (auto& session : scratch_)
    session->tick(now);
  scratch_.clear();
  while (!idle_.empty() &&
         now - idle_.front()->idle_since() > target_->settings.connection_idle_max) {
    auto session = idle_.front();
    session->abandon();
    forget(*session);
  }
  for (auto i = waiting_.begin(); i != waiting_.end();) {
    if (!i->call.until.passed(now)) {
      ++i;
      continue;
    }
    breaker_of(i->call.deployment).abandoned(i->call.call);
    refuse(*i, failure_without_reply(
                   ec::deadline_exceeded,
                   "The request's deadline passed while it waited for a connection.", false));
    i = waiting_.erase(i);
  }
  if (now >= report_due_) {
    report_due_ = now + report_interval;
    report();
  }
  if (draining_ && !quitting_ &&
      ((calls_.empty() && waiting_.empty()) || drain_until_.passed(now))) {
    quitting_ = true;
    this->send(caf::actor_cast<upstream_actor>(this),
               drain{{now}}); // quit() takes effect at a message
  }
}

// -- health -----------------------------------------------------------------------------------

breaker& openai_upstream::breaker_of(const std::string& deployment) {
  return breakers_.try_emplace(deployment, target_->settings.breaker).first->second;
}

void openai_upstream::judge(const upstream_call& call, ec outcome) {
  auto& x = breaker_of(call.deployment);
  auto before = x.open();
  if (is_illness(outcome))
    x.failed(steady_clock::now());
  else if (outcome == ec::deadline_exceeded || outcome == ec::upstream_rate_limited)
    x.abandoned(call.call);
  else
    x.succeeded();
  if (x.open() == before)
    return;
  figures_changed_ = true;
  this->send(router_, deployment_health{call.deployment, !x.open()});
}

void openai_upstream::report() {
  auto busy = static_cast<uint32_t>(calls_.size());
  auto idle = static_cast<uint32_t>(idle_.size());
  auto waiting = static_cast<uint32_t>(waiting_.size());
  if (!figures_changed_ && busy == figures_.connections_busy && idle == figures_.connections_idle &&
      waiting == figures_.waiting)
    return;
  figures_.connections_busy = busy;
  figures_.connections_idle = idle;
  figures_.waiting = waiting;
  figures_.available.clear();
  for (auto& [deployment, x] : breakers_)
    figures_.available.emplace_back(deployment, !x.open());
  this->send(monitor_, figures_);
  figures_.connects = 0;
  figures_.connect_failures = 0;
  figures_changed_ = false;
}

} // namespace sluice
