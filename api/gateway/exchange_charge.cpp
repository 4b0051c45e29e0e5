#include "api/gateway/error_reply.hpp"
#include "api/gateway/exchange.hpp"
#include "api/gateway/http_host.hpp"
#include "api/gateway/usage_json.hpp"
#include "runtime/charge_rules.hpp"

#include <boost/asio/post.hpp>

/// What a request has to do with the ledger: each attempt is reserved before it is sent, and
/// settled before its caller has all of the answer. `docs/budgets.md` has the table of how it can
/// end.
namespace sluice {

namespace {

charge_scale charge_scale_of(const inference_request& x) {
  return {x.kind, x.output_tokens_max, x.choices};
}

} // namespace

nanousd exchange::most_at(const deployment& to) const {
  return charge_most(charge_scale_of(asked_), original_.str(), to);
}

void exchange::count_most() {
  most_ = {};
  auto limited = key_->settings.tokens_per_minute > 0;
  // Otherwise nobody asks, and counting takes its time.
  if (host_.setup().ledger && (limited || deployment_->price))
    most_ = usage_most(charge_scale_of(asked_), original_.str(), *deployment_);
}

int64_t exchange::limit_to_say() const {
  return host_.setup().ledger ? output_limit(charge_scale_of(asked_), most_, *deployment_) : 0;
}

void exchange::reserve() {
  charge_order order;
  order.call = charge_call_ = host_.expect(this);
  order.purpose.owner = {record_.tenant, record_.team, record_.user, record_.key_id};
  order.purpose.request_id = record_.request_id;
  order.purpose.attempt = record_.attempts + 1U;
  order.purpose.route = record_.route;
  order.purpose.model = asked_.model;
  order.purpose.deployment = deployment_->id;
  if (deployment_->price)
    order.purpose.price_version = deployment_->price->version;
  order.most = reserved_ = charge_most(most_, *deployment_);
  if (key_->settings.tokens_per_minute > 0)
    order.tokens = most_.input_total() + most_.output_total();
  host_.order(std::move(order));
}

void exchange::on_reserved(charge_verdict& verdict) {
  charge_call_ = 0;
  budget_ = verdict.budget;
  tokens_ = verdict.tokens;
  if (verdict.why == ec::none) {
    charge_ = verdict.id;
    if (until_.passed(std::chrono::steady_clock::now())) {
      end_charge(outcome_of_nothing());
      return fail(make_failure(ec::deadline_exceeded));
    }
    return send_call();
  }
  if (verdict.downgrade && ask_cheaper())
    return;
  auto why = make_failure(verdict.why, std::move(verdict.message));
  why.retry_after = verdict.retry_after;
  if (verdict.why == ec::rate_limited && verdict.retry_after.count() < 0) {
    why.should_retry_said = true; // it would be refused at any time
    why.should_retry = false;
  }
  fail(why);
}

/// Goes on to the next candidate that costs less; false where there is none.
bool exchange::ask_cheaper() {
  auto& models = *host_.setup().models;
  auto most = most_at(*deployment_);
  for (auto i = progress_.candidate + 1; i < candidates_.size(); ++i) {
    auto* next = models.find_deployment(candidates_[i].deployment);
    if (!next || !next->price || most_at(*next) >= most)
      continue;
    progress_.candidate = i;
    progress_.attempts_here = 0;
    ++record_.fallbacks;
    call();
    return true;
  }
  return false;
}

charge_outcome exchange::outcome_of(const token_usage& usage, bool known,
                                    const call_share& share) const {
  auto result = outcome_of_answer(usage, known, share, *deployment_);
  auto* first = host_.setup().models->find_deployment(candidates_.front().deployment);
  if (known && first && first->price)
    result.counterfactual = cost(usage, first->price->price).value_or(nanousd{});
  return result;
}

/// What the answer says of the budget is what is left once this is in the ledger.
void exchange::note_cost(const charge_outcome& outcome) {
  if (!outcome.has(charge_flag::assumed))
    budget_.remaining = std::max(budget_.remaining + reserved_ - outcome.cost, nanousd{});
}

/// True where the answer has to wait until the charge is in the ledger.
bool exchange::settle_charge(charge_outcome outcome) {
  if (charge_.number == 0)
    return false;
  note_cost(outcome);
  charge_call_ = host_.expect(this);
  host_.order(charge_end{charge_call_, std::exchange(charge_, {}), outcome});
  return true;
}

/// Ends the charge where nobody waits for it.
void exchange::end_charge(charge_outcome outcome) {
  if (charge_.number == 0)
    return;
  note_cost(outcome);
  host_.order(charge_end{0, std::exchange(charge_, {}), outcome});
}

/// The call is given up while the provider is at it: it bills what it likes.
void exchange::abandon_charge() {
  auto outcome = outcome_of_leaving();
  if (record_.share.joined) { // known from the first of a stream on
    outcome.flags = 0;
    outcome.set(charge_flag::failed);
    outcome.set(charge_flag::joined);
  }
  end_charge(outcome);
}

void exchange::on_settled(const charge_ended& x) {
  charge_call_ = 0;
  if (x.why != ec::none) {
    reply_.reset();
    end_.reset();
    return fail(make_failure(ec::storage_failed));
  }
  if (auto reply = std::exchange(reply_, std::nullopt))
    deliver(*reply);
  else if (auto end = std::exchange(end_, std::nullopt))
    deliver(*end);
}

/// What the ledger still has to say is of no use. A charge that it makes all the same the host
/// ends.
void exchange::leave_ledger() {
  if (charge_call_ != 0)
    host_.forget(std::exchange(charge_call_, 0));
}

// -- the host's part ----------------------------------------------------------------------------

void http_host::order(charge_order&& x) {
  orders_.reserve.push_back(std::move(x));
  send_orders();
}

void http_host::order(charge_end&& x) {
  orders_.settle.push_back(std::move(x));
  send_orders();
}

/// One message for all orders of a turn: it wakes the ledger's thread.
void http_host::send_orders() {
  if (orders_.client)
    return;
  orders_.client = caf::actor_cast<ledger_client_actor>(this);
  boost::asio::post(loop().context(), [this, keep = orders_.client] { flush_orders(); });
}

void http_host::flush_orders() {
  auto out = std::exchange(orders_, {});
  if (setup_.ledger && out.client)
    this->send(setup_.ledger, std::move(out));
}

void http_host::take(ledger_verdicts&& x) {
  for (auto& verdict : x.reserved) {
    auto who = waiting_for(verdict.call);
    calls_.erase(verdict.call);
    if (who) {
      who->on_reserved(verdict);
    } else if (verdict.id.number != 0) {
      order(charge_end{0, verdict.id, outcome_of_nothing()});
    }
  }
  for (auto& ended : x.settled)
    if (auto who = waiting_for(ended.call)) {
      calls_.erase(ended.call);
      who->on_settled(ended);
    }
}

// -- what was spent -----------------------------------------------------------------------------

namespace {

/// A ledger that waits for its disk for longer is about to fail.
constexpr std::chrono::seconds usage_time_max{5};

} // namespace

void http_host::usage(const http_request& request, std::shared_ptr<reply_sink> sink,
                      request_record&& record) {
  auto key = setup_.keys->authenticate(request.field("Authorization"), request.field("x-api-key"));
  auto refused = !key             ? make_failure(key.error())
                 : !setup_.ledger ? make_failure(ec::not_found, "Nothing is charged here.")
                                  : failure{};
  if (refused.code != ec::none) {
    record.error = refused.code;
    auto response = error_reply(refused, record.request_id);
    return answer(request, *sink, std::move(record), std::move(response));
  }
  auto& who = (*key)->settings;
  record.at = std::chrono::system_clock::now();
  record.method = "GET";
  record.route = "/v1/usage";
  record.tenant = who.tenant;
  record.key_id = who.id;
  auto finished = std::make_shared<request_record>(std::move(record));
  auto finish = [this, sink, finished,
                 started = std::chrono::steady_clock::now()](http_response&& response) {
    finished->status = response.status;
    finished->response_bytes = response.body.size();
    finished->duration = std::chrono::steady_clock::now() - started;
    sink->send(std::move(response));
    this->record(std::move(*finished));
  };
  this->request(setup_.ledger, usage_time_max,
                account_query{{who.tenant, who.team, who.user, who.id}})
      .then(
          [finish, finished](const account_list& x) {
            http_response response;
            response.headers.emplace_back("x-request-id", finished->request_id);
            response.body = usage_body(x);
            finish(std::move(response));
          },
          [finish, finished](const caf::error&) {
            finished->error = ec::overloaded;
            finish(error_reply(make_failure(ec::overloaded, "The ledger did not answer in time."),
                               finished->request_id));
          });
}

} // namespace sluice
