#include "actors/cache/prefetch/succession.hpp"

#include <algorithm>

namespace sluice {

std::vector<prefetch_order> succession::learn(asked_note&& x, steady_time now) {
  std::vector<prefetch_order> result;
  auto before = last_of(x.tenant + ' ' + x.asker, x.key, now);
  auto& asked = question_of(x);
  // Of the times before this one, for this one's follower is not known yet.
  for (auto& each : asked.next) {
    if (each.times < settings_.times_min || each.times < settings_.probability_min * asked.times)
      continue;
    auto found = questions_.find(each.key);
    if (found != questions_.end() && found->second.body.size() > 0)
      result.push_back(
          {x.key_id, found->second.kind, each.key, found->second.body, found->second.cost});
  }
  asked.times += 1;
  if (asked.times >= times_max) {
    asked.times /= 2;
    for (auto& each : asked.next)
      each.times /= 2;
  }
  if (before && before != x.key)
    follow(before, x.key);
  make_room();
  return result;
}

/// What somebody asked before this; zero where it was nothing, or too long ago.
fingerprint succession::last_of(const std::string& asker, const fingerprint& now_asked,
                                steady_time now) {
  auto found = askers_.find(asker);
  if (found == askers_.end()) {
    if (askers_.size() >= settings_.askers_max) {
      askers_.erase(recent_askers_.back());
      recent_askers_.pop_back();
    }
    recent_askers_.push_front(asker);
    askers_.emplace(asker, last_question{now_asked, now, recent_askers_.begin()});
    return {};
  }
  auto& last = found->second;
  recent_askers_.splice(recent_askers_.begin(), recent_askers_, last.recent);
  auto result = now - last.at <= settings_.pause_max ? last.key : fingerprint{};
  last.key = now_asked;
  last.at = now;
  return result;
}

succession::question& succession::question_of(const asked_note& x) {
  auto [found, added] = questions_.try_emplace(x.key);
  auto& result = found->second;
  if (added) {
    recent_.push_front(x.key);
    result.recent = recent_.begin();
  } else {
    recent_.splice(recent_.begin(), recent_, result.recent);
  }
  bytes_ -= result.body.size();
  result.body = x.body.size() <= settings_.body_bytes_max ? x.body : shared_body{};
  bytes_ += result.body.size();
  result.kind = x.kind;
  result.cost = x.cost;
  return result;
}

void succession::follow(const fingerprint& before, const fingerprint& after) {
  auto found = questions_.find(before);
  if (found == questions_.end())
    return;
  auto& next = found->second.next;
  auto at = std::find_if(next.begin(), next.end(), [&](auto& x) { return x.key == after; });
  if (at == next.end()) {
    if (next.size() == followers_max) // what came least often makes room for what is new
      next.pop_back();
    at = next.insert(next.end(), {after, 0});
  }
  at->times += 1;
  std::stable_sort(next.begin(), next.end(), [](auto& a, auto& b) { return a.times > b.times; });
}

/// The question that was just asked stays.
void succession::make_room() {
  while (questions_.size() > 1 &&
         (questions_.size() > settings_.questions_max || bytes_ > settings_.bytes_max)) {
    auto oldest = questions_.find(recent_.back());
    bytes_ -= oldest->second.body.size();
    questions_.erase(oldest);
    recent_.pop_back();
  }
}

} // namespace sluice
