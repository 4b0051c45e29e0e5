#pragma once

#include "runtime/actors.hpp"
#include "runtime/configuration.hpp"
#include "runtime/ledger_archive.hpp"
#include "runtime/log.hpp"

#include <caf/expected.hpp>

#include <functional>
#include <memory>

/// What the node makes for its ledger before any actor is there.
namespace sluice {

struct opened_ledger {
  std::unique_ptr<ledger_archive> archive;
  ledger_contents contents;
};

/// The folder of the ledger; empty where there is none.
std::string ledger_folder(const configuration& settings);

/// Opens the ledger and begins an incarnation; one in memory where the node keeps nothing. Fails
/// with `storage_failed`: a damaged ledger is never opened.
caf::expected<opened_ledger> open_ledger(const configuration& settings, node_log& log);

/// Spawns its actor. `on_broken` is called when the disk takes no more, on the actor's thread.
ledger_actor spawn_ledger(caf::actor_system& system, const configuration& settings,
                          opened_ledger&& opened, monitor_actor monitor,
                          std::shared_ptr<node_log> log,
                          std::function<void(const caf::error&)> on_broken);

/// Does to the ledger of a node that does not run what its next start would do: charges that were
/// open at its end count as the most that they could cost, and days that are over are closed.
caf::error close_days(ledger_archive& ledger, wall_time now);

} // namespace sluice
