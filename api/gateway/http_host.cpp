#include "api/gateway/http_host.hpp"

#include "api/gateway/error_reply.hpp"
#include "api/gateway/job_routes.hpp"
#include "api/gateway/merge_rules.hpp"
#include "api/gateway/model_list.hpp"
#include "api/gateway/pack_rules.hpp"
#include "api/gateway/routes.hpp"
#include "api/http/openapi.hpp"

#include <array>
#include <cassert>
#include <charconv>

namespace sluice {

using std::chrono::steady_clock;

namespace {

/// Records sent to the monitor at once; a loop at full speed fills this in about 10 ms.
constexpr size_t report_size_max = 256;

/// Records that the monitor may owe an answer for: half a second at full speed. Beyond it they are
/// dropped and counted, since a log that cannot keep up must not take the gateway's memory.
constexpr uint64_t records_unanswered_max = 16'384;

/// By which a caller shortens its request's deadline.
constexpr std::string_view timeout_field = "x-sluice-timeout-ms";

/// The time that the request has; fails with `invalid_value`.
caf::expected<std::chrono::milliseconds> timeout_of(const http_request& request,
                                                    std::chrono::milliseconds longest) {
  auto text = request.field(timeout_field);
  if (text.empty())
    return longest;
  int64_t ms = 0;
  auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), ms);
  if (error != std::errc{} || stop != text.data() + text.size() || ms < 1)
    return make_error(ec::invalid_value,
                      "The header x-sluice-timeout-ms must be a whole number of milliseconds, "
                      "at least 1.",
                      std::string{timeout_field});
  return std::min(longest, std::chrono::milliseconds{ms});
}

} // namespace

http_host::http_host(caf::actor_config& config, io_loop* where, http_host_setup setup)
    : loop_actor(config, where), setup_(std::move(setup)),
      listener_(*where, setup_.settings->limits, setup_.admission, *this),
      call_next_((uint64_t{where->index()} << 48) + 1) {
  std::random_device entropy;
  random_.seed((uint64_t{entropy()} << 32) ^ entropy());
  records_.reserve(report_size_max);
  where->watch(this);
  where->move_in(this, this);
}

http_host::behavior_type http_host::make_behavior() {
  return {
      [this](upstream_reply& x) { take(std::move(x)); },
      [this](upstream_failure& x) { take(std::move(x)); },
      [this](stream_block& x) { take(std::move(x)); },
      [this](stream_end& x) { take(std::move(x)); },
      [this](cache_verdict& x) { take(std::move(x)); },
      [this](prefetch_order& x) { prefetch(std::move(x)); },
      [this](ledger_verdicts& x) { take(std::move(x)); },
      [this](const drain& x) {
        if (!draining_) {
          draining_ = true;
          for (auto& [who, own] : std::exchange(own_, {}))
            own->on_client_gone();
          drain_until_ = x.until;
          listener_.drain();
        }
        if (listener_.empty()) {
          report();
          this->quit();
        }
      },
  };
}

void http_host::take(upstream_reply&& x) {
  if (auto who = waiting_for(x.call))
    who->on_reply(x);
}

void http_host::take(upstream_failure&& x) {
  if (auto who = waiting_for(x.call))
    who->on_failure(x);
}

void http_host::take(stream_block&& x) {
  if (auto who = waiting_for(x.call))
    who->on_block(x);
}

void http_host::take(stream_end&& x) {
  if (auto who = waiting_for(x.call))
    who->on_end(x);
}

void http_host::take(cache_verdict&& x) {
  if (auto who = waiting_for(x.call))
    who->on_verdict(x);
}

void http_host::on_exit() {
  loop().unwatch(this);
  loop().move_out(this);
  listener_.close();
  flush_orders();
  setup_ = {}; // actors that hold each other's handles never end
}

std::shared_ptr<exchange> http_host::waiting_for(uint64_t call) const {
  auto found = calls_.find(call);
  return found == calls_.end() ? nullptr : found->second->shared_from_this();
}

uint64_t http_host::expect(exchange* who) {
  auto call = call_next_++;
  calls_.emplace(call, who);
  return call;
}

const provider_settings& http_host::provider(const std::string& name) const {
  for (auto& x : setup_.settings->providers)
    if (x.name == name)
      return x;
  assert(false && "the catalogue names only providers of the configuration");
  return setup_.settings->providers.front();
}

std::string http_host::request_id() {
  static constexpr std::string_view digits = "0123456789abcdef";
  std::string id = "req_";
  id.reserve(28);
  for (auto word : {random_(), random_()})
    for (int i = 0; i < 12; ++i, word >>= 4)
      id.push_back(digits[word & 15]);
  return id;
}

// -- requests ---------------------------------------------------------------------------------

std::shared_ptr<http_exchange> http_host::handle(std::unique_ptr<http_request> request,
                                                 std::shared_ptr<reply_sink> sink) {
  auto route = match_route(request->method, request->path());
  if (route.what == route_match::target::inference)
    return inference(route.kind, std::move(request), std::move(sink));
  if (route.what == route_match::target::jobs) {
    auto made =
        std::make_shared<job_exchange>(*this, std::move(request), std::move(sink), request_id());
    made->start(route.job);
    return made;
  }
  plain(*request, std::move(sink));
  return nullptr;
}

std::shared_ptr<http_exchange> http_host::inference(endpoint kind,
                                                    std::unique_ptr<http_request> request,
                                                    std::shared_ptr<reply_sink> sink) {
  auto id = request_id();
  std::string rate_lines;
  auto refuse_with = [&](const failure& why, const virtual_key* key, std::string model) {
    request_record record;
    record.request_id = id;
    record.inference = true;
    record.model = std::move(model);
    record.error = why.code;
    if (key) {
      record.tenant = key->settings.tenant;
      record.team = key->settings.team;
      record.user = key->settings.user;
      record.key_id = key->settings.id;
    }
    auto response = error_reply(why, id);
    response.lines = rate_lines;
    answer(*request, *sink, std::move(record), std::move(response));
    return nullptr;
  };
  if (draining_)
    return refuse_with(make_failure(ec::shutting_down), nullptr, {});
  if (!setup_.admission->begin_request())
    return refuse_with(make_failure(ec::overloaded), nullptr, {});
  auto give_back = [&](const failure& why, const virtual_key* key, std::string model) {
    setup_.admission->end_request();
    return refuse_with(why, key, std::move(model));
  };
  auto found =
      setup_.keys->authenticate(request->field("Authorization"), request->field("x-api-key"));
  if (!found)
    return give_back(make_failure(found.error()), nullptr, {});
  auto* key = *found;
  auto rate = key->limiter.take(steady_clock::now());
  if (rate.limit > 0) {
    rate_lines = "\r\nx-ratelimit-limit-requests: " + std::to_string(rate.limit) +
                 "\r\nx-ratelimit-remaining-requests: " + std::to_string(rate.remaining) +
                 "\r\nx-ratelimit-reset-requests: " + std::to_string(rate.reset.count()) + "ms";
    if (!rate.allowed) {
      auto why = make_failure(ec::rate_limited,
                              "Rate limit reached for this key: " + std::to_string(rate.limit) +
                                  " requests per minute.");
      why.retry_after = rate.retry_after;
      return give_back(why, key, {});
    }
  }
  auto wish = setup_.cache.empty() ? caf::expected<cache_wish>{cache_wish{false, false}}
                                   : cache_wish_of(*request);
  if (!wish)
    return give_back(make_failure(wish.error()), key, {});
  auto may_share = !setup_.targets.mergers.empty() && !wants_own_answer(*request);
  auto may_cache = wish->read || wish->write;
  auto rules = rules_for(*key, may_cache);
  auto reading = reader_.read(kind, request->body, may_share || may_cache ? &rules : nullptr);
  if (reading.refusal)
    return give_back(*reading.refusal, key, {});
  auto& asked = reading.request;
  auto cached = may_cache ? cache_use_of(*key, asked, *wish) : cache_use{};
  if (!may_share)
    asked.merge = {};
  else if (cached.any_conversation) // to compare with, but not to share a call with
    asked.merge.scope = {};
  if (!key->allows(asked.model))
    return give_back(make_failure(ec::permission_denied,
                                  "This key may not use the model '" + asked.model + "'.", "model"),
                     key, asked.model);
  auto timeout = timeout_of(*request, setup_.settings->limits.request_timeout);
  if (!timeout)
    return give_back(make_failure(timeout.error()), key, asked.model);
  auto* model = setup_.models->find_model(asked.model);
  auto pack = packing_of(*request, model ? model->pack : packing::denied);
  if (!pack)
    return give_back(make_failure(pack.error()), key, asked.model);
  asked.pack = asked.stream ? packing::denied : *pack;
  auto made = std::make_shared<exchange>(*this, std::move(request), std::move(sink), std::move(id),
                                         key, std::move(asked), *timeout);
  made->rate_lines(std::move(rate_lines));
  made->use_cache(std::move(cached));
  made->start();
  return made;
}

void http_host::plain(const http_request& request, std::shared_ptr<reply_sink> sink) {
  using target = route_match::target;
  auto route = match_route(request.method, request.path());
  request_record record;
  record.request_id = request_id();
  http_response response;
  auto refuse_with = [&](ec code, std::string message, std::string param = {}) {
    record.error = code;
    response =
        error_reply(make_failure(code, std::move(message), std::move(param)), record.request_id);
  };
  switch (route.what) {
  case target::health:
    response.body = R"({"status":"ok"})";
    break;
  case target::ready:
    response.status = draining_ ? 503 : 200;
    response.body = draining_ ? R"({"status":"draining"})" : R"({"status":"ready"})";
    break;
  case target::openapi:
    response.body = openapi_document();
    break;
  case target::metrics:
    return metrics(std::move(sink), std::move(record));
  case target::cache:
    return purge(request, std::move(sink), std::move(record));
  case target::usage:
    return usage(request, std::move(sink), std::move(record));
  case target::budgets:
    return budgets(request, std::move(sink), std::move(record));
  case target::model_list:
  case target::model: {
    auto key =
        setup_.keys->authenticate(request.field("Authorization"), request.field("x-api-key"));
    if (!key) {
      refuse_with(code_of(key.error()), message_of(key.error()));
    } else if (route.what == target::model_list) {
      response.body = model_list_body(*setup_.models, **key);
    } else if (auto* found = setup_.models->find_model(route.model);
               found && (*key)->allows(route.model)) {
      response.body = model_body(*found);
    } else {
      refuse_with(ec::model_not_found, "The model '" + route.model + "' does not exist.", "model");
    }
    break;
  }
  case target::wrong_method:
    refuse_with(ec::method_not_allowed, "Not allowed to " + std::string{request.method} + " on " +
                                            std::string{request.path()} + "; use " +
                                            std::string{route.allow} + ".");
    response.headers.emplace_back("Allow", route.allow);
    break;
  case target::unknown:
  case target::inference:
  case target::jobs:
    refuse_with(ec::unknown_endpoint, "Unknown request URL: " + std::string{request.method} + " " +
                                          std::string{request.path()} +
                                          ". See /openapi.json for what is served.");
    break;
  }
  if (record.error == ec::none)
    response.headers.emplace_back("x-request-id", record.request_id);
  answer(request, *sink, std::move(record), std::move(response));
}

void http_host::metrics(std::shared_ptr<reply_sink> sink, request_record&& record) {
  report(); // what happened before this request is in its answer
  auto started = steady_clock::now();
  auto finished = std::make_shared<request_record>(std::move(record));
  finished->method = "GET";
  finished->route = "/metrics";
  finished->at = std::chrono::system_clock::now();
  auto finish = [this, sink, finished, started](http_response&& response) {
    finished->status = response.status;
    finished->response_bytes = response.body.size();
    finished->duration = steady_clock::now() - started;
    sink->send(std::move(response));
    this->record(std::move(*finished));
  };
  this->request(setup_.monitor, std::chrono::seconds{5},
                metrics_query{}) // rare: the framework's own time-out will do
      .then(
          [finish](std::string& text) {
            http_response response;
            response.content_type = "text/plain; version=0.0.4; charset=utf-8";
            response.body = std::move(text);
            finish(std::move(response));
          },
          [finish, finished](const caf::error&) {
            finished->error = ec::overloaded;
            finish(error_reply(make_failure(ec::overloaded, "The metrics did not come in time."),
                               finished->request_id));
          });
}

/// Sends a reply that took no upstream, and records it.
void http_host::answer(const http_request& request, reply_sink& sink, request_record&& finished,
                       http_response&& response) {
  finished.at = std::chrono::system_clock::now();
  finished.method = method_name(request.method);
  finished.route = match_route(request.method, request.path()).name;
  finished.status = response.status;
  finished.request_bytes = request.body.size();
  finished.response_bytes = response.body.size();
  sink.send(std::move(response));
  finished.duration = steady_clock::now() - request.received;
  finished.first_byte = finished.duration;
  record(std::move(finished));
}

http_response http_host::refuse(ec code, std::string_view detail) {
  request_record finished;
  finished.at = std::chrono::system_clock::now();
  finished.request_id = request_id();
  finished.route = "other";
  finished.error = code;
  auto message = std::string{properties(code).sentence} + " (" + std::string{detail} + ")";
  auto response = error_reply(make_failure(code, std::move(message)), finished.request_id);
  finished.status = response.status;
  finished.response_bytes = response.body.size();
  record(std::move(finished));
  return response;
}

// -- time and reports -------------------------------------------------------------------------

void http_host::record(request_record&& finished) {
  if (records_unanswered_ + records_.size() >= records_unanswered_max) {
    ++records_dropped_;
    return;
  }
  records_.push_back(std::move(finished));
  if (records_.size() >= report_size_max)
    report();
}

void http_host::report() {
  if (!setup_.monitor)
    return;
  loop_report out;
  out.loop = loop().index();
  out.requests.swap(records_);
  records_.reserve(report_size_max);
  out.requests_dropped = std::exchange(records_dropped_, 0);
  out.connections = reported_connections_ = static_cast<uint32_t>(listener_.size());
  out.in_flight = reported_in_flight_ = static_cast<uint32_t>(live_.size());
  out.accepted = listener_.take_accepted();
  out.refused = listener_.take_refused();
  auto count = out.requests.size();
  records_unanswered_ += count;
  // Without a time-out: while the monitor lags we drop records, and when it is gone the error comes
  // at once.
  this->request(setup_.monitor, caf::infinite, std::move(out))
      .then([this, count](uint32_t) { records_unanswered_ -= count; },
            [this, count](const caf::error&) { records_unanswered_ -= count; });
}

void http_host::tick(steady_time now) {
  scratch_.clear();
  for (auto* x : live_)
    if (auto alive = x->weak_from_this().lock())
      scratch_.push_back(std::move(alive));
  for (auto& x : scratch_)
    x->tick(now);
  scratch_.clear();
  // An idle loop says nothing: the monitor sleeps.
  if (!records_.empty() || listener_.size() != reported_connections_ ||
      live_.size() != reported_in_flight_)
    report();
  if (!draining_ || quitting_)
    return;
  if (drain_until_.passed(now)) {
    closing_ = true;
    listener_.close();
  }
  if (listener_.empty()) {
    quitting_ = true;
    // quit() takes effect at a message.
    this->send(caf::actor_cast<http_host_actor>(this), drain{drain_until_});
  }
}

} // namespace sluice
