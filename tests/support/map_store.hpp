#pragma once

#include "runtime/store_messages.hpp"

#include <algorithm>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace sluice::test {

/// What the store does, in memory.
class map_store {
public:
  void apply(const store_changes& changes) {
    for (auto& x : changes)
      if (x.what == store_change::kind::put)
        values[x.key] = x.value;
      else if (x.what == store_change::kind::erase)
        values.erase(x.key);
      else
        for (auto i = values.lower_bound(x.key); i != values.end() && i->first.starts_with(x.key);)
          i = values.erase(i);
  }

  store_value read(const std::string& key) const {
    auto found = values.find(key);
    return found == values.end() ? store_value{} : store_value{true, found->second};
  }

  store_page scan(const store_scan& query) const {
    std::vector<store_entry> all;
    for (auto i = values.lower_bound(query.prefix);
         i != values.end() && i->first.starts_with(query.prefix); ++i)
      all.push_back({i->first, i->second});
    auto forwards = query.direction == store_scan::order::forwards;
    if (!forwards)
      std::reverse(all.begin(), all.end());
    store_page result;
    uint64_t bytes = 0;
    for (auto& x : all) {
      auto before = forwards ? x.key <= query.after : x.key >= query.after;
      if (!query.after.empty() && before)
        continue;
      if (result.entries.size() >= query.limit ||
          (!result.entries.empty() && bytes + x.value.size() > query.bytes_max)) {
        result.more = true;
        break;
      }
      bytes += x.value.size();
      result.entries.push_back(std::move(x));
    }
    return result;
  }

  size_t count(const std::string& prefix) const {
    store_scan all;
    all.prefix = prefix;
    all.limit = UINT32_MAX;
    all.bytes_max = UINT64_MAX;
    return scan(all).entries.size();
  }

  std::map<std::string, std::string> values;
};

} // namespace sluice::test
