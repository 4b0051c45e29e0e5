#include "storage/store_actor.hpp"

#include "runtime/ec.hpp"
#include "tests/support/deterministic_system.hpp"
#include "tests/support/temporary_folder.hpp"

namespace sluice {
namespace {

class store_actor_test : public test::deterministic_system {
protected:
  store_actor_test() {
    storage_settings settings;
    settings.path = (folder.path() / "data").string();
    auto disk = store::open(settings);
    EXPECT_TRUE(disk);
    keeper = spawn(store_keeper, std::make_shared<std::unique_ptr<store>>(std::move(*disk)));
  }

  test::temporary_folder folder;
  store_actor keeper;
};

TEST_F(store_actor_test, answers_a_write_when_it_can_be_read) {
  EXPECT_TRUE(ask<store_written>(keeper, store_write{{put("a", "1")}}));
  auto found = ask<store_value>(keeper, store_read{"a"});
  ASSERT_TRUE(found);
  EXPECT_EQ(found->value, "1");
  store_scan query;
  query.prefix = "a";
  EXPECT_EQ(ask<store_page>(keeper, query)->entries.size(), 1u);
}

TEST_F(store_actor_test, makes_what_waits_together) {
  caf::scoped_actor self{sys};
  std::vector<uint64_t> sequences;
  for (int i = 0; i < 10; ++i)
    self->send(keeper, store_write{{put("k" + std::to_string(i), "")}});
  sched.run();
  while (self->has_next_message())
    self->receive([&](const store_written& x) { sequences.push_back(x.sequence); });
  ASSERT_EQ(sequences.size(), 10u);
  EXPECT_EQ(sequences.front(), sequences.back()) << "one write for all";
}

TEST_F(store_actor_test, ends_at_drain) {
  caf::scoped_actor self{sys};
  self->monitor(keeper);
  self->send(keeper, store_write{{put("a", "1")}});
  self->send(keeper, drain{});
  sched.run();
  bool written = false;
  bool ended = false;
  for (int i = 0; i < 2; ++i)
    self->receive([&](const store_written&) { written = true; },
                  [&](const caf::down_msg&) { ended = true; });
  EXPECT_TRUE(written);
  EXPECT_TRUE(ended);
}

} // namespace
} // namespace sluice
