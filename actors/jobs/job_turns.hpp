#pragma once

#include <algorithm>
#include <deque>
#include <string>
#include <vector>

namespace sluice {

/// Whose line is next: tenants in turn, and of a tenant the batch that came first and has one.
class job_turns {
public:
  void add(const std::string& tenant, const std::string& batch) {
    auto i =
        std::find_if(tenants_.begin(), tenants_.end(), [&](auto& x) { return x.name == tenant; });
    if (i == tenants_.end())
      i = tenants_.insert(tenants_.end(), {tenant, {}});
    i->batches.push_back(batch);
  }

  void remove(const std::string& batch) {
    for (auto& x : tenants_)
      std::erase(x.batches, batch);
    std::erase_if(tenants_, [](auto& x) { return x.batches.empty(); });
  }

  /// The batch to take a line of; empty where `ready` says no to all. The tenant's turn is over
  /// then.
  template <class Predicate>
  std::string next(Predicate ready) {
    for (size_t i = 0; i < tenants_.size(); ++i) {
      std::rotate(tenants_.begin(), tenants_.begin() + 1, tenants_.end());
      for (auto& batch : tenants_.back().batches)
        if (ready(batch))
          return batch;
    }
    return {};
  }

  size_t count(const std::string& tenant) const {
    for (auto& x : tenants_)
      if (x.name == tenant)
        return x.batches.size();
    return 0;
  }

private:
  struct turn {
    std::string name;
    std::vector<std::string> batches;
  };

  std::deque<turn> tenants_;
};

} // namespace sluice
