#include "actors/cache/semantic/semantic_cache.hpp"

#include <algorithm>

/// How what `semantic_cache` has learnt of its namespaces outlives it.
namespace sluice {

void semantic_cache::note_change(const fingerprint& scope, space& x) {
  if (!std::exchange(x.changed, true))
    changed_.push_back(scope);
}

void semantic_cache::mark_changed(const fingerprint& scope) {
  if (auto at = spaces_.find(scope); at != spaces_.end())
    note_change(scope, at->second);
}

std::vector<fingerprint> semantic_cache::take_changed() {
  std::vector<fingerprint> result;
  for (auto& scope : std::exchange(changed_, {}))
    if (auto at = spaces_.find(scope); at != spaces_.end() && at->second.changed) {
      at->second.changed = false;
      result.push_back(scope);
    }
  return result;
}

std::vector<fingerprint> semantic_cache::take_dropped() {
  return std::exchange(dropped_, {});
}

std::optional<namespace_evidence> semantic_cache::evidence_of(const fingerprint& scope) const {
  auto at = spaces_.find(scope);
  if (at == spaces_.end())
    return std::nullopt;
  namespace_evidence result;
  result.bound = at->second.bound.evidence();
  result.wrong_rest = at->second.wrong_rest;
  for (auto& [key, probability] : at->second.wrong_at)
    result.wrong.push_back({key, probability});
  if (result.wrong.size() <= namespace_evidence::wrong_max)
    return result;
  auto last = result.wrong.begin() + namespace_evidence::wrong_max;
  std::nth_element(result.wrong.begin(), last, result.wrong.end(),
                   [](auto& a, auto& b) { return a.probability > b.probability; });
  result.wrong_rest = std::max(result.wrong_rest, last->probability);
  result.wrong.erase(last, result.wrong.end());
  return result;
}

bool semantic_cache::restore(const fingerprint& scope, const namespace_evidence& x) {
  error_bound bound{settings_.bound};
  if (!bound.restore(x.bound))
    return false;
  auto& to = space_of(scope);
  to.bound = std::move(bound);
  to.wrong_rest = x.wrong_rest;
  for (auto& each : x.wrong)
    to.wrong_at[each.key] = each.probability;
  return true;
}

void semantic_cache::insert_kept(const fingerprint& scope, const fingerprint& key,
                                 std::span<const float> vector, steady_time now) {
  auto wrong = -1.0;
  if (auto at = spaces_.find(scope); at != spaces_.end()) {
    auto known = at->second.wrong_at.find(key);
    wrong = known != at->second.wrong_at.end() ? known->second : at->second.wrong_rest;
  }
  insert(scope, key, vector, {}, now);
  if (wrong >= 0 && by_key_.count(key) > 0)
    spaces_.at(scope).wrong_at[key] = wrong;
}

void semantic_cache::forget_absent() {
  for (auto& [scope, x] : spaces_) {
    std::erase_if(x.wrong_at, [&](auto& wrong) { return by_key_.count(wrong.first) == 0; });
    x.wrong_rest = -1; // each that it was about has it now
  }
}

} // namespace sluice
