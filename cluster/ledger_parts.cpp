#include "cluster/ledger_parts.hpp"

#include "actors/ledger/ledger_actor.hpp"
#include "runtime/memory_ledger.hpp"
#include "storage/ledger_store.hpp"

#include <spdlog/spdlog.h>

#include <random>

namespace sluice {

namespace {

uint64_t random_node() {
  std::random_device entropy;
  return (uint64_t{entropy()} << 32) ^ entropy();
}

} // namespace

std::string ledger_folder(const configuration& settings) {
  return settings.storage.path.empty() ? std::string{} : settings.storage.path + "/ledger";
}

caf::expected<opened_ledger> open_ledger(const configuration& settings, node_log& log) {
  opened_ledger result;
  auto folder = ledger_folder(settings);
  if (folder.empty()) {
    log.lines()->warn("budgets: without a data folder (storage.path) what is spent is forgotten "
                      "when the node stops");
    result.archive = std::make_unique<memory_ledger>([] {
      memory_ledger::settings x;
      x.node = random_node();
      return x;
    }());
  } else {
    auto opened = ledger_store::open(folder, {});
    if (!opened)
      return opened.error();
    result.archive = std::move(*opened);
  }
  auto contents = result.archive->begin();
  if (!contents)
    return contents.error();
  if (!contents->open.empty())
    log.lines()->warn("ledger: {} charges were open at the last end; each counts as the most that "
                      "it could cost",
                      contents->open.size());
  result.contents = std::move(*contents);
  return result;
}

ledger_actor spawn_ledger(caf::actor_system& system, const configuration& settings,
                          opened_ledger&& opened, monitor_actor monitor,
                          std::shared_ptr<node_log> log,
                          std::function<void(const caf::error&)> on_broken) {
  token_limits::per_minute tokens;
  for (auto& key : settings.keys)
    if (key.tokens_per_minute > 0)
      tokens.emplace(key.id, key.tokens_per_minute);
  auto setup = std::make_shared<ledger_setup>(ledger_setup{
      std::move(opened.archive), std::move(opened.contents),
      budget_rules{settings.budgets, settings.optimizer.daily_budget}, std::move(monitor),
      std::move(log), [] { return std::chrono::system_clock::now(); }, std::move(on_broken),
      std::move(tokens)});
  return system.spawn<caf::detached>(ledger_keeper, std::move(setup));
}

caf::error close_days(ledger_archive& ledger, wall_time now) {
  auto contents = ledger.begin();
  if (!contents)
    return contents.error();
  now = std::max(now, contents->latest); // a clock that was put back opens no day again
  ledger_book book{budget_rules{{}, {}}, std::move(*contents), now};
  auto changes = book.take_changes(now);
  return changes.empty() ? caf::error{} : ledger.commit(std::move(changes));
}

} // namespace sluice
