#include "cluster/node.hpp"

#include "actors/batching/batcher_actor.hpp"
#include "actors/batching/merger_actor.hpp"
#include "actors/cache/cache_shard_actor.hpp"
#include "actors/cache/prefetch/prefetcher_actor.hpp"
#include "actors/jobs/jobs_actor.hpp"
#include "actors/monitor/monitor_actor.hpp"
#include "actors/routing/router_actor.hpp"
#include "api/gateway/http_host.hpp"
#include "api/sim/sim_engine.hpp"
#include "api/upstream/openai_upstream.hpp"
#include "api/upstream/simulated_upstream.hpp"
#include "cluster/cache_parts.hpp"
#include "cluster/ledger_parts.hpp"
#include "runtime/actors.hpp"
#include "runtime/version.hpp"
#include "storage/store_actor.hpp"

#include <boost/asio/post.hpp>
#include <spdlog/spdlog.h>

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <ctime>
#include <random>
#include <thread>
#include <variant>
#include <vector>

namespace sluice {

namespace {

struct actor_settings : caf::actor_system_config {
  actor_settings() {
    add_message_types<caf::id_block::sluice>();
    // Sharing costs no CPU while nothing happens; stealing polls. Under load most actors run on the
    // loops anyway.
    set("scheduler.policy", caf::atom("sharing"));
    set("scheduler.max-threads", std::max<size_t>(1, std::thread::hardware_concurrency()));
  }
};

/// What all loops share of a provider.
using provider_parts =
    std::variant<std::shared_ptr<const provider_target>, std::shared_ptr<sim_engine>>;

struct provider {
  const provider_settings* settings;
  provider_parts shared;
};

caf::expected<std::vector<provider>> make_providers(const configuration& settings, node_log& log) {
  std::vector<provider> result;
  for (auto& x : settings.providers) {
    if (x.kind == "simulated") {
      sim_options options;
      options.report = [lines = log.lines()](const std::string& text) {
        lines->warn("simulator: {}", text);
      };
      auto engine = sim_engine::make(settings.simulation, std::move(options));
      if (!engine)
        return engine.error();
      result.push_back({&x, std::move(*engine)});
    } else {
      auto target = make_provider_target(x, settings.limits);
      if (!target)
        return target.error();
      result.push_back({&x, std::move(*target)});
    }
  }
  return result;
}

metrics_settings metrics_of(const configuration& settings) {
  metrics_settings result;
  result.version = version();
  result.daily_budget = settings.optimizer.daily_budget;
  for (auto& x : settings.models)
    result.models.push_back(x.name);
  return result;
}

/// Calls are numbered from the number of who makes them: loops have the small ones.
constexpr size_t first_batcher_number = 1'024;

uint64_t random_seed() {
  std::random_device entropy;
  return (uint64_t{entropy()} << 32) ^ entropy();
}

/// A packed call is one prompt with one answer: it has to fit what the model reads and writes.
void make_packer(batcher_settings& x, const deployment& to) {
  x.pack = packing::allowed;
  x.adjuster.thrifty = true;
  x.adjuster.size_max = std::min(x.bounds.size_max, x.bounds.pack_size_max);
  // Half of it, as tokens are estimated and the answers need room, too.
  if (to.context_tokens_max > 1)
    x.bounds.tokens_max =
        std::min(x.bounds.tokens_max, static_cast<uint64_t>(to.context_tokens_max / 2));
  if (to.output_tokens_max > 0)
    x.output_tokens_max = to.output_tokens_max;
}

bool takes_batches(const batching_settings& x, endpoint kind) {
  switch (kind) {
  case endpoint::embeddings:
    return x.embeddings;
  case endpoint::completions:
    return x.completions;
  case endpoint::chat_completions:
    return !x.chat_path.empty();
  case endpoint::chat_batch:
    break;
  }
  return false;
}

} // namespace

struct node::parts {
  explicit parts(std::shared_ptr<const configuration> x) : settings(std::move(x)) {}

  ~parts() {
    for (auto& loop : loops)
      loop->stop();
    for (auto& thread : threads)
      thread.join();
  }

  void open_loops();
  void spawn(const std::vector<provider>& providers);
  void spawn_batchers(std::vector<call_targets>& targets);
  upstream_actor spawn_batcher(const deployment& to, batcher_settings&& own,
                               const std::vector<call_targets>& targets);
  void spawn_jobs(const call_targets& targets, http_admission_ptr admission);
  void spawn_cache(http_host_setup& setup, const call_targets& targets);
  void share_connections(size_t accepting);
  void run();
  http_host& host(size_t i) { return *caf::actor_cast<http_host*>(hosts[i]); }

  // In the order of their lives: actors keep sockets on the loops, so the loops go last.
  std::shared_ptr<const configuration> settings;
  std::shared_ptr<node_log> log;
  std::vector<std::unique_ptr<io_loop>> loops;
  actor_settings actors;
  std::unique_ptr<caf::actor_system> system;
  monitor_actor monitor;
  router_actor router;
  std::unique_ptr<sluice::store> disk; ///< until its actor has it; null where nothing is kept
  store_actor store;
  opened_ledger money; ///< until its actor has it
  ledger_actor ledger;
  std::atomic<bool> broken = false; ///< the ledger could not be written
  jobs_actor jobs;
  std::vector<upstream_actor> upstreams;
  std::vector<batcher_actor> batchers;
  std::vector<merger_actor> mergers;
  std::vector<cache_shard_actor> cache;
  kept_answers kept;
  cache_keeper_actor keeper;
  prefetcher_actor prefetcher; ///< null where nothing is asked in advance
  cache_callers callers;
  std::vector<http_host_actor> hosts;
  std::string address;
  std::vector<std::thread> threads;
  size_t next_host = 0;
};

void node::parts::open_loops() {
  auto count = settings->io_threads > 0 ? settings->io_threads
                                        : std::max(1U, std::thread::hardware_concurrency());
  for (uint32_t i = 0; i < count; ++i)
    loops.push_back(std::make_unique<io_loop>(i));
}

void node::parts::spawn(const std::vector<provider>& providers) {
  system = std::make_unique<caf::actor_system>(actors);
  monitor = system->spawn<caf::detached>(sluice::monitor, metrics_of(*settings), log);
  auto known = settings->models;
  for (auto& x : known)
    if (x.created == 0) // nobody said when; since this start it has been there
      x.created = std::time(nullptr);
  auto models = std::make_shared<const catalogue>(std::move(known));
  router = system->spawn(sluice::router, models);
  http_host_setup setup;
  setup.settings = settings;
  setup.models = models;
  setup.keys = std::make_shared<authenticator>(settings->keys);
  setup.admission = std::make_shared<http_admission>(settings->limits);
  setup.router = router;
  setup.monitor = monitor;
  setup.log = log;
  ledger =
      spawn_ledger(*system, *settings, std::move(money), monitor, log, [this](const caf::error&) {
        broken = true;
        kill(getpid(), SIGTERM); // as from a supervisor: who serves waits for it
      });
  setup.ledger = ledger;
  setup.merge_seed = kept.archive ? kept.seed : random_seed();
  std::vector<call_targets> targets(loops.size());
  for (auto& loop : loops) {
    loop->attach(*system);
    auto& own = targets[loop->index()];
    own.models = models;
    for (auto& x : providers) {
      upstream_actor made;
      if (auto* target = std::get_if<std::shared_ptr<const provider_target>>(&x.shared)) {
        made = system->spawn<openai_upstream>(loop.get(), *target, router, monitor);
      } else {
        simulated_upstream_settings simulated;
        simulated.timeouts = x.settings->timeouts;
        simulated.stream_window = settings->limits.stream_buffer_bytes_max;
        simulated.reply_bytes_max = settings->limits.reply_bytes_max;
        made = system->spawn<simulated_upstream>(
            loop.get(), std::get<std::shared_ptr<sim_engine>>(x.shared), simulated);
      }
      upstreams.push_back(made);
      own.upstreams.emplace(x.settings->name, made);
    }
  }
  spawn_batchers(targets);
  if (settings->merging.enabled)
    for (auto& loop : loops)
      mergers.push_back(system->spawn<merger>(loop.get(), flight_settings_of(*settings),
                                              targets[loop->index()], monitor));
  if (disk)
    spawn_jobs(targets.front(), setup.admission);
  setup.jobs = jobs;
  spawn_cache(setup, targets.front());
  for (auto& loop : loops) { // each host knows the mergers of all loops
    setup.targets = targets[loop->index()];
    setup.targets.mergers = mergers;
    hosts.push_back(system->spawn<http_host>(loop.get(), setup));
  }
}

/// One for each deployment and endpoint that takes batches, shared by all loops: the more requests
/// it sees, the fuller its calls. And a packer for each deployment that chats.
void node::parts::spawn_batchers(std::vector<call_targets>& targets) {
  for (auto& x : targets.front().models->models())
    for (auto& to : x.deployments) {
      auto provider = std::find_if(settings->providers.begin(), settings->providers.end(),
                                   [&](auto& y) { return y.name == to.provider; });
      if (provider == settings->providers.end())
        continue;
      auto& bounds = provider->batching;
      for (auto kind : x.endpoints) {
        batcher_settings own;
        own.deployment = to.id;
        own.kind = kind;
        own.bounds = bounds;
        own.adjuster.size_start = settings->optimizer.batch_size;
        own.adjuster.size_max = bounds.size_max;
        own.adjuster.wait_max = settings->optimizer.batch_wait_max;
        own.adjuster.calls_max = bounds.calls_max;
        if (takes_batches(bounds, kind) && targets.front().batchers[to.id].count(kind) == 0) {
          auto made = spawn_batcher(to, batcher_settings{own}, targets);
          for (auto& each : targets)
            each.batchers[to.id][kind] = made;
        }
        if (kind != endpoint::chat_completions || bounds.pack_size_max < 2 ||
            targets.front().packers.count(to.id) > 0)
          continue;
        make_packer(own, to);
        auto made = spawn_batcher(to, std::move(own), targets);
        for (auto& each : targets)
          each.packers[to.id] = made;
      }
    }
}

upstream_actor node::parts::spawn_batcher(const deployment& to, batcher_settings&& own,
                                          const std::vector<call_targets>& targets) {
  if (to.price)
    own.price = to.price->price;
  own.seed = random_seed();
  own.first_call = (uint64_t{first_batcher_number + batchers.size()} << 48) + 1;
  std::vector<upstream_actor> upstreams_of_all_loops;
  for (auto& each : targets)
    upstreams_of_all_loops.push_back(each.upstreams.at(to.provider));
  batchers.push_back(
      system->spawn(batcher, std::move(own), std::move(upstreams_of_all_loops), monitor));
  return caf::actor_cast<upstream_actor>(batchers.back());
}

/// Lines go out through the upstreams of the first loop: they are few.
void node::parts::spawn_jobs(const call_targets& targets, http_admission_ptr admission) {
  store = system->spawn<caf::detached>(
      store_keeper, std::make_shared<std::unique_ptr<sluice::store>>(std::move(disk)));
  jobs_setup setup;
  setup.settings = settings;
  setup.store = store;
  setup.router = router;
  setup.monitor = monitor;
  setup.ledger = ledger;
  setup.targets = targets;
  setup.log = log;
  setup.interactive = [admission] { return admission->in_flight(); };
  setup.wall = [] { return std::chrono::system_clock::now(); };
  jobs = system->spawn<caf::detached>(sluice::jobs, std::move(setup));
}

void node::parts::spawn_cache(http_host_setup& setup, const call_targets& targets) {
  auto count = cache_shards_of(*settings, loops.size());
  auto seed = random_seed();
  if (count > 0)
    setup.warming = std::make_shared<cache_warming>(cache_warming_settings{
        settings->cache.warming.daily_budget, settings->limits.request_timeout, random_seed()});
  for (uint32_t i = 0; i < count; ++i)
    cache.push_back(system->spawn<cache_shard>(loops[i % loops.size()].get(), i,
                                               hot_cache_settings_of(*settings, count, seed + i),
                                               monitor, setup.warming));
  setup.cache = cache;
  if (count > 0 && settings->cache.warming.prefetch) {
    prefetcher = system->spawn(prefetcher_role, succession_settings{}, setup.warming);
    setup.prefetcher = prefetcher;
  }
  if (!kept.archive)
    return;
  setup.gate = std::make_shared<keeper_gate>();
  auto own = std::make_shared<cache_keeper_setup>();
  own->settings = keeper_settings_of(*settings, random_seed());
  own->make_tools = tools_maker(*settings, log);
  own->archive = std::exchange(kept.archive, nullptr);
  own->shards = cache;
  own->monitor = monitor;
  own->gate = setup.gate;
  own->log = log;
  own_calls_setup through; // the upstreams of the first loop: the cache's own calls are few
  through.router = router;
  through.monitor = monitor;
  through.ledger = ledger;
  through.targets = targets;
  through.wall = [] { return std::chrono::system_clock::now(); };
  callers = spawn_cache_callers(*system, *settings, through, log, random_seed());
  own->checker = callers.checker;
  own->reader = callers.embedder;
  keeper = system->spawn<caf::detached>(cache_keeper_role, std::move(own));
  setup.keeper = keeper;
}

/// Each connection goes to the next loop in turn.
void node::parts::share_connections(size_t accepting) {
  if (hosts.size() == 1)
    return;
  host(accepting).listener().on_accept = [this, accepting](int descriptor, std::string peer) {
    auto i = next_host++ % hosts.size();
    auto& listener = host(i).listener();
    if (i == accepting)
      return listener.adopt(descriptor, std::move(peer));
    boost::asio::post(loops[i]->context(),
                      [&listener, descriptor, keep = hosts[i], from = std::move(peer)]() mutable {
                        listener.adopt(descriptor, std::move(from));
                      });
  };
}

void node::parts::run() {
  for (auto& loop : loops)
    threads.emplace_back([x = loop.get()] { x->run(); });
}

caf::expected<std::unique_ptr<node>> node::start(std::shared_ptr<const configuration> settings) {
  auto made = std::make_unique<parts>(settings);
  auto log = node_log::open(settings->log);
  if (!log)
    return log.error();
  made->log = std::move(*log);
  made->open_loops();
  // What can fail comes before the first actor.
  auto port = open_port(*made->loops.front(), settings->listen);
  if (!port)
    return port.error();
  auto providers = make_providers(*settings, *made->log);
  if (!providers)
    return providers.error();
  if (!settings->storage.path.empty()) {
    auto disk = store::open(settings->storage);
    if (!disk)
      return disk.error();
    made->disk = std::move(*disk);
  }
  auto money = open_ledger(*settings, *made->log);
  if (!money)
    return money.error();
  made->money = std::move(*money);
  auto kept = open_answers(*settings, *made->log);
  if (!kept)
    return kept.error();
  made->kept = std::move(*kept);
  for (auto& text : settings->notices)
    made->log->lines()->warn("{}", text);
  boost::system::error_code ignored;
  made->address = address_text(settings->listen.address, port->local_endpoint(ignored).port());
  made->spawn(*providers);
  made->share_connections(0);
  made->host(0).listener().accept(std::move(*port));
  made->run();
  made->log->lines()->info("listening on {}", made->address);
  return std::unique_ptr<node>{new node(std::move(made))};
}

node::node(std::unique_ptr<parts> x) : parts_(std::move(x)) {}

node::~node() {
  if (!parts_->hosts.empty())
    stop(std::chrono::milliseconds{0});
}

const std::string& node::address() const {
  return parts_->address;
}

node_log& node::log() {
  return *parts_->log;
}

void node::stop(std::chrono::milliseconds grace) {
  auto& x = *parts_;
  x.log->lines()->info("stopping; requests in work have {} ms", grace.count());
  drain order{{std::chrono::steady_clock::now() + grace}};
  caf::scoped_actor self{*x.system};
  auto end = [&](auto& actor) {
    if (!actor)
      return;
    self->send(actor, order);
    self->wait_for(actor);
  };
  auto end_all = [&](auto& actors) {
    for (auto& actor : actors)
      self->send(actor, order);
    for (auto& actor : actors)
      self->wait_for(actor);
  };
  if (x.jobs) // at once with the hosts, so that no line is begun any more
    self->send(x.jobs, order);
  end_all(x.hosts);
  if (x.jobs)
    self->wait_for(x.jobs);
  end_all(x.mergers);
  end(x.keeper);
  end(x.prefetcher);
  end(x.callers.checker); // what the keeper asked these is worth nothing without it
  end(x.callers.embedder);
  end(x.ledger); // when nobody is left who charges
  end_all(x.cache);
  end_all(x.batchers);
  end_all(x.upstreams);
  self->send_exit(x.router, caf::exit_reason::user_shutdown);
  self->wait_for(x.router);
  self->send_exit(x.monitor, caf::exit_reason::user_shutdown);
  self->wait_for(x.monitor);
  end(x.store); // when nobody is left who writes
  for (auto& loop : x.loops)
    loop->stop();
  for (auto& thread : x.threads)
    thread.join();
  x.threads.clear();
  // Handles go before the system and the system before the loops.
  x.hosts.clear();
  x.mergers.clear();
  x.cache.clear();
  x.keeper = nullptr;
  x.prefetcher = nullptr;
  x.callers = {};
  x.batchers.clear();
  x.upstreams.clear();
  x.jobs = nullptr;
  x.ledger = nullptr;
  x.store = nullptr;
  x.router = nullptr;
  x.monitor = nullptr;
  x.log->lines()->info("stopped");
}

bool node::broken() const {
  return parts_->broken;
}

std::string address_text(const std::string& host, uint16_t port) {
  auto text = host.find(':') == std::string::npos ? host : "[" + host + "]";
  return "http://" + text + ":" + std::to_string(port);
}

void raise_descriptor_limit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
  }
}

} // namespace sluice
