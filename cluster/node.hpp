#pragma once

#include "runtime/configuration.hpp"
#include "runtime/log.hpp"

#include <caf/expected.hpp>

#include <chrono>
#include <memory>
#include <string>

namespace sluice {

/// The composition root: the only place that spawns actors, starts threads and opens ports.
///
/// Starting: log, loops, the port, what the loops share of each provider, the store, monitor,
/// router, upstreams and merger of each loop, store and jobs actors, the hosts, the threads. What
/// can fail comes before the first actor.
/// Stopping, in this order, so that nobody is asked who is gone: hosts (no new connections, present
/// requests end), jobs, mergers, keeper, prefetcher, checker, embedder, ledger, cache shards,
/// batchers, upstreams, router, monitor (writes the last lines), store, loops.
/// `tests/cluster/node_test.cpp` holds both.
class node {
public:
  /// Starts a node. Fails with one clear sentence where a port, a file or a setting cannot be used;
  /// then nothing is left running.
  static caf::expected<std::unique_ptr<node>> start(std::shared_ptr<const configuration> settings);

  ~node();
  node(const node&) = delete;
  node& operator=(const node&) = delete;

  /// "http://127.0.0.1:8080"
  const std::string& address() const;
  node_log& log();

  /// Whether the ledger could not be written, so that the node has asked to be stopped (SIGTERM).
  bool broken() const;

  /// Stops: what is in work may take until `grace` has passed. Blocks the caller until all is done.
  void stop(std::chrono::milliseconds grace);

private:
  struct parts;
  explicit node(std::unique_ptr<parts> x);

  std::unique_ptr<parts> parts_;
};

/// "http://host:port" of a port that was opened for `where`.
std::string address_text(const std::string& host, uint16_t port);

/// Lets the process hold as many descriptors as the system allows it: one a connection on either
/// side.
void raise_descriptor_limit();

} // namespace sluice
