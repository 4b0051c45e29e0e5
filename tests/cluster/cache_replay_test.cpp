#include "cluster/bench/cache_replay_rows.hpp"

#include "runtime/ec.hpp"
#include "tests/support/fake_judge.hpp"
#include "tests/support/temporary_folder.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <fstream>

namespace sluice {
namespace {

using test::temporary_folder;

class cache_replay_test : public testing::Test {
protected:
  std::filesystem::path file(const std::string& name, const std::vector<nlohmann::json>& lines) {
    auto path = folder_.path() / name;
    std::ofstream out{path};
    for (auto& x : lines)
      out << x.dump() << '\n';
    return path;
  }

  std::vector<replay_row> rows_of(const cache_replay_options& options) {
    auto rows = read_replay_rows(options, judge_, judge_, [](auto&) {});
    EXPECT_TRUE(rows) << message_of(rows.error());
    return rows ? *rows : std::vector<replay_row>{};
  }

  /// `count` rows of which each `wrong_every`th is wrong; 0 for none.
  static std::vector<replay_row> rows(size_t count, size_t wrong_every, double probability = 0.97,
                                      size_t source = 0) {
    std::vector<replay_row> result;
    for (size_t i = 0; i < count; ++i)
      result.push_back({probability, wrong_every == 0 || i % wrong_every != 0, source});
    return result;
  }

  static replay_options settings() {
    replay_options result;
    result.regions = {{0.8, 0, 0}, {0.95, 0, 0}};
    result.drift = true;
    result.adversarial = true;
    return result;
  }

  temporary_folder folder_;
  fake_judge judge_;
};

TEST_F(cache_replay_test, reads_pairs_each_by_itself) {
  judge_.probability = [](auto& asked, auto&) { return asked.back() == '!' ? 0.9 : 0.97; };
  cache_replay_options options;
  options.files = {
      file("one", {{{"a", "rain/a"}, {"b", "rain/b"}, {"duplicate", 1}},
                   {{"a", "sun/a"}, {"b", "rain/b"}, {"duplicate", 1}}, // not near each other
                   {{"a", "rain/b"}, {"b", "rain/b"}, {"duplicate", 0}}, // an exact hit
                   {{"a", "rain/c"}, {"b", "rain/b!"}, {"duplicate", 0}}}),
      file("two", {{{"origin", "fog/a"}, {"similar", "fog/b"}}})};
  auto got = rows_of(options);
  ASSERT_EQ(got.size(), 3u) << "a question that nothing is near to is no would-be hit";
  EXPECT_EQ(got[0].probability, 0.97);
  EXPECT_TRUE(got[0].right);
  EXPECT_EQ(got[1].probability, 0.9);
  EXPECT_FALSE(got[1].right);
  EXPECT_EQ(got[2].source, 1u);
}

TEST_F(cache_replay_test, reads_what_is_nearest_among_all_that_is_kept) {
  cache_replay_options options;
  options.fill = file("kept", {{{"text", "rain/a"}, {"label", "wet"}},
                               {{"text", "sun/a"}, {"label", "dry"}},
                               {{"text", "fog/a"}, {"label", "oos"}}});
  options.files = {file("asked", {{{"text", "rain/b"}, {"label", "wet"}},
                                  {{"text", "sun/b"}, {"label", "wet"}},
                                  {{"text", "fog/b"}, {"label", "oos"}},
                                  {{"text", "rain/a"}, {"label", "dry"}}, // an exact hit
                                  {{"text", "snow/b"}, {"label", "wet"}}})};
  auto got = rows_of(options);
  ASSERT_EQ(got.size(), 3u);
  EXPECT_TRUE(got[0].right);
  EXPECT_FALSE(got[1].right);
  EXPECT_FALSE(got[2].right) << "out of scope has no answer";
}

TEST_F(cache_replay_test, a_line_that_is_none_is_named) {
  cache_replay_options options;
  options.files = {file("bad", {{{"a", "rain/a"}}})};
  auto got = read_replay_rows(options, judge_, judge_, [](auto&) {});
  ASSERT_FALSE(got);
  EXPECT_NE(message_of(got.error()).find("bad:1"), std::string::npos);
}

TEST_F(cache_replay_test, plays_ten_orders_of_each_kind_and_holds) {
  auto all = rows(4'000, 400);
  auto hard = rows(2'000, 4, 0.9, 1);
  all.insert(all.end(), hard.begin(), hard.end());
  auto below = rows(100, 2, 0.3);
  all.insert(all.end(), below.begin(), below.end());
  auto report = replay_rows(all, settings());
  EXPECT_EQ(report.rows, 6'000u);
  EXPECT_EQ(report.rows_all, 6'100u);
  EXPECT_EQ(report.wrong, 510u);
  ASSERT_EQ(report.kinds.size(), 4u);
  for (auto& kind : report.kinds) {
    SCOPED_TRACE(kind.name);
    EXPECT_EQ(kind.orders.size(), 10u);
    if (kind.name != "adversarial") { // for which error_bound_test has its own streams
      EXPECT_GE(kind.held(), 9u);
    }
    for (auto& x : kind.orders) {
      EXPECT_EQ(x.rows, 6'000u) << "every row, once";
      EXPECT_GT(x.served, 0u) << "or nothing is shown";
    }
  }
  EXPECT_NE(to_text(report).find("adversarial: held in "), std::string::npos);
  auto json = nlohmann::json::parse(to_json(report));
  EXPECT_EQ(json["runs"]["held"], report.kinds[1].held());
  EXPECT_EQ(json["drift"]["orders"].size(), 10u);
}

TEST_F(cache_replay_test, says_where_the_bound_did_not_hold) {
  // A prior that trusts what is wrong in one of five, so strongly that nothing changes it.
  auto with = settings();
  with.regions = {{0.95, 1e9, 0}};
  with.orders = 3;
  with.drift = false;
  with.adversarial = false;
  auto report = replay_rows(rows(40, 5), with);
  ASSERT_EQ(report.kinds.size(), 1u);
  EXPECT_EQ(report.kinds[0].held(), 0u);
  EXPECT_NE(to_text(report).find("random: held in 0 of 3"), std::string::npos);
}

TEST_F(cache_replay_test, repeats_rows_and_seeds) {
  auto with = settings();
  with.repeat = 5;
  auto all = rows(500, 100);
  auto one = replay_rows(all, with);
  EXPECT_EQ(one.rows, 500u);
  EXPECT_EQ(one.kinds[0].orders[0].rows, 2'500u);
  EXPECT_EQ(to_json(one), to_json(replay_rows(all, with)));
  with.seed = 2;
  EXPECT_EQ(to_json(replay_rows(all, with)).find("\"seed\": 1,"), std::string::npos);
}

} // namespace
} // namespace sluice
