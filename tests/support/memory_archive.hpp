#pragma once

#include "runtime/answer_archive.hpp"
#include "runtime/ec.hpp"

#include <algorithm>
#include <map>

namespace sluice {

/// An archive that keeps nothing longer than itself.
class memory_archive final : public answer_archive {
public:
  caf::expected<std::optional<found_answer>> get(const fingerprint& key, wall_time now) override {
    auto result = read(key, now);
    if (result && *result)
      ++entries[key].meta.use.count;
    return result;
  }
  caf::expected<std::optional<found_answer>> read(const fingerprint& key, wall_time now) override {
    if (fails)
      return make_error(ec::storage_failed);
    auto at = entries.find(key);
    if (at == entries.end() || at->second.meta.expires <= now)
      return std::optional<found_answer>{};
    auto& x = at->second;
    return std::optional<found_answer>{
        {x.answer, x.meta.scope, x.meta.tenant, x.meta.created, x.meta.expires}};
  }
  caf::expected<std::optional<answer_meta>> describe(const fingerprint& key,
                                                     wall_time now) override {
    auto at = entries.find(key);
    if (at == entries.end() || at->second.meta.expires <= now)
      return std::optional<answer_meta>{};
    return std::optional<answer_meta>{at->second.meta};
  }
  caf::error put(const answer_record& x, wall_time) override {
    if (fails)
      return make_error(ec::storage_failed);
    entries[x.meta.key] = x;
    return caf::none;
  }
  caf::error erase(const fingerprint& key) override {
    entries.erase(key);
    return caf::none;
  }
  caf::expected<uint64_t> purge(const answer_purge& what) override {
    std::erase_if(shown, [&](auto& x) {
      return what.what == answer_purge::kind::everything || x.second.tenant == what.tenant;
    });
    return std::erase_if(entries, [&](auto& x) {
      return what.what == answer_purge::kind::everything || x.second.meta.tenant == what.tenant;
    });
  }
  caf::expected<answer_page> scan_meta(const fingerprint& from, uint32_t count_max,
                                       wall_time) override {
    answer_page page;
    auto at = entries.lower_bound(from);
    for (; at != entries.end() && page.entries.size() < count_max; ++at)
      page.entries.push_back(at->second.meta);
    if (at != entries.end())
      page.next = at->first;
    return page;
  }
  caf::error search_hottest(hot_search& x, uint32_t count_max) override {
    if (fails)
      return make_error(ec::storage_failed);
    if (!x.from)
      return caf::none;
    auto at = entries.lower_bound(*x.from);
    for (uint32_t i = 0; at != entries.end() && i < count_max; ++i, ++at, ++x.seen)
      x.best.push_back({at->second.meta.use.count, at->first});
    x.from = at != entries.end() ? std::optional{at->first} : std::nullopt;
    if (x.from)
      return caf::none;
    std::stable_sort(x.best.begin(), x.best.end(),
                     [](auto& a, auto& b) { return a.worth > b.worth; });
    x.best.resize(std::min(x.count, x.best.size()));
    return caf::none;
  }
  caf::error put_evidence(const std::vector<answer_evidence>& x) override {
    if (fails)
      return make_error(ec::storage_failed);
    for (auto& each : x)
      shown[each.scope] = each;
    evidence_puts += x.size();
    return caf::none;
  }
  caf::error erase_evidence(const std::vector<fingerprint>& scopes) override {
    for (auto& x : scopes)
      shown.erase(x);
    return caf::none;
  }
  caf::expected<std::vector<answer_evidence>> evidence() override {
    if (fails)
      return make_error(ec::storage_failed);
    std::vector<answer_evidence> result;
    for (auto& [scope, x] : shown)
      result.push_back(x);
    return result;
  }
  caf::expected<answer_room> make_room(wall_time, uint32_t) override { return answer_room{}; }
  caf::error flush_uses() override { return caf::none; }
  answer_stats stats() const override {
    answer_stats result;
    result.entries = entries.size();
    return result;
  }

  std::map<fingerprint, answer_record> entries;
  std::map<fingerprint, answer_evidence> shown;
  size_t evidence_puts = 0;
  bool fails = false;
};

} // namespace sluice
