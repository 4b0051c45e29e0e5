#include "actors/cache/tiny_lfu.hpp"

#include <algorithm>

namespace sluice {

namespace {

/// Of all, as the class says.
constexpr uint64_t window_percent = 1;
/// Of what the window leaves.
constexpr uint64_t guarded_percent = 80;

} // namespace

tiny_lfu::tiny_lfu(const cache_bounds& bounds) : bounds_(bounds), counts_(bounds.entries) {
  auto share = [](const cache_bounds& of, uint64_t percent) {
    return cache_bounds{std::max<uint64_t>(1, of.entries * percent / 100),
                        of.bytes * percent / 100};
  };
  most_[window] = share(bounds, window_percent);
  cache_bounds rest{bounds.entries - std::min(bounds.entries, most_[window].entries),
                    bounds.bytes - most_[window].bytes};
  most_[guarded] = share(rest, guarded_percent);
  most_[probation] = rest;
}

uint64_t tiny_lfu::bytes() const {
  return used_[window].bytes + used_[probation].bytes + used_[guarded].bytes;
}

bool tiny_lfu::over(segment in) const {
  return used_[in].entries > most_[in].entries || used_[in].bytes > most_[in].bytes;
}

bool tiny_lfu::full() const {
  return nodes_.size() > bounds_.entries || bytes() > bounds_.bytes;
}

/// Makes `x` the latest of a segment.
void tiny_lfu::move(node& x, segment to) {
  orders_[to].splice(orders_[to].begin(), orders_[x.in], x.at);
  --used_[x.in].entries;
  used_[x.in].bytes -= x.bytes;
  ++used_[to].entries;
  used_[to].bytes += x.bytes;
  x.in = to;
}

void tiny_lfu::asked(const fingerprint& key) {
  counts_.add(key);
  auto found = nodes_.find(key);
  if (found == nodes_.end())
    return;
  move(found->second, found->second.in == window ? window : guarded);
  while (over(guarded) && used_[guarded].entries > 1)
    move(nodes_.at(orders_[guarded].back()), probation);
}

const fingerprint& tiny_lfu::next_to_go() const {
  for (auto from : {probation, guarded})
    if (!orders_[from].empty())
      return orders_[from].back();
  return orders_[window].back();
}

void tiny_lfu::add(const fingerprint& key, uint64_t bytes, std::vector<fingerprint>& gone) {
  auto go = [&](fingerprint who) {
    gone.push_back(who);
    remove(who);
  };
  orders_[window].push_front(key);
  nodes_.emplace(key, node{orders_[window].begin(), window, bytes});
  ++used_[window].entries;
  used_[window].bytes += bytes;
  // Whoever leaves the window has to be worth more than those who would go for it.
  while (over(window)) {
    auto candidate = orders_[window].back();
    auto fame = counts_.estimate(candidate);
    auto admitted = true;
    while (admitted && full()) {
      auto& victim = next_to_go();
      admitted = victim != candidate && fame > counts_.estimate(victim);
      go(admitted ? victim : candidate);
    }
    if (admitted)
      move(nodes_.at(candidate), probation);
  }
  while (full())
    go(next_to_go());
}

void tiny_lfu::remove(const fingerprint& key) {
  auto found = nodes_.find(key);
  if (found == nodes_.end())
    return;
  auto& x = found->second;
  --used_[x.in].entries;
  used_[x.in].bytes -= x.bytes;
  orders_[x.in].erase(x.at);
  nodes_.erase(found);
}

} // namespace sluice
