#pragma once

#include "storage/answer_store.hpp"
#include "tests/support/temporary_folder.hpp"

#include <gtest/gtest.h>

#include <random>

namespace sluice::test {

/// Any day.
inline constexpr sys_seconds answer_day{std::chrono::seconds{1'800'000'000}};

/// Everything about it follows from `number`, so that a wrong one is known wherever it turns up.
inline answer_record answer_of(uint64_t number, sys_seconds created = answer_day,
                               std::chrono::seconds ttl = std::chrono::hours{24}) {
  std::mt19937_64 random{number};
  answer_record x;
  x.meta.key = {random(), random()};
  x.meta.scope = {0, 1 + number % 3};
  x.meta.tenant = "tenant-" + std::to_string(number % 4);
  x.meta.question = "question " + std::to_string(number);
  x.meta.encoding = std::string(48, static_cast<char>(number));
  x.meta.created = created;
  x.meta.expires = created + ttl;
  x.meta.use = {1, created};
  auto size = 20 + random() % 2'000;
  while (x.answer.content.size() < size)
    x.answer.content += std::to_string(random());
  x.answer.events = static_cast<uint32_t>(number % 7);
  x.answer.deployment = "deployment-" + std::to_string(number % 5);
  x.answer.usage = {static_cast<int64_t>(number), 2, 3, 4, 5};
  x.answer.usage_known = true;
  x.answer.cost = {static_cast<int64_t>(random() >> 1)};
  return x;
}

inline bool same_answer(const cached_answer& a, const cached_answer& b) {
  return a.content == b.content && a.events == b.events && a.deployment == b.deployment &&
         a.usage == b.usage && a.usage_known == b.usage_known && a.cost == b.cost;
}

inline bool same_entry(const found_answer& a, const answer_record& b) {
  return same_answer(a.answer, b.answer) && a.scope == b.meta.scope && a.tenant == b.meta.tenant &&
         a.created == b.meta.created && a.expires == b.meta.expires;
}

/// A store in a folder of the test's own.
class answer_store_fixture : public ::testing::Test {
protected:
  answer_store_fixture() {
    settings.path = (folder.path() / "cache").string();
    settings.seed = 1;
  }

  std::unique_ptr<answer_store> opened() {
    auto x = answer_store::open(settings, now);
    EXPECT_TRUE(x) << message_of(x.error());
    if (!x)
      return nullptr;
    opening = x->what;
    return std::move(x->store);
  }
  void put(answer_store& to, const answer_record& x) {
    auto error = to.put(x, now);
    EXPECT_FALSE(error) << message_of(error);
  }
  std::optional<found_answer> read(answer_store& from, const fingerprint& key) {
    auto x = from.read(key, now);
    EXPECT_TRUE(x) << message_of(x.error());
    return x ? std::move(*x) : std::nullopt;
  }
  /// Of the numbers from 0 to `count`, those whose answers are there. Anything else that is there
  /// under their keys is a failure.
  std::vector<uint64_t> present(answer_store& from, uint64_t count) {
    std::vector<uint64_t> result;
    for (uint64_t i = 0; i < count; ++i) {
      auto expected = answer_of(i);
      auto x = read(from, expected.meta.key);
      if (!x)
        continue;
      EXPECT_TRUE(same_answer(x->answer, expected.answer)) << "answer " << i;
      result.push_back(i);
    }
    return result;
  }
  /// All that a scan in pages of `page` finds.
  std::vector<answer_meta> scanned(answer_store& from, uint32_t page = 100) {
    std::vector<answer_meta> result;
    for (std::optional<fingerprint> at = fingerprint{}; at;) {
      auto x = from.scan_meta(*at, page, now);
      EXPECT_TRUE(x) << message_of(x.error());
      if (!x)
        break;
      EXPECT_LE(x->entries.size(), page);
      for (auto& meta : x->entries)
        result.push_back(std::move(meta));
      at = x->next;
    }
    return result;
  }
  /// The keys of the greatest worth, best first, looked for in steps of `step` entries.
  std::vector<fingerprint> hottest(answer_store& from, size_t count, uint32_t step = 100) {
    hot_search search;
    search.count = count;
    search.as_of = now;
    while (search.from) {
      auto error = from.search_hottest(search, step);
      EXPECT_FALSE(error) << message_of(error);
      if (error)
        break;
    }
    EXPECT_LE(search.best.size(), count);
    std::vector<fingerprint> result;
    for (auto& x : search.best)
      result.push_back(x.key);
    return result;
  }
  /// The database without the store, which must be closed.
  answer_tables raw() {
    answer_opening ignored;
    auto x = open_tables(settings, std::make_shared<std::atomic<int64_t>>(0), ignored);
    EXPECT_TRUE(x) << message_of(x.error());
    return x ? std::move(*x) : answer_tables{};
  }

  temporary_folder folder;
  answer_store_settings settings;
  wall_time now = answer_day;
  answer_opening opening; ///< of the last `opened`
};

} // namespace sluice::test
