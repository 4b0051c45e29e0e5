#include "actors/cache/keeper/cache_keeper.hpp"

#include <algorithm>

/// How what namespaces have shown outlives `cache_keeper`.
namespace sluice {

void cache_keeper::load_evidence() {
  auto damaged = archive_.stats().damaged;
  auto found = archive_.evidence();
  if (!found) {
    failed(found.error());
    return;
  }
  loaded_.damaged = archive_.stats().damaged - damaged;
  auto maker = evidence_maker(judge_->version(), settings_.semantic.bound);
  // The latest come last, so that they count as used last; what is too much goes.
  std::sort(found->begin(), found->end(), [](auto& a, auto& b) { return a.shown < b.shown; });
  auto most = settings_.semantic.namespaces_max;
  auto over = found->size() - std::min(found->size(), most);
  std::vector<fingerprint> gone;
  for (size_t i = 0; i < found->size(); ++i) {
    auto& x = (*found)[i];
    auto shown = i < over ? std::nullopt : evidence_of(x.bytes, maker);
    if (!shown || !semantic_->restore(x.scope, *shown)) {
      gone.push_back(x.scope);
      continue;
    }
    tenants_[x.scope] = std::move(x.tenant);
    ++loaded_.kept;
  }
  loaded_.dropped = gone.size();
  if (!gone.empty())
    failed(archive_.erase_evidence(gone));
}

void cache_keeper::save_evidence(const keeper_times& at) {
  saved_at_ = at.now;
  if (!semantic_)
    return;
  auto dropped = semantic_->take_dropped();
  if (!dropped.empty())
    failed(archive_.erase_evidence(dropped));
  for (auto& scope : dropped)
    if (!semantic_->bound_of(scope)) // it may have come back
      tenants_.erase(scope);
  auto maker = evidence_maker(judge_->version(), settings_.semantic.bound);
  std::vector<answer_evidence> shown;
  for (auto& scope : semantic_->take_changed())
    if (auto x = semantic_->evidence_of(scope))
      shown.push_back({scope, tenants_[scope], std::chrono::floor<std::chrono::seconds>(at.wall),
                       evidence_bytes(*x, maker)});
  if (shown.empty() || !failed(archive_.put_evidence(shown)))
    return;
  for (auto& x : shown) // again with the next
    semantic_->mark_changed(x.scope);
}

/// What is learnt of a tenant goes with what is kept of it. What the archive had and L2 names is
/// met nowhere else.
void cache_keeper::forget_namespaces(const std::string& tenant) {
  for (auto at = tenants_.begin(); at != tenants_.end();) {
    if (!tenant.empty() && at->second != tenant) {
      ++at;
      continue;
    }
    semantic_->erase_scope(at->first);
    at = tenants_.erase(at);
  }
}

} // namespace sluice
