#pragma once

#include "runtime/catalogue.hpp"

#include <caf/expected.hpp>

#include <chrono>
#include <string>
#include <unordered_map>

/// Decides who answers a request. A function of the catalogue, the question and what is known of
/// the upstreams' health; the actor around it is `router_actor.hpp`.
namespace sluice {

/// What is known of the deployments' health.
class health_view {
public:
  /// A deployment that failed is left in peace for so long, then one request tries it again before
  /// the others, as only a call can find out that it works. That is the time after which the
  /// upstream's breaker lets a trial through by default.
  static constexpr std::chrono::seconds trial_pause{5};

  void failed(const std::string& deployment, steady_time now) {
    trial_at_[deployment] = now + trial_pause;
  }
  void recovered(const std::string& deployment) { trial_at_.erase(deployment); }

  /// Whether `deployment` keeps its place: it works, or its next trial is due.
  bool available(const std::string& deployment, steady_time now) const {
    auto i = trial_at_.find(deployment);
    return i == trial_at_.end() || now >= i->second;
  }

  /// Its trial is about to happen: the next one comes after another pause.
  void tried(const std::string& deployment, steady_time now) {
    if (auto i = trial_at_.find(deployment); i != trial_at_.end())
      i->second = now + trial_pause;
  }

  size_t size() const { return trial_at_.size(); }

private:
  std::unordered_map<std::string, steady_time> trial_at_;
};

/// The deployments of the model that `query` names, in the order of the catalogue, those that are
/// thought to fail last.
///
/// None is dropped for its health: the view is a moment old, and the upstream itself refuses a call
/// at no cost while its breaker is open. So a model whose deployments all fail still has
/// candidates, and `upstream_unavailable` is left to the caller who has tried them.
///
/// Fails with `model_not_found`; with `invalid_value` about `model` where the model cannot be asked
/// at this endpoint; with `upstream_unavailable` where it has no deployment at all.
caf::expected<route_decision> route(const catalogue& models, const route_query& query,
                                    const health_view& health, steady_time now);

/// The most that `query` can cost at `x`: every input token at the dearest way to read it, every
/// output token at the dearest way to write it. For the input alone where the caller set no limit
/// to its output and for nothing where the price is unknown. The greatest amount there is where the
/// sum is out of range, so that no budget grants it.
nanousd estimate_max(const deployment& x, const route_query& query);

} // namespace sluice
