#include "storage/answer_store.hpp"

#include "tests/support/answer_fixture.hpp"

#include <cstdlib>
#include <map>

namespace sluice {
namespace {

using namespace std::chrono_literals;

/// Random calls on a store and on a map that does the same; now and then the store is opened again.
class answer_store_model_test : public test::answer_store_fixture {
protected:
  static constexpr uint64_t numbers = 60;

  auto alive() const {
    std::map<fingerprint, answer_record> result;
    for (auto& [key, x] : model)
      if (x.meta.expires > now)
        result.emplace(key, x);
    return result;
  }

  void step() {
    auto number = random() % numbers;
    auto entry = test::answer_of(number, std::chrono::floor<std::chrono::seconds>(now),
                                 std::chrono::seconds{1 + random() % 500});
    switch (random() % 12) {
    case 0:
    case 1:
    case 2:
    case 3:
      entry.answer.content += std::to_string(random());
      put(*store, entry);
      model[entry.meta.key] = entry;
      break;
    case 4:
      EXPECT_FALSE(store->erase(entry.meta.key));
      model.erase(entry.meta.key);
      break;
    case 5:
      now += std::chrono::seconds{random() % 40};
      break;
    case 6:
      purge(entry);
      break;
    case 7:
      EXPECT_TRUE(store->make_room(now, static_cast<uint32_t>(1 + random() % 20)));
      break;
    case 8:
      EXPECT_FALSE(store->flush_uses());
      break;
    case 9:
      if (random() % 4 == 0)
        reopen();
      break;
    default:
      look(entry.meta.key);
    }
  }

  void purge(const answer_record& like) {
    answer_purge what;
    auto kind = random() % 40;
    what.what = kind == 0  ? answer_purge::kind::everything
                : kind < 4 ? answer_purge::kind::scope
                           : answer_purge::kind::tenant;
    if (kind >= 7)
      return;
    what.scope = like.meta.scope;
    what.tenant = like.meta.tenant;
    EXPECT_TRUE(store->purge(what));
    std::erase_if(model, [&](auto& x) {
      auto& meta = x.second.meta;
      return what.what == answer_purge::kind::everything ||
             (what.what == answer_purge::kind::scope ? meta.scope == what.scope
                                                     : meta.tenant == what.tenant);
    });
  }

  void reopen() {
    store = nullptr;
    store = opened();
    EXPECT_FALSE(opening.begun_anew || opening.recounted);
  }

  void look(const fingerprint& key) {
    auto found = store->get(key, now);
    ASSERT_TRUE(found);
    auto expected = model.find(key);
    auto there = expected != model.end() && expected->second.meta.expires > now;
    ASSERT_EQ(found->has_value(), there);
    if (there) {
      ASSERT_TRUE(test::same_entry(**found, expected->second));
    }
  }

  void compare() {
    auto wanted = alive();
    auto all = scanned(*store, 1 + static_cast<uint32_t>(random() % 30));
    ASSERT_EQ(all.size(), wanted.size());
    auto expected = wanted.begin();
    for (auto& meta : all) {
      ASSERT_EQ(meta.key, expected->first);
      ASSERT_EQ(meta.expires, expected->second.meta.expires);
      ASSERT_EQ(meta.tenant, expected->second.meta.tenant);
      ++expected;
    }
    // A scan leaves nothing behind that has expired.
    ASSERT_EQ(store->stats().entries, wanted.size());
    ASSERT_EQ(store->stats().bytes == 0, wanted.empty());
  }

  std::mt19937_64 random;
  std::map<fingerprint, answer_record> model;
  std::unique_ptr<answer_store> store;
};

TEST_F(answer_store_model_test, is_a_map_whose_entries_expire) {
  auto seed = std::random_device{}();
  if (auto* wanted = std::getenv("SLUICE_TEST_SEED"))
    seed = static_cast<unsigned>(std::stoul(wanted));
  SCOPED_TRACE("SLUICE_TEST_SEED=" + std::to_string(seed));
  random.seed(seed);
  store = opened();
  for (int i = 0; i < 4'000 && !HasFatalFailure(); ++i) {
    step();
    if (i % 100 == 0)
      compare();
  }
  EXPECT_EQ(store->stats().damaged, 0u);
  EXPECT_EQ(store->stats().evicted, 0u);
}

} // namespace
} // namespace sluice
