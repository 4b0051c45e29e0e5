#include "cluster/cache_quality.hpp"

#include "cluster/node_metrics.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace sluice {

namespace {

constexpr std::string_view metrics =
    "# HELP sluice_cache_entries Answers kept, by level.\n"
    "# TYPE sluice_cache_entries gauge\n"
    "sluice_cache_entries{level=\"L1\"} 3\n"
    "sluice_cache_entries{level=\"L2\"} 4\n"
    "sluice_cache_bytes{level=\"L1\"} 1048576\n"
    "sluice_cache_lookups_total{level=\"L1\",result=\"hit\"} 7\n"
    "sluice_cache_lookups_total{level=\"none\",result=\"miss\"} 2\n"
    "sluice_cache_saved_nanousd_total 1500000000\n"
    "sluice_cache_saved_tokens_total 900\n"
    "sluice_cache_namespace_requests{level=\"L2\",namespace=\"ab\"} 5\n"
    "sluice_cache_namespace_served{namespace=\"ab\"} 5\n"
    "sluice_cache_namespace_verified{namespace=\"ab\"} 320\n"
    "sluice_cache_namespace_wrong{namespace=\"ab\"} 1\n"
    "sluice_cache_namespace_probability_min{namespace=\"ab\"} 0.94\n"
    "sluice_cache_namespace_error_rate{namespace=\"ab\",of=\"estimate\"} 0.003\n"
    "sluice_cache_namespace_error_rate{namespace=\"ab\",of=\"to\"} 0.009\n"
    "sluice_cache_namespace_requests{level=\"miss\",namespace=\"other\"} 1\n"
    "other_metric 1\n"
    "sluice_cache_broken{level=\"L1\n";

TEST(node_metrics_test, reads_samples_of_every_shape) {
  auto plain = read_sample("a_total 1.5");
  ASSERT_TRUE(plain);
  EXPECT_EQ(plain->name, "a_total");
  EXPECT_EQ(plain->value, 1.5);
  auto labelled = read_sample(R"(b{x="1",y="a \"b\" c"} 2)");
  ASSERT_TRUE(labelled);
  EXPECT_EQ(labelled->labels["y"], "a \"b\" c");
  EXPECT_EQ(labelled->value, 2);
  EXPECT_FALSE(read_sample("# HELP a b"));
  EXPECT_FALSE(read_sample(""));
  EXPECT_FALSE(read_sample("word"));
  EXPECT_FALSE(fetch_metrics("ftp://nowhere"));
}

TEST(cache_quality_test, is_read_out_of_the_metrics) {
  auto x = read_cache_quality(metrics);
  EXPECT_EQ(x.entries["L2"], 4);
  EXPECT_EQ(x.bytes["L1"], 1048576);
  EXPECT_EQ(x.lookups["L1"], 7);
  EXPECT_EQ(x.lookups["none"], 2);
  EXPECT_EQ(x.saved_nanousd, 1.5e9);
  ASSERT_EQ(x.namespaces.size(), 2u);
  auto& space = x.namespaces.front();
  EXPECT_EQ(space.name, "ab");
  EXPECT_EQ(space.requests["L2"], 5);
  EXPECT_EQ(space.verified, 320);
  EXPECT_EQ(space.wrong, 1);
  EXPECT_EQ(space.error_rate_to, 0.009);
}

TEST(cache_quality_test, is_told_to_people_and_machines) {
  auto x = read_cache_quality(metrics);
  auto text = to_text(x, true);
  EXPECT_NE(text.find("namespace ab"), std::string::npos);
  EXPECT_NE(text.find("from a probability of 0.940"), std::string::npos);
  EXPECT_NE(text.find("1.500000 USD"), std::string::npos);
  EXPECT_EQ(to_text(x, false).find("namespace"), std::string::npos);
  auto json = nlohmann::json::parse(to_json(x, true));
  EXPECT_EQ(json["namespaces"][0]["error_rate"][2], 0.009);
  EXPECT_FALSE(nlohmann::json::parse(to_json(x, false)).contains("namespaces"));
  EXPECT_NE(to_text({}, true).find("off"), std::string::npos);
}

} // namespace

} // namespace sluice
