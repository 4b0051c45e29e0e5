#include "storage/answer_store.hpp"

#include "runtime/ec.hpp"
#include "tests/support/answer_fixture.hpp"

#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>
#include <thread>

namespace sluice {
namespace {

using namespace std::chrono_literals;
using test::answer_of;
using testing::HasSubstr;

class answer_store_test : public test::answer_store_fixture {
protected:
  std::string refusal() {
    auto x = answer_store::open(settings, now);
    if (x)
      return "";
    EXPECT_EQ(code_of(x.error()), ec::storage_failed);
    return message_of(x.error());
  }
};

TEST_F(answer_store_test, keeps_answers_over_a_restart) {
  auto x = opened();
  for (uint64_t i = 0; i < 50; ++i)
    put(*x, answer_of(i));
  auto before = x->stats();
  x = nullptr;
  x = opened();
  EXPECT_FALSE(opening.begun_anew || opening.recounted);
  for (uint64_t i = 0; i < 50; ++i) {
    auto found = read(*x, answer_of(i).meta.key);
    ASSERT_TRUE(found);
    EXPECT_TRUE(test::same_entry(*found, answer_of(i)));
  }
  EXPECT_FALSE(read(*x, answer_of(50).meta.key));
  EXPECT_EQ(x->stats().entries, 50u);
  EXPECT_EQ(x->stats().bytes, before.bytes);
}

TEST_F(answer_store_test, compresses_with_what_rocksdb_has) {
  opened();
  EXPECT_THAT(opening.compression, testing::AnyOf("zstd", "lz4", "none"));
}

TEST_F(answer_store_test, makes_a_folder_for_its_owner_alone) {
  opened();
  auto rights = std::filesystem::status(settings.path).permissions();
  EXPECT_EQ(rights, std::filesystem::perms::owner_all);
}

TEST_F(answer_store_test, is_for_one_process_at_a_time) {
  auto x = opened();
  put(*x, answer_of(1));
  EXPECT_THAT(refusal(), HasSubstr("another process uses it"));
  EXPECT_TRUE(read(*x, answer_of(1).meta.key)) << "and nobody moved it aside";
}

TEST_F(answer_store_test, says_what_folder_it_cannot_use) {
  std::ofstream{settings.path} << "a file";
  EXPECT_THAT(refusal(), HasSubstr(settings.path));
}

TEST_F(answer_store_test, forgets_at_the_second_of_expiry) {
  auto x = opened();
  put(*x, answer_of(1, test::answer_day, 10s));
  now = test::answer_day + 9s;
  EXPECT_TRUE(read(*x, answer_of(1).meta.key));
  now = test::answer_day + 10s;
  EXPECT_FALSE(read(*x, answer_of(1).meta.key));
  EXPECT_EQ(x->stats().expired, 1u);
  EXPECT_EQ(x->stats().entries, 0u);
  EXPECT_EQ(x->stats().bytes, 0u);
  now = test::answer_day;
  EXPECT_FALSE(read(*x, answer_of(1).meta.key)) << "it was removed, not hidden";
}

TEST_F(answer_store_test, does_not_keep_what_has_expired) {
  auto x = opened();
  now = test::answer_day + 10s;
  put(*x, answer_of(1, test::answer_day, 10s));
  EXPECT_EQ(x->stats().entries, 0u);
}

TEST_F(answer_store_test, sweeps_up_what_has_expired_though_nobody_asks) {
  auto x = opened();
  for (uint64_t i = 0; i < 300; ++i)
    put(*x, answer_of(i, test::answer_day, i % 2 == 0 ? 10s : 100s));
  now = test::answer_day + 10s;
  for (int i = 0; i < 20; ++i) {
    auto made = x->make_room(now, 40);
    ASSERT_TRUE(made);
    EXPECT_LE(made->removed, 40u);
    EXPECT_TRUE(made->enough);
  }
  EXPECT_EQ(x->stats().expired, 150u);
  EXPECT_EQ(x->stats().entries, 150u);
}

TEST_F(answer_store_test, forgets_in_compactions_what_nobody_removed) {
  auto x = opened();
  put(*x, answer_of(1, test::answer_day, 10s));
  put(*x, answer_of(2, test::answer_day, 100s));
  x = nullptr;
  auto clock =
      std::make_shared<std::atomic<int64_t>>((test::answer_day + 10s).time_since_epoch().count());
  answer_opening ignored;
  auto tables = open_tables(settings, clock, ignored);
  ASSERT_TRUE(tables);
  for (auto* family : {tables->content, tables->meta, tables->use}) {
    rocksdb::CompactRangeOptions whole;
    whole.bottommost_level_compaction = rocksdb::BottommostLevelCompaction::kForce;
    ASSERT_TRUE(tables->db->CompactRange(whole, family, nullptr, nullptr).ok());
    std::string value;
    auto gone = tables->db->Get({}, family, key_bytes(answer_of(1).meta.key), &value).IsNotFound();
    EXPECT_EQ(gone, family != tables->meta) << "what is known about it is for the sweep";
    EXPECT_TRUE(tables->db->Get({}, family, key_bytes(answer_of(2).meta.key), &value).ok());
  }
}

TEST_F(answer_store_test, replaces_an_answer_and_adds_its_uses) {
  auto x = opened();
  put(*x, answer_of(1));
  auto bytes = x->stats().bytes;
  auto other = answer_of(1);
  other.answer.content += "longer";
  put(*x, other);
  EXPECT_EQ(x->stats().entries, 1u);
  EXPECT_EQ(x->stats().bytes, bytes + 6);
  EXPECT_EQ(read(*x, other.meta.key)->answer.content, other.answer.content);
  EXPECT_DOUBLE_EQ((*x->describe(other.meta.key, now))->use.count, 2);
}

TEST_F(answer_store_test, refuses_an_entry_that_is_too_large) {
  auto x = opened();
  auto large = answer_of(1);
  large.answer.content.assign(settings.entry_bytes_max, 'x');
  auto error = x->put(large, now);
  EXPECT_EQ(code_of(error), ec::storage_failed);
  EXPECT_THAT(message_of(error), HasSubstr("too large"));
  EXPECT_EQ(x->stats().entries, 0u);
}

TEST_F(answer_store_test, erases_one) {
  auto x = opened();
  put(*x, answer_of(1));
  put(*x, answer_of(2));
  EXPECT_FALSE(x->erase(answer_of(1).meta.key));
  EXPECT_FALSE(x->erase(answer_of(3).meta.key)) << "one that was never there";
  EXPECT_EQ(present(*x, 4), (std::vector<uint64_t>{2}));
  EXPECT_EQ(x->stats().entries, 1u);
}

TEST_F(answer_store_test, scans_all_that_is_known_in_pages) {
  auto x = opened();
  for (uint64_t i = 0; i < 25; ++i)
    put(*x, answer_of(i));
  for (uint32_t page : {1u, 7u, 25u, 100u}) {
    auto all = scanned(*x, page);
    ASSERT_EQ(all.size(), 25u);
    EXPECT_TRUE(std::ranges::is_sorted(all, {}, &answer_meta::key));
  }
  auto one = scanned(*x).front();
  auto found = x->describe(one.key, now);
  ASSERT_TRUE(found && *found);
  EXPECT_EQ((*found)->question, one.question);
  EXPECT_EQ((*found)->encoding, one.encoding);
  EXPECT_FALSE(one.question.empty() || one.encoding.empty() || one.tenant.empty());
}

TEST_F(answer_store_test, purges_a_scope_or_a_tenant_and_leaves_the_others) {
  auto x = opened();
  for (uint64_t i = 0; i < 1'200; ++i)
    put(*x, answer_of(i));
  answer_purge scope{answer_purge::kind::scope, {0, 1}, ""};
  EXPECT_EQ(*x->purge(scope), 400u);
  EXPECT_EQ(*x->purge(scope), 0u);
  answer_purge tenant{answer_purge::kind::tenant, {}, "tenant-1"};
  EXPECT_EQ(*x->purge(tenant), 200u);
  auto left = present(*x, 1'200);
  EXPECT_EQ(left.size(), 600u);
  for (auto i : left)
    EXPECT_TRUE(i % 3 != 0 && i % 4 != 1) << i;
  EXPECT_EQ(x->stats().entries, 600u);
}

TEST_F(answer_store_test, purges_everything_and_goes_on) {
  auto x = opened();
  for (uint64_t i = 0; i < 100; ++i)
    put(*x, answer_of(i));
  auto last = answer_of(200);
  last.meta.key = {~uint64_t{0}, ~uint64_t{0}};
  put(*x, last);
  EXPECT_EQ(*x->purge({}), 101u);
  EXPECT_EQ(x->stats().entries, 0u);
  EXPECT_EQ(x->stats().bytes, 0u);
  EXPECT_FALSE(read(*x, last.meta.key));
  put(*x, answer_of(5));
  x = nullptr;
  x = opened();
  EXPECT_EQ(present(*x, 100), (std::vector<uint64_t>{5}));
  EXPECT_EQ(scanned(*x).size(), 1u);
}

TEST_F(answer_store_test, serves_several_threads) {
  settings.bytes_max = 200'000;
  auto x = opened();
  auto work = [&](uint64_t seed) {
    std::mt19937_64 random{seed};
    for (int i = 0; i < 400; ++i) {
      auto entry = answer_of(random() % 300);
      auto found = x->get(entry.meta.key, now);
      ASSERT_TRUE(found);
      if (*found) {
        ASSERT_TRUE(test::same_entry(**found, entry));
      } else {
        ASSERT_FALSE(x->put(entry, now));
      }
      if (random() % 20 == 0) {
        ASSERT_TRUE(x->make_room(now, 20));
      }
      if (random() % 50 == 0) {
        ASSERT_FALSE(x->erase(entry.meta.key));
      }
    }
  };
  std::vector<std::thread> threads;
  for (uint64_t i = 0; i < 4; ++i)
    threads.emplace_back(work, i);
  for (auto& thread : threads)
    thread.join();
  auto all = scanned(*x);
  EXPECT_EQ(x->stats().entries, all.size());
  EXPECT_EQ(x->stats().damaged, 0u);
}

} // namespace
} // namespace sluice
