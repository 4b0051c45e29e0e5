#include "cluster/bench/batching_world.hpp"

#include "actors/batching/batcher_actor.hpp"
#include "actors/batching/merger_actor.hpp"
#include "api/sim/sim_engine.hpp"
#include "runtime/actors.hpp"
#include "runtime/call_targets.hpp"

#include <caf/scheduler/test_coordinator.hpp>

#include <algorithm>
#include <cctype>
#include <functional>
#include <map>
#include <random>

namespace sluice {

namespace {

/// From an answer to the next question of the same client: a round trip in one data centre. Nobody
/// asks at the same instant at which others are still being answered.
constexpr std::chrono::microseconds round_trip{200};

constexpr const char* deployment_id = "simulated/sim-simple";

/// The longest that a request may take: direct calls above the upstream's capacity queue for
/// minutes, and none is to be lost from the figures.
constexpr std::chrono::hours patience{24};

struct virtual_time : caf::actor_system_config {
  virtual_time() {
    set("scheduler.policy", caf::atom("testing"));
    add_message_types<caf::id_block::sluice>();
  }
};

/// The simulated provider on the virtual clock.
struct provider_state {
  struct served {
    upstream_call asked;
    std::optional<sim_plan> plan;
    std::optional<sim_run> run;
    uint64_t ticket = 0;
    steady_time taken{};
  };

  std::shared_ptr<sim_engine> engine;
  std::map<uint64_t, served> calls;
  uint64_t count = 0;
  nanousd bill;
};
using provider_pointer = caf::stateful_actor<provider_state>*;

void serve(provider_pointer self, uint64_t call) {
  auto& x = self->state.calls.at(call);
  auto now = self->clock().now();
  x.run.emplace(*std::exchange(x.plan, std::nullopt), now);
  self->delayed_send(self, std::max(x.run->next().due - now, steady_time::duration{0}), call);
}

void take(provider_pointer self, upstream_call& asked) {
  auto& state = self->state;
  auto now = self->clock().now();
  auto call = asked.call;
  auto& x = state.calls[call];
  x.plan = state.engine->plan(asked.kind, asked.body.str(), asked.attempt_id, wall_time{});
  x.asked = std::move(asked);
  x.taken = now;
  x.ticket = state.engine->next_ticket();
  auto entry = state.engine->enter(x.ticket, now, [self, call] { serve(self, call); });
  if (entry == sim_slots::entry::started)
    serve(self, call);
}

void finish(provider_pointer self, uint64_t call) {
  auto& state = self->state;
  auto x = std::move(state.calls.at(call));
  state.calls.erase(call);
  auto now = self->clock().now();
  upstream_reply reply;
  reply.call = call;
  while (x.run->next().has_text())
    x.run->take(reply.body);
  reply.usage = x.run->plan().usage;
  reply.usage_known = true;
  reply.timing = {now - x.taken, now - x.taken};
  ++state.count;
  state.bill += cost(reply.usage, x.run->plan().price).value_or(nanousd{});
  self->send(x.asked.client, std::move(reply));
  state.engine->leave(x.ticket, now);
}

caf::behavior provider(provider_pointer self, std::shared_ptr<sim_engine> engine) {
  self->state.engine = std::move(engine);
  return {
      [self](upstream_call& x) { take(self, x); },
      [self](uint64_t call) { finish(self, call); },
      [](const stream_credit&) {},
      [](const cancel_call&) {},
      [self](const drain&) { self->quit(); },
  };
}

/// Who asks.
struct clients_state {
  struct asked {
    steady_time at;
    std::string question;
  };

  batching_load load;
  upstream_actor to;
  std::mt19937_64 random;
  std::map<uint64_t, asked> in_flight;
  std::vector<double> latencies; // ms
  uint32_t issued = 0;
  uint32_t joined = 0;
  uint32_t failed = 0;
  uint32_t answered = 0;
  std::function<void()> warmed_up; // called once
  steady_time first{};
  steady_time last{};
};
using clients_pointer = caf::stateful_actor<clients_state>*;

/// Another way to write `question`: case, spaces and closing punctuation, which mean nothing.
std::string nearly(std::string question, std::mt19937_64& random) {
  switch (random() % 3) {
  case 0:
    std::transform(question.begin(), question.end(), question.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return question;
  case 1:
    return "  " + question + " ";
  default:
    return question + "!";
  }
}

std::string next_question(clients_state& state) {
  std::uniform_real_distribution<double> share;
  if (!state.in_flight.empty() && share(state.random) < state.load.duplicates) {
    auto chosen = state.in_flight.begin();
    std::advance(chosen, static_cast<std::ptrdiff_t>(state.random() % state.in_flight.size()));
    return nearly(chosen->second.question, state.random);
  }
  return "What became of ship number " + std::to_string(state.issued) + " of the fleet";
}

void ask(clients_pointer self) {
  auto& state = self->state;
  if (state.issued >= state.load.requests)
    return;
  auto question = next_question(state);
  auto now = self->clock().now();
  upstream_call x;
  x.call = ++state.issued;
  x.client = caf::actor_cast<call_client_actor>(self);
  x.request_id = "req-" + std::to_string(x.call);
  x.attempt_id = x.request_id + "-1";
  x.deployment = deployment_id;
  x.tenant = "bench";
  x.body = R"({"model":"sim-simple","max_tokens":16,"messages":[{"role":"user","content":")" +
           question + R"("}]})";
  x.until.at = now + patience;
  x.merge.exact = {1, std::hash<std::string>{}(question) | 1};
  x.merge.scope = {2, 2};
  x.merge.question = question;
  state.in_flight.emplace(x.call, clients_state::asked{now, std::move(question)});
  if (state.first == steady_time{})
    state.first = now;
  self->send(state.to, std::move(x));
}

void answered(clients_pointer self, uint64_t call) {
  auto& state = self->state;
  auto now = self->clock().now();
  auto found = state.in_flight.find(call);
  auto latency = std::chrono::duration<double, std::milli>(now - found->second.at).count();
  state.in_flight.erase(found);
  // The rest of the batch that ends the warm-up took no time of what is counted.
  if (++state.answered > state.load.warm_up && now > state.first)
    state.latencies.push_back(latency);
  if (state.answered == state.load.warm_up) {
    state.first = now;
    state.joined = state.failed = 0;
    state.warmed_up();
  }
  state.last = now;
  if (state.load.clients > 0)
    self->delayed_send(self, round_trip, uint64_t{0});
}

/// Open loop: when the next one comes does not depend on any answer.
void next_arrival(clients_pointer self) {
  std::exponential_distribution<double> pause{self->state.load.rate};
  auto after = std::chrono::duration_cast<steady_time::duration>(
      std::chrono::duration<double>(pause(self->state.random)));
  self->delayed_send(self, after, uint64_t{0});
}

caf::behavior clients(clients_pointer self, const batching_load& load, upstream_actor to) {
  self->state.load = load;
  self->state.to = std::move(to);
  self->state.random.seed(load.seed);
  for (uint32_t i = 0; i < load.clients; ++i)
    ask(self);
  if (load.clients == 0)
    next_arrival(self);
  return {
      [self](const upstream_reply& x) {
        self->state.joined += x.share.joined ? 1 : 0;
        answered(self, x.call);
      },
      [self](const upstream_failure& x) {
        ++self->state.failed;
        answered(self, x.call);
      },
      [](const stream_block&) {},
      [](const stream_end&) {},
      [self](uint64_t) {
        ask(self);
        if (self->state.load.clients == 0 && self->state.issued < self->state.load.requests)
          next_arrival(self);
      },
  };
}

double quantile(const std::vector<double>& sorted, double share) {
  return sorted[static_cast<size_t>(share * static_cast<double>(sorted.size() - 1))];
}

/// Everything of one run. The loop lives longest, for the merger is on it.
class world {
public:
  world(const batching_load& load, std::shared_ptr<sim_engine> engine) : load_(load) {
    loop_.attach(system_);
    provider_ = system_.spawn(provider, std::move(engine));
    auto upstream = caf::actor_cast<upstream_actor>(provider_);
    auto first = load.batching ? stack(upstream) : upstream;
    clients_ = system_.spawn(clients, load, first);
  }

  ~world() {
    stop(clients_);
    stop(merger_);
    stop(batcher_);
    stop(provider_);
    settle();
  }

  batching_result run() {
    auto& state = caf::actor_cast<clients_pointer>(clients_)->state;
    auto& upstream = caf::actor_cast<provider_pointer>(provider_)->state;
    state.warmed_up = [&upstream] {
      upstream.count = 0;
      upstream.bill = {};
    };
    settle();
    while (state.answered < load_.requests && clock_.trigger_timeout())
      settle();
    return result(state);
  }

private:
  /// Merger before batcher before upstream, as in a node.
  upstream_actor stack(const upstream_actor& upstream) {
    batcher_settings batching;
    batching.deployment = deployment_id;
    batching.kind = endpoint::chat_completions;
    batching.bounds.chat_path = "chat/completions/batch";
    batching.bounds.queue_max = load_.requests;
    batching.adjuster = *load_.batching;
    batching.first_call = uint64_t{1} << 48;
    batching.reports = false;
    auto made =
        system_.spawn(batcher, batching, std::vector<upstream_actor>{upstream}, monitor_actor{});
    batcher_ = caf::actor_cast<caf::actor>(made);
    deployment to;
    to.id = deployment_id;
    to.provider = "simulated";
    model named{"sim-simple", {endpoint::chat_completions}, {to}, "sluice", 0};
    call_targets targets;
    targets.models = std::make_shared<const catalogue>(std::vector<model>{named});
    targets.upstreams.emplace("simulated", caf::actor_cast<upstream_actor>(made));
    configuration settings;
    settings.merging.similar = true;
    settings.limits.request_timeout = patience;
    auto merging = system_.spawn<merger>(&loop_, flight_settings_of(settings), std::move(targets),
                                         monitor_actor{});
    merger_ = caf::actor_cast<caf::actor>(merging);
    return caf::actor_cast<upstream_actor>(merging);
  }

  static void stop(caf::actor& x) {
    if (x)
      caf::anon_send_exit(x, caf::exit_reason::kill);
    x = nullptr;
  }

  /// Does everything that does not wait for the clock.
  void settle() {
    auto again = true;
    while (again) {
      again = scheduler_.run() > 0;
      loop_.context().restart();
      again = loop_.context().poll() > 0 || again;
    }
  }

  batching_result result(clients_state& state) const {
    batching_result x;
    auto& ms = state.latencies;
    std::sort(ms.begin(), ms.end());
    auto n = static_cast<double>(ms.size());
    for (auto each : ms)
      x.mean_ms += each / n;
    x.p50_ms = quantile(ms, 0.5);
    x.p99_ms = quantile(ms, 0.99);
    x.requests_per_s = n / std::chrono::duration<double>(state.last - state.first).count();
    auto& upstream = caf::actor_cast<provider_pointer>(provider_)->state;
    x.calls = upstream.count;
    x.bill = upstream.bill;
    x.calls_per_request = static_cast<double>(x.calls) / n;
    x.merged_share = state.joined / n;
    x.batch_size_mean = (n - state.joined) / static_cast<double>(x.calls);
    x.requests = static_cast<uint32_t>(ms.size());
    x.failed = state.failed;
    return x;
  }

  const batching_load& load_;
  io_loop loop_{0};
  virtual_time config_;
  caf::actor_system system_{config_};
  caf::scheduler::test_coordinator& scheduler_ =
      dynamic_cast<caf::scheduler::test_coordinator&>(system_.scheduler());
  caf::detail::test_actor_clock& clock_ = scheduler_.clock();
  caf::actor provider_;
  caf::actor batcher_;
  caf::actor merger_;
  caf::actor clients_;
};

} // namespace

caf::expected<batching_result> play(const batching_load& load, const reference_upstream& upstream) {
  simulation_settings settings;
  settings.call_base = upstream.base;
  settings.per_prompt = upstream.per_prompt;
  settings.slots = 1;
  settings.queue_max = load.requests;
  auto engine = sim_engine::make(std::move(settings));
  if (!engine)
    return engine.error();
  return world{load, std::move(*engine)}.run();
}

} // namespace sluice
