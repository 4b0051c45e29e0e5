#include "actors/ledger/ledger_actor.hpp"
#include "runtime/configuration.hpp"
#include "storage/ledger_store.hpp"

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <iostream>

/// How many charges a second a node's ledger reserves and settles, both on the disk, with so many
/// requests in flight; and what a reservation takes alone. Beside them, before and after, what the
/// disk takes for appending and syncing, as any ledger has to.
namespace {

using namespace sluice;
using clock_type = std::chrono::steady_clock;
using micros = std::chrono::duration<double, std::micro>;

struct options {
  std::string folder = "ledger_bench.data";
  uint32_t in_flight = 64;
  double seconds = 5;
  bool json = false;
};

struct samples {
  std::vector<double> us;
  double seconds = 0;

  double at(double share) {
    if (us.empty())
      return 0;
    auto i = static_cast<size_t>(share * static_cast<double>(us.size() - 1));
    std::nth_element(us.begin(), us.begin() + static_cast<std::ptrdiff_t>(i), us.end());
    return us[i];
  }
  double rate() const { return static_cast<double>(us.size()) / seconds; }
};

/// Appends a row's size and syncs, one after the other.
samples raw_fsync(const options& x) {
  auto path = x.folder + "/raw";
  auto file = ::open(path.c_str(), O_CREAT | O_WRONLY | O_APPEND | O_CLOEXEC, 0600);
  std::string row(400, 'x');
  samples result;
  auto start = clock_type::now();
  while (micros{clock_type::now() - start}.count() < x.seconds * 2e5) {
    auto before = clock_type::now();
    if (::write(file, row.data(), row.size()) < 0 || ::fdatasync(file) != 0)
      break;
    result.us.push_back(micros{clock_type::now() - before}.count());
  }
  result.seconds = micros{clock_type::now() - start}.count() / 1e6;
  ::close(file);
  std::filesystem::remove(path);
  return result;
}

struct load_state {
  struct run {
    clock_type::time_point began;
    clock_type::time_point reserved;
  };
  std::vector<run> runs;
  samples admission;
  samples whole;
  uint64_t refused = 0;
  uint32_t under_way = 0;
  clock_type::time_point until;
};

using load_actor = ledger_client_actor;

charge_order order_of(uint64_t i) {
  charge_order result;
  result.call = i + 1;
  result.purpose.owner = {"acme", "research", "user" + std::to_string(i % 16), "key"};
  result.purpose.request_id = "req_0123456789abcdef01234567";
  result.purpose.route = "/v1/chat/completions";
  result.purpose.model = "gpt-4o";
  result.purpose.deployment = "openai/gpt-4o";
  result.purpose.price_version = "builtin";
  result.most = {10'000};
  return result;
}

/// Keeps so many requests in flight: reserves, settles at once, begins the next.
load_actor::behavior_type load(load_actor::stateful_pointer<load_state> self, ledger_actor ledger,
                               options x, std::shared_ptr<load_state> out) {
  auto& state = self->state;
  state.runs.resize(x.in_flight);
  state.until = clock_type::now() + std::chrono::duration_cast<clock_type::duration>(
                                        std::chrono::duration<double>(x.seconds));
  ledger_orders first;
  first.client = load_actor{self};
  for (uint64_t i = 0; i < x.in_flight; ++i) {
    state.runs[i].began = clock_type::now();
    first.reserve.push_back(order_of(i));
  }
  state.under_way = x.in_flight;
  self->send(ledger, std::move(first));
  return {[self, ledger, out](ledger_verdicts& verdicts) {
    auto& own = self->state;
    auto now = clock_type::now();
    ledger_orders next;
    next.client = load_actor{self};
    for (auto& v : verdicts.reserved) {
      auto& run = own.runs[v.call - 1];
      run.reserved = now;
      own.admission.us.push_back(micros{now - run.began}.count());
      own.refused += v.why == ec::none ? 0 : 1;
      charge_outcome outcome;
      outcome.cost = {7'000};
      next.settle.push_back({v.call, v.id, outcome});
    }
    for (auto& v : verdicts.settled) {
      auto& run = own.runs[v.call - 1];
      own.whole.us.push_back(micros{now - run.began}.count());
      if (now >= own.until) {
        --own.under_way;
        continue;
      }
      run.began = now;
      next.reserve.push_back(order_of(v.call - 1));
    }
    if (!next.reserve.empty() || !next.settle.empty())
      self->send(ledger, std::move(next));
    if (own.under_way == 0) {
      *out = std::move(own);
      self->quit();
    }
  }};
}

struct actor_settings : caf::actor_system_config {
  actor_settings() { add_message_types<caf::id_block::sluice>(); }
};

load_state run_load(caf::actor_system& system, const ledger_actor& ledger, const options& x) {
  auto out = std::make_shared<load_state>();
  auto begin = clock_type::now();
  auto actor = system.spawn<caf::detached>(load, ledger, x, out);
  caf::scoped_actor self{system};
  self->wait_for(actor);
  out->whole.seconds = out->admission.seconds = micros{clock_type::now() - begin}.count() / 1e6;
  return std::move(*out);
}

int run(const options& x) {
  std::filesystem::remove_all(x.folder);
  std::filesystem::create_directories(x.folder);
  auto store = ledger_store::open(x.folder + "/ledger", {});
  if (!store) {
    std::cerr << message_of(store.error()) << '\n';
    return 1;
  }
  auto contents = (*store)->begin();
  if (!contents) {
    std::cerr << message_of(contents.error()) << '\n';
    return 1;
  }
  std::vector<budget_settings> budgets(2);
  for (auto& b : budgets) {
    b.limit = {1'000'000'000'000'000};
    b.name = "*";
  }
  budgets[1].scope = budget_scope::user;
  auto before = raw_fsync(x);
  actor_settings config;
  caf::actor_system system{config};
  auto setup =
      std::make_shared<ledger_setup>(ledger_setup{std::move(*store),
                                                  std::move(*contents),
                                                  budget_rules{budgets, {1}},
                                                  {},
                                                  {},
                                                  [] { return std::chrono::system_clock::now(); },
                                                  {}});
  auto ledger =
      caf::actor_cast<ledger_actor>(system.spawn<caf::detached>(ledger_keeper, std::move(setup)));
  auto crowd = run_load(system, ledger, x);
  auto alone = x;
  alone.in_flight = 1;
  auto single = run_load(system, ledger, alone);
  caf::scoped_actor self{system};
  self->send(ledger, drain{});
  self->wait_for(ledger);
  auto after = raw_fsync(x);
  before.us.insert(before.us.end(), after.us.begin(), after.us.end());
  before.seconds += after.seconds;
  auto sync_p50 = before.at(0.5);
  auto sync_p99 = before.at(0.99);
  nlohmann::ordered_json report{
      {"in_flight", x.in_flight},
      {"refused", crowd.refused + single.refused},
      {"requests_per_second", crowd.whole.rate()},
      {"fsync_per_second", before.rate()},
      {"requests_per_fsync_rate", crowd.whole.rate() / before.rate()},
      {"fsync_us", {{"p50", sync_p50}, {"p99", sync_p99}}},
      {"admission_us", {{"p50", crowd.admission.at(0.5)}, {"p99", crowd.admission.at(0.99)}}},
      {"admission_p99_in_fsync_p99", crowd.admission.at(0.99) / sync_p99},
      {"admission_alone_us",
       {{"p50", single.admission.at(0.5)}, {"p99", single.admission.at(0.99)}}},
      {"admission_alone_p99_in_fsync_p99", single.admission.at(0.99) / sync_p99}};
  std::cout << report.dump(x.json ? -1 : 2) << std::endl;
  std::filesystem::remove_all(x.folder);
  return crowd.refused + single.refused == 0 ? 0 : 1;
}

} // namespace

int main(int argc, char** argv) {
  options x;
  CLI::App app{"What reserving and settling a charge takes, beside what the disk takes to sync"};
  app.add_option("--folder", x.folder, "Emptied, and removed at the end")->capture_default_str();
  app.add_option("--in-flight", x.in_flight, "Requests")
      ->check(CLI::Range(1, 4096))
      ->capture_default_str();
  app.add_option("--seconds", x.seconds, "Of each part")
      ->check(CLI::Range(0.1, 60.0))
      ->capture_default_str();
  app.add_flag("--json", x.json, "In one line");
  CLI11_PARSE(app, argc, argv);
  return run(x);
}
