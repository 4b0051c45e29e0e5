#include "cluster/batch_status.hpp"

#include <nlohmann/json.hpp>

#include <gtest/gtest.h>

namespace sluice {
namespace {

constexpr std::string_view metrics = R"(# HELP sluice_batch_calls_total Upstream calls.
# TYPE sluice_batch_calls_total counter
sluice_batch_calls_total{deployment="a/m",endpoint="embeddings"} 4
sluice_batch_requests_total{deployment="a/m",endpoint="embeddings"} 10
sluice_batch_calls_limit{deployment="a/m",endpoint="embeddings"} 2
sluice_batch_calls_limit_reason{deployment="a/m",endpoint="embeddings",reason="start"} 0
sluice_batch_calls_limit_reason{deployment="a/m",endpoint="embeddings",reason="trying more"} 1
sluice_batch_decisions_total{deployment="a/m",endpoint="embeddings",reason="full"} 3
sluice_batch_latency_base_seconds{deployment="a/m",endpoint="embeddings"} 0.275
sluice_batch_reruns_total{deployment="a/m",endpoint="embeddings"} 6
sluice_batch_waiting{deployment="b/\"x\"",endpoint="completions"} 7
batch_throughput 12.5
sluice_batch_broken{deployment="a/m
)";

TEST(batch_status_test, reads_each_batcher) {
  auto found = read_batch_status(metrics);
  ASSERT_EQ(found.size(), 2U);
  EXPECT_EQ(found[0].deployment, "a/m");
  EXPECT_EQ(found[0].endpoint, "embeddings");
  EXPECT_EQ(found[0].calls, 4);
  EXPECT_EQ(found[0].requests, 10);
  EXPECT_EQ(found[0].calls_reason, "trying more");
  EXPECT_EQ(found[0].decisions.at("full"), 3);
  EXPECT_EQ(found[0].base_s, 0.275);
  EXPECT_EQ(found[0].reruns, 6);
  EXPECT_EQ(found[1].deployment, "b/\"x\"");
  EXPECT_EQ(found[1].waiting, 7);
}

TEST(batch_status_test, shows_what_it_read) {
  auto found = read_batch_status(metrics);
  auto text = to_text(found);
  EXPECT_NE(text.find("mean size 2.50"), std::string::npos) << text;
  EXPECT_NE(text.find("trying more"), std::string::npos);
  EXPECT_NE(text.find("6 asked again alone"), std::string::npos);
  auto json = nlohmann::json::parse(to_json(found));
  EXPECT_EQ(json[0]["base_ms"], 275.0);
  EXPECT_EQ(json[1]["waiting"], 7);
}

TEST(batch_status_test, says_so_where_there_is_nothing) {
  EXPECT_TRUE(read_batch_status("").empty());
  EXPECT_EQ(to_text({}), "No batcher has made a call yet.\n");
  EXPECT_EQ(to_json({}), "[]\n");
}

} // namespace
} // namespace sluice
