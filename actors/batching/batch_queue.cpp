#include "actors/batching/batch_queue.hpp"

#include <algorithm>

namespace sluice {

namespace {

size_t class_of(const batch_request& x) {
  return static_cast<size_t>(x.call.patience);
}

/// Whether `x` still fits into a call that holds `held`.
struct load {
  uint32_t requests = 0;
  int64_t tokens = 0;
  int64_t output_tokens = 0;
  uint64_t bytes = 0;

  bool takes(const batch_request& x, const batch_queue::limits& most) const {
    return requests == 0 || (requests < most.requests && tokens + x.terms.tokens <= most.tokens &&
                             output_tokens + x.terms.output_tokens <= most.output_tokens &&
                             bytes + x.call.body.size() <= most.bytes);
  }
  void add(const batch_request& x) {
    if (requests++ == 0)
      tokens = x.terms.shared_tokens;
    tokens += x.terms.tokens;
    output_tokens += x.terms.output_tokens;
    bytes += x.call.body.size();
  }
};

} // namespace

bool batch_queue::tenant::empty() const {
  return std::all_of(waiting.begin(), waiting.end(), [](auto& x) { return x.empty(); });
}

batch_queue::tenant& batch_queue::tenant_of(const std::string& name) {
  auto found = by_name_.find(name);
  if (found == by_name_.end()) {
    tenants_.push_back({name, {}});
    found = by_name_.emplace(name, std::prev(tenants_.end())).first;
  }
  return *found->second;
}

void batch_queue::count(const batch_request& x, int by) {
  size_ += static_cast<size_t>(by);
  auto at = groups_.try_emplace(x.terms.group, 0).first;
  at->second += static_cast<uint32_t>(by);
  if (at->second == 0)
    groups_.erase(at);
}

void batch_queue::push(batch_request&& x) {
  count(x, 1);
  auto& queue = tenant_of(x.call.tenant).waiting[class_of(x)];
  queue.push_back(std::move(x));
}

void batch_queue::push_front(batch_request&& x) {
  count(x, 1);
  again_.push_back(std::move(x));
}

void batch_queue::drop_if_empty(tenant_list::iterator who) {
  if (!who->empty())
    return;
  by_name_.erase(who->name);
  tenants_.erase(who);
}

const batch_request* batch_queue::lead() const {
  if (!again_.empty())
    return &again_.front();
  for (size_t i = 0; i < classes; ++i)
    for (auto& x : tenants_)
      if (!x.waiting[i].empty())
        return &x.waiting[i].front();
  return nullptr;
}

uint32_t batch_queue::like_lead() const {
  auto* first = lead();
  return first ? groups_.at(first->terms.group) : 0;
}

std::vector<batch_request> batch_queue::take(const limits& most) {
  std::vector<batch_request> result;
  auto* first = lead();
  if (!first)
    return result;
  auto group = first->terms.group;
  load held;
  auto take_from = [&](std::deque<batch_request>& queue) {
    auto found =
        std::find_if(queue.begin(), queue.end(), [&](auto& x) { return x.terms.group == group; });
    if (found == queue.end() || !held.takes(*found, most))
      return false;
    held.add(*found);
    count(*found, -1);
    result.push_back(std::move(*found));
    queue.erase(found);
    return true;
  };
  while (take_from(again_)) {
  }
  for (size_t i = 0; i < classes; ++i)
    for (auto more = true; more;) {
      more = false;
      // Who has been served goes to the end, so the next call begins with the others.
      auto rounds = tenants_.size();
      for (auto at = tenants_.begin(); rounds > 0; --rounds) {
        auto who = at++;
        if (!take_from(who->waiting[i]))
          continue;
        more = true;
        tenants_.splice(tenants_.end(), tenants_, who);
      }
    }
  for (auto at = tenants_.begin(); at != tenants_.end();)
    drop_if_empty(at++);
  return result;
}

template <class Predicate>
std::vector<batch_request> batch_queue::take_if(Predicate wanted) {
  std::vector<batch_request> result;
  auto sift = [&](std::deque<batch_request>& queue) {
    auto rest =
        std::stable_partition(queue.begin(), queue.end(), [&](auto& x) { return !wanted(x); });
    for (auto at = rest; at != queue.end(); ++at) {
      count(*at, -1);
      result.push_back(std::move(*at));
    }
    queue.erase(rest, queue.end());
  };
  sift(again_);
  for (auto at = tenants_.begin(); at != tenants_.end();) {
    for (auto& queue : at->waiting)
      sift(queue);
    drop_if_empty(at++);
  }
  return result;
}

std::optional<batch_request> batch_queue::remove(uint64_t call) {
  auto found = take_if([&](const batch_request& x) { return x.call.call == call; });
  return found.empty() ? std::nullopt : std::optional{std::move(found.front())};
}

std::vector<batch_request> batch_queue::take_expired(steady_time now) {
  return take_if([&](const batch_request& x) { return x.call.until.passed(now); });
}

std::vector<batch_request> batch_queue::take_all() {
  return take_if([](const batch_request&) { return true; });
}

} // namespace sluice
