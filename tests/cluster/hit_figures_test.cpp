#include "cluster/bench/hit_figures.hpp"

#include "cluster/bench/cache_bench_rows.hpp"
#include "runtime/ec.hpp"
#include "tests/support/temporary_folder.hpp"

#include <gmock/gmock.h>

#include <fstream>

namespace sluice {
namespace {

using testing::HasSubstr;

TEST(hit_figures_test, area_counts_pairs_in_order_and_ties_by_half) {
  using list = std::vector<scored_pair>;
  EXPECT_DOUBLE_EQ(area_under_curve(list{{0.9, true, {}}, {0.1, false, {}}}), 1);
  EXPECT_DOUBLE_EQ(area_under_curve(list{{0.1, true, {}}, {0.9, false, {}}}), 0);
  EXPECT_DOUBLE_EQ(area_under_curve(list{{0.5, true, {}}, {0.5, false, {}}}), 0.5);
  EXPECT_DOUBLE_EQ(
      area_under_curve(list{{4, true, {}}, {3, false, {}}, {2, true, {}}, {1, false, {}}}), 0.75);
  EXPECT_DOUBLE_EQ(area_under_curve(list{{4, true, {}}}), 0.5);
}

TEST(hit_figures_test, hit_share_is_the_greatest_within_the_error) {
  std::vector<scored_pair> pairs{{5, true, {}}, {4, false, {}}, {3, true, {}}, {2, true, {}}};
  EXPECT_DOUBLE_EQ(hit_share_at(pairs, 0), 0.25);
  // One of four is wrong: the first error is made good by what follows.
  EXPECT_DOUBLE_EQ(hit_share_at(pairs, 0.25), 1);
  EXPECT_DOUBLE_EQ(hit_share_at({}, 0.5), 0);
}

TEST(hit_figures_test, equal_scores_are_served_together) {
  std::vector<scored_pair> pairs{{1, true, {}}, {1, false, {}}};
  EXPECT_DOUBLE_EQ(hit_share_at(pairs, 0.1), 0);
  EXPECT_DOUBLE_EQ(hit_share_at(pairs, 0.5), 1);
}

TEST(hit_figures_test, a_threshold_serves_what_reaches_it) {
  std::vector<scored_pair> pairs{
      {0.9, true, "x"}, {0.9, false, "x"}, {0.8, false, "x"}, {0.1, false, "y"}};
  auto served = served_at(pairs, 0.9);
  EXPECT_DOUBLE_EQ(served.hit_rate, 0.5);
  EXPECT_DOUBLE_EQ(served.error_rate, 0.5);
  auto traps = wrongly_served(pairs, 0.9);
  EXPECT_DOUBLE_EQ(traps["x"], 0.5);
  EXPECT_DOUBLE_EQ(traps["y"], 0);
}

class cache_bench_rows_test : public testing::Test {
protected:
  std::filesystem::path file(const std::string& text) {
    auto path = folder_.path() / "rows.jsonl";
    std::ofstream(path) << text;
    return path;
  }
  test::temporary_folder folder_;
};

TEST_F(cache_bench_rows_test, reads_both_shapes_of_pairs) {
  auto rows = read_pairs(file("{\"a\":\"x\",\"b\":\"y\",\"duplicate\":0,\"category\":\"c\"}\n\n"
                              "{\"origin\":\"x\",\"similar\":\"z\"}\n"));
  ASSERT_TRUE(rows) << message_of(rows.error());
  ASSERT_EQ(rows->size(), 2U);
  EXPECT_FALSE((*rows)[0].duplicate);
  EXPECT_EQ((*rows)[0].category, "c");
  EXPECT_TRUE((*rows)[1].duplicate);
}

TEST_F(cache_bench_rows_test, names_file_and_line_of_a_bad_row) {
  for (const auto* bad : {"{", "[]", "{\"a\":\"x\",\"b\":1,\"duplicate\":1}",
                          "{\"a\":\"x\",\"b\":\"y\",\"duplicate\":2}"}) {
    auto rows = read_pairs(file(std::string{"{\"origin\":\"x\",\"similar\":\"z\"}\n"} + bad));
    ASSERT_FALSE(rows) << bad;
    EXPECT_THAT(message_of(rows.error()), HasSubstr("rows.jsonl:2"));
  }
  EXPECT_FALSE(read_labelled(file("")));
  EXPECT_FALSE(read_labelled(folder_.path() / "missing.jsonl"));
}

} // namespace
} // namespace sluice
