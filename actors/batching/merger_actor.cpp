#include "actors/batching/merger_actor.hpp"

namespace sluice {

using std::chrono::steady_clock;

namespace {

constexpr std::chrono::seconds report_interval{1};

/// In the numbers of mergers' calls, so that they are never those of their loop's host.
constexpr uint64_t merger_bit = uint64_t{1} << 47;

} // namespace

flight_settings flight_settings_of(const configuration& settings) {
  flight_settings result;
  result.replay_bytes_max = settings.merging.replay_bytes_max;
  result.joiners_max = settings.merging.joiners_max;
  result.similar = settings.merging.similar;
  result.similarity_min = settings.optimizer.similarity_threshold;
  result.stream_window = settings.limits.stream_buffer_bytes_max;
  result.time_max = settings.limits.request_timeout;
  return result;
}

merger::merger(caf::actor_config& config, io_loop* where, const flight_settings& settings,
               call_targets targets, monitor_actor monitor)
    : loop_actor(config, where),
      table_(settings, (uint64_t{where->index()} << 48) + merger_bit + 1,
             settings.similar ? std::make_unique<normalised_text>() : nullptr),
      targets_(std::move(targets)), monitor_(std::move(monitor)) {
  targets_.mergers.clear(); // actors that hold each other's handles never end
  reported_.loop = where->index();
  where->watch(this);
  where->move_in(this, this);
}

merger::behavior_type merger::make_behavior() {
  return {
      [this](upstream_call& x) { take(std::move(x)); },
      [this](const stream_credit& x) {
        table_.credit(x, orders_);
        carry_out();
      },
      [this](const cancel_call& x) {
        table_.cancel(x.call, orders_);
        carry_out();
      },
      [this](const drain& x) {
        draining_ = true;
        drain_until_ = x.until;
        if (table_.empty() || x.until.passed(steady_clock::now()))
          this->quit();
      },
      [this](upstream_reply& x) { take(std::move(x)); },
      [this](upstream_failure& x) { take(std::move(x)); },
      [this](stream_block& x) { take(std::move(x)); },
      [this](stream_end& x) { take(std::move(x)); },
  };
}

void merger::take(upstream_call&& x) {
  if (table_.take(x, steady_clock::now(), orders_))
    return make_call(std::move(x));
  carry_out();
}

void merger::take(upstream_reply&& x) {
  if (auto alone = table_.land_alone(x.call)) {
    x.call = alone->call;
    return this->tell(alone->client, std::move(x));
  }
  table_.replied(std::move(x), steady_clock::now(), orders_);
  carry_out();
}

void merger::take(upstream_failure&& x) {
  table_.failed(std::move(x), steady_clock::now(), orders_);
  carry_out();
}

void merger::take(stream_block&& x) {
  table_.streamed(std::move(x), orders_);
  carry_out();
}

void merger::take(stream_end&& x) {
  table_.ended(std::move(x), steady_clock::now(), orders_);
  carry_out();
}

void merger::on_exit() {
  loop().unwatch(this);
  loop().move_out(this);
  if (monitor_)
    report();
  targets_ = {};
  monitor_ = nullptr;
}

upstream_actor merger::maker(const std::string& id, call_targets::call_kind what) const {
  auto* to = targets_.models->find_deployment(id);
  return to ? targets_.maker(*to, what) : upstream_actor{};
}

/// Says what the table ordered. Who is told of a failure may make a new call at once, which adds
/// to the orders; so each is taken out of its list before it is said.
void merger::carry_out() {
  if (std::exchange(carrying_out_, true))
    return; // whoever began goes on
  size_t calls = 0;
  size_t notes = 0;
  size_t answers = 0;
  for (;;) {
    if (calls < orders_.calls.size()) {
      make_call(std::move(orders_.calls[calls++]));
    } else if (notes < orders_.notes.size()) {
      auto& note = orders_.notes[notes++];
      if (auto to = maker(note.deployment, {note.kind, note.pack}))
        std::visit([&](auto& x) { this->send(to, x); }, note.what);
    } else if (answers < orders_.answers.size()) {
      auto answer = std::move(orders_.answers[answers++]);
      std::visit([&](auto& x) { this->tell(answer.to, std::move(x)); }, answer.what);
    } else {
      break;
    }
  }
  orders_.clear();
  carrying_out_ = false;
}

void merger::make_call(upstream_call&& call) {
  call.client = caf::actor_cast<call_client_actor>(this);
  if (auto to = maker(call.deployment, {call.kind, call.pack}))
    return this->tell(to, std::move(call));
  upstream_failure none{call.call, {}, {}};
  none.why.code = ec::internal;
  none.why.sent = false;
  this->send(call.client, std::move(none));
}

void merger::tick(steady_time now) {
  if (monitor_ && now >= report_due_) {
    report_due_ = now + report_interval;
    report();
  }
  if (draining_ && !quitting_ && (table_.empty() || drain_until_.passed(now))) {
    quitting_ = true;
    // quit() takes effect at a message.
    this->send(caf::actor_cast<merger_actor>(this), drain{{now}});
  }
}

void merger::report() {
  auto flights = static_cast<uint32_t>(table_.flights());
  auto members = static_cast<uint32_t>(table_.members());
  auto counts = table_.take_counts();
  if (flights == reported_.flights && members == reported_.members && counts.calls == 0 &&
      counts.joined == 0)
    return;
  reported_.flights = flights;
  reported_.members = members;
  reported_.calls = counts.calls;
  reported_.joined = counts.joined;
  reported_.retried = counts.retried;
  this->send(monitor_, reported_);
}

} // namespace sluice
