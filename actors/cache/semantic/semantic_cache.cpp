#include "actors/cache/semantic/semantic_cache.hpp"

#include <algorithm>
#include <cmath>

namespace sluice {

namespace {

/// A use counts half after an hour: what is asked changes with the time of the day.
constexpr std::chrono::hours use_half_life{1};

/// Weight of the newest lookup in a namespace's hit share: about the last fifty count.
constexpr double share_step = 0.02;

double faded(double uses, std::chrono::nanoseconds since) {
  return uses * std::exp2(-std::chrono::duration<double>(since) /
                          std::chrono::duration<double>(use_half_life));
}

} // namespace

semantic_cache::semantic_cache(semantic_settings settings, text_judge& judge, facts_source facts_of)
    : settings_(std::move(settings)), judge_(judge), facts_of_(std::move(facts_of)),
      random_(settings_.seed) {}

semantic_cache::space& semantic_cache::space_of(const fingerprint& scope) {
  auto at = spaces_.find(scope);
  if (at == spaces_.end()) {
    if (spaces_.size() >= std::max<size_t>(1, settings_.namespaces_max)) {
      dropped_.push_back(recent_.back());
      erase_scope(dropped_.back());
    }
    recent_.push_front(scope);
    at = spaces_
             .emplace(scope, space{nearest_index{judge_.width()}, error_bound{settings_.bound}, 0,
                                   recent_.begin()})
             .first;
  } else {
    recent_.splice(recent_.begin(), recent_, at->second.recent);
  }
  return at->second;
}

semantic_verdict semantic_cache::find(const fingerprint& scope, const question_form& asked,
                                      steady_time now, double error_rate_max) {
  semantic_verdict result;
  auto known = spaces_.find(scope);
  if (known == spaces_.end())
    return result;
  auto& at = space_of(scope);
  auto limit = error_rate_max < 0 ? settings_.bound.error_rate_max : error_rate_max;
  if (limit != at.bound.error_rate_max())
    at.bound.limit(limit);
  std::vector<text_judge::kept_question> kept;
  std::vector<uint64_t> ids;
  for (auto& x : at.index.nearest(asked.vector, neighbours)) {
    if (x.similarity < settings_.similarity_min)
      break;
    auto facts = facts_of_(entries_.at(x.id).key);
    if (!facts) { // its answer is gone
      erase_entry(x.id);
      continue;
    }
    kept.push_back({std::move(*facts), x.similarity});
    ids.push_back(x.id);
  }
  if (kept.empty()) {
    at.hit_share -= at.hit_share * share_step;
    return result;
  }
  auto words = judge_.judge(asked, kept);
  auto best = std::max_element(words.begin(), words.end(),
                               [](auto& a, auto& b) { return a.probability < b.probability; });
  auto i = static_cast<size_t>(best - words.begin());
  auto& chosen = entries_.at(ids[i]);
  result.key = chosen.key;
  result.similarity = kept[i].similarity;
  result.probability = best->probability;
  result.why = best->why;
  std::uniform_real_distribution<> coin{0, 1};
  result.decision = at.bound.decide(best->probability, coin(random_));
  if (auto wrong = at.wrong_at.find(chosen.key); result.decision == hit_decision::serve &&
                                                 wrong != at.wrong_at.end() &&
                                                 best->probability <= wrong->second)
    result.decision = hit_decision::unproven;
  auto hit = result.decision == hit_decision::serve;
  at.hit_share += ((hit ? 1 : 0) - at.hit_share) * share_step;
  chosen.uses = faded(chosen.uses, now - chosen.used) + 1;
  chosen.used = now;
  return result;
}

void semantic_cache::served(const fingerprint& scope, const semantic_verdict& verdict) {
  auto at = spaces_.find(scope);
  if (at == spaces_.end())
    return;
  at->second.bound.served(verdict.probability);
  note_change(scope, at->second);
}

void semantic_cache::verified(const fingerprint& scope, const semantic_verdict& verdict,
                              bool right) {
  auto at = spaces_.find(scope);
  if (at == spaces_.end())
    return;
  at->second.bound.verified(verdict.probability, right);
  note_change(scope, at->second);
  if (right)
    return;
  if (by_key_.count(verdict.key) > 0) {
    auto& wrong_at = at->second.wrong_at.try_emplace(verdict.key, -1.0).first->second;
    wrong_at = std::max(wrong_at, verdict.probability);
  }
}

void semantic_cache::insert(const fingerprint& scope, const fingerprint& key,
                            std::span<const float> vector, const fingerprint& redundant_to,
                            steady_time now) {
  if (settings_.entries_max == 0 || vector.size() != judge_.width())
    return;
  erase(key);
  while (entries_.size() >= settings_.entries_max)
    make_room(now);
  auto id = next_id_++;
  auto& to = space_of(scope);
  to.index.insert(id, vector);
  to.wrong_at.erase(key); // it has another answer now
  by_key_[key] = id;
  entries_[id] = {scope, key, redundant_to, 1, now, order_.size()};
  order_.push_back(id);
}

void semantic_cache::erase(const fingerprint& key) {
  if (auto at = by_key_.find(key); at != by_key_.end())
    erase_entry(at->second);
}

/// The namespace stays, with what was learnt of it.
void semantic_cache::erase_entry(uint64_t id) {
  auto at = entries_.find(id);
  auto& x = at->second;
  auto& from = spaces_.at(x.scope);
  from.index.erase(id);
  from.wrong_at.erase(x.key);
  by_key_.erase(x.key);
  order_[x.place] = order_.back();
  entries_.at(order_[x.place]).place = x.place;
  order_.pop_back();
  entries_.erase(at);
}

void semantic_cache::erase_scope(const fingerprint& scope) {
  auto at = spaces_.find(scope);
  if (at == spaces_.end())
    return;
  std::vector<uint64_t> gone;
  for (auto& [id, x] : entries_)
    if (x.scope == scope)
      gone.push_back(id);
  for (auto id : gone)
    erase_entry(id);
  recent_.erase(at->second.recent);
  spaces_.erase(at);
}

double semantic_cache::worth(const entry& x, steady_time now) const {
  // A neighbour that answers the same makes an entry worth less than any that has none; it does so
  // only while it is there.
  auto redundant = x.redundant_to && by_key_.count(x.redundant_to) > 0;
  auto uses = faded(x.uses, now - x.used);
  return redundant ? uses / (1 + uses) - 1 : uses;
}

void semantic_cache::make_room(steady_time now) {
  std::uniform_int_distribution<size_t> draw{0, order_.size() - 1};
  auto worst = order_[draw(random_)];
  for (size_t i = 1; i < sample_size; ++i) {
    auto other = order_[draw(random_)];
    if (worth(entries_.at(other), now) < worth(entries_.at(worst), now))
      worst = other;
  }
  erase_entry(worst);
  ++evicted_;
}

uint64_t semantic_cache::bytes() const {
  constexpr uint64_t of_entry = sizeof(entry) + 128; // with the nodes of three tables
  constexpr uint64_t of_space = sizeof(space) + 1'024;
  auto result = entries_.size() * of_entry + spaces_.size() * of_space;
  for (auto& [scope, x] : spaces_)
    result += x.index.bytes();
  return result;
}

const error_bound* semantic_cache::bound_of(const fingerprint& scope) const {
  auto at = spaces_.find(scope);
  return at == spaces_.end() ? nullptr : &at->second.bound;
}

double semantic_cache::hit_share(const fingerprint& scope) const {
  auto at = spaces_.find(scope);
  return at == spaces_.end() ? 0 : at->second.hit_share;
}

void semantic_cache::for_each(
    const std::function<void(const fingerprint&, const error_bound&, size_t)>& tell) const {
  for (auto& scope : recent_) {
    auto& x = spaces_.at(scope);
    tell(scope, x.bound, x.index.size());
  }
}

} // namespace sluice
