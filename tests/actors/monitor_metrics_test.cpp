#include "actors/monitor/request_metrics.hpp"
#include "tests/support/sample_record.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <map>
#include <set>
#include <sstream>

namespace sluice {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::Not;

const wall_time day = test::sample_record().at;

/// The samples of a text by name and sorted labels: `name{a="1",b="2"}`.
std::map<std::string, double> samples_of(const std::string& text) {
  std::map<std::string, double> result;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) {
    if (line.starts_with('#'))
      continue;
    auto blank = line.rfind(' ');
    auto name = line.substr(0, blank);
    if (auto open = name.find('{'); open != std::string::npos) {
      std::set<std::string> labels;
      std::istringstream list(name.substr(open + 1, name.size() - open - 2));
      for (std::string label; std::getline(list, label, ',');)
        labels.insert(label);
      name.resize(open + 1);
      for (const auto& label : labels)
        name += label + ",";
      name.back() = '}';
    }
    result[name] = std::stod(line.substr(blank + 1));
  }
  return result;
}

class request_metrics_test : public testing::Test {
protected:
  request_metrics metrics{{"1.2.3", {"small", "large"}, {100'000'000'000}}};
  steady_time now{1'000s};

  void add(request_record x) {
    loop_report report;
    report.requests.push_back(std::move(x));
    metrics.add(report, now);
  }
  std::string text(wall_time wall = day) { return metrics.text({now, wall, {}, 0}); }
  double sample(const std::string& name) {
    auto all = samples_of(text());
    auto found = all.find(name);
    if (found == all.end()) {
      ADD_FAILURE() << "no sample " << name << " in\n" << text();
      return -1;
    }
    return found->second;
  }
};

TEST_F(request_metrics_test, counts_requests_by_outcome) {
  add(test::sample_record());
  add(test::sample_record());
  auto failed = test::sample_record();
  failed.status = 504;
  failed.error = ec::upstream_timeout;
  add(failed);
  EXPECT_EQ(sample(R"(sluice_requests_total{model="small",provider="sim",)"
                   R"(route="/v1/chat/completions",status="200"})"),
            2);
  EXPECT_EQ(sample(R"(sluice_requests_total{error="upstream_timeout",model="small",)"
                   R"(provider="sim",route="/v1/chat/completions",status="504"})"),
            1);
}

TEST_F(request_metrics_test, tells_attempts_retries_and_fallbacks_apart) {
  add(test::sample_record());
  EXPECT_EQ(sample(R"(sluice_upstream_attempts_total{model="small"})"), 3);
  EXPECT_EQ(sample(R"(sluice_upstream_retries_total{model="small"})"), 1);
  EXPECT_EQ(sample(R"(sluice_upstream_fallbacks_total{model="small"})"), 1);
}

TEST_F(request_metrics_test, overhead_is_what_upstreams_did_not_take) {
  add(test::sample_record());
  auto route = std::string{R"(route="/v1/chat/completions"})"};
  EXPECT_NEAR(sample("sluice_overhead_seconds_sum{" + route), 0.0001, 1e-9);
  EXPECT_EQ(sample(R"(sluice_overhead_seconds_bucket{le="5e-05",)" + route), 0);
  EXPECT_EQ(sample(R"(sluice_overhead_seconds_bucket{le="0.00015",)" + route), 1);
  auto refused = test::sample_record();
  refused.error = ec::overloaded;
  add(refused);
  EXPECT_EQ(sample("sluice_overhead_seconds_count{" + route), 1);
}

TEST_F(request_metrics_test, counts_tokens_by_bucket_and_cost_by_tenant) {
  add(test::sample_record());
  for (auto [bucket, count] : std::map<std::string, double>{
           {"input", 10}, {"cache_read", 20}, {"cache_write", 30}, {"output", 4}, {"reasoning", 5}})
    EXPECT_EQ(sample("sluice_tokens_total{bucket=\"" + bucket +
                     R"(",model="small",provider="sim",tenant="acme"})"),
              count);
  EXPECT_EQ(sample(R"(sluice_cost_nanousd_total{model="small",provider="sim",tenant="acme"})"),
            1'234'000);
}

TEST_F(request_metrics_test, answers_without_usage_are_counted_as_such) {
  auto x = test::sample_record();
  x.usage_known = false;
  add(x);
  EXPECT_EQ(sample(R"(sluice_usage_unknown_total{model="small"})"), 1);
}

TEST_F(request_metrics_test, speaks_the_genai_conventions) {
  add(test::sample_record());
  auto labels = std::string{R"(gen_ai_operation_name="chat",)"
                            R"(gen_ai_provider_name="sluice.simulated",)"
                            R"(gen_ai_request_model="small",gen_ai_response_model="sim-small")"};
  EXPECT_NEAR(sample("gen_ai_server_request_duration_seconds_sum{" + labels + "}"), 0.2501, 1e-9);
  EXPECT_NEAR(sample("gen_ai_client_operation_duration_seconds_sum{" + labels + "}"), 0.25, 1e-9);
  EXPECT_NEAR(sample("gen_ai_server_time_to_first_token_seconds_sum{" + labels + "}"), 0.01, 1e-9);
  EXPECT_NEAR(sample("gen_ai_server_time_per_output_token_seconds_sum{" + labels + "}"), 0.2401 / 8,
              1e-9);
  EXPECT_EQ(sample("gen_ai_client_token_usage_sum{" + labels + R"(,gen_ai_token_type="input"})"),
            60);
  EXPECT_EQ(sample("gen_ai_client_token_usage_sum{" + labels + R"(,gen_ai_token_type="output"})"),
            9);
}

TEST_F(request_metrics_test, errors_carry_an_error_type) {
  auto x = test::sample_record();
  x.error = ec::upstream_failed;
  add(x);
  EXPECT_THAT(text(), HasSubstr(R"(error_type="upstream_failed")"));
  EXPECT_THAT(text(), Not(HasSubstr("gen_ai_server_time_to_first_token_seconds_count")));
}

TEST_F(request_metrics_test, users_keys_and_teams_are_never_labels) {
  add(test::sample_record());
  for (auto secret : {"ann", "key_1", "req_01", "search"})
    EXPECT_THAT(text(), Not(HasSubstr("\"" + std::string{secret} + "\"")));
}

TEST_F(request_metrics_test, a_model_that_is_not_configured_is_other) {
  for (int i = 0; i < 10; ++i) {
    auto x = test::sample_record();
    x.deployment = x.provider = x.provider_kind = x.upstream_model = "";
    x.model = "invented-" + std::to_string(i);
    x.status = 404;
    x.error = ec::model_not_found;
    add(x);
  }
  EXPECT_THAT(text(), Not(HasSubstr("invented")));
  EXPECT_EQ(sample(R"(sluice_requests_total{error="model_not_found",model="other",)"
                   R"(route="/v1/chat/completions",status="404"})"),
            10);
}

TEST_F(request_metrics_test, counts_alarms_of_budgets_and_refused_tokens) {
  EXPECT_THAT(text(), Not(HasSubstr("sluice_budget_alarms_total{")));
  ledger_report told;
  told.alarms = {{0, 1}, {80, 2}};
  told.refused_tokens = 3;
  metrics.add(told);
  metrics.add(told);
  EXPECT_EQ(sample(R"(sluice_budget_alarms_total{percent="80"})"), 4);
  EXPECT_EQ(sample(R"(sluice_budget_alarms_total{percent="foreseen"})"), 2);
  EXPECT_EQ(sample("sluice_token_limit_refused_total"), 6);
}

TEST_F(request_metrics_test, keeps_the_names_of_existing_dashboards) {
  EXPECT_THAT(text(), HasSubstr("avg_response_time Nan"));
  add(test::sample_record());
  auto health = request_record{};
  health.route = "/healthz";
  health.duration = 10s;
  add(health);
  EXPECT_NEAR(sample("avg_response_time"), 250.1, 1e-6);
  EXPECT_EQ(sample(R"(model_distribution{model="sim-small"})"), 1);
  EXPECT_NEAR(sample("daily_cost"), 0.001234, 1e-12);
  EXPECT_EQ(sample("daily_budget"), 100);
}

TEST_F(request_metrics_test, daily_cost_begins_again_at_midnight_utc) {
  add(test::sample_record());
  EXPECT_EQ(samples_of(text(day + 2h))["daily_cost"], 0.001234);
  EXPECT_EQ(samples_of(text(day + 3h))["daily_cost"], 0);
  add(test::sample_record()); // late: of the day before
  EXPECT_EQ(samples_of(text(day + 3h))["daily_cost"], 0);
}

TEST_F(request_metrics_test, sums_loops_and_forgets_their_past) {
  metrics.add(loop_report{0, {}, 3, 10, 2, 5, 1}, now);
  metrics.add(loop_report{1, {}, 0, 20, 4, 5, 0}, now);
  metrics.add(loop_report{0, {}, 0, 1, 1, 1, 0}, now);
  EXPECT_EQ(sample("sluice_connections"), 21);
  EXPECT_EQ(sample("sluice_requests_in_flight"), 5);
  EXPECT_EQ(sample("sluice_connections_accepted_total"), 11);
  EXPECT_EQ(sample("sluice_connections_refused_total"), 1);
  EXPECT_EQ(sample("sluice_request_records_dropped_total"), 3);
}

TEST_F(request_metrics_test, sums_upstream_pools_and_counts_open_breakers) {
  metrics.add(upstream_report{0, "sim", 1, 2, 3, 4, 5, {{"sim/a", true}, {"sim/b", false}}});
  metrics.add(upstream_report{1, "sim", 10, 20, 30, 40, 50, {{"sim/a", true}, {"sim/b", false}}});
  EXPECT_EQ(sample(R"(sluice_upstream_connections{provider="sim",state="idle"})"), 11);
  EXPECT_EQ(sample(R"(sluice_upstream_connections{provider="sim",state="busy"})"), 22);
  EXPECT_EQ(sample(R"(sluice_upstream_waiting{provider="sim"})"), 33);
  EXPECT_EQ(sample(R"(sluice_upstream_connects_total{provider="sim"})"), 44);
  EXPECT_EQ(sample(R"(sluice_upstream_connect_failures_total{provider="sim"})"), 55);
  EXPECT_EQ(sample(R"(sluice_upstream_breakers_open{deployment="sim/a"})"), 0);
  EXPECT_EQ(sample(R"(sluice_upstream_breakers_open{deployment="sim/b"})"), 2);
  metrics.add(upstream_report{1, "sim", 0, 0, 0, 0, 0, {{"sim/b", true}}});
  EXPECT_EQ(sample(R"(sluice_upstream_breakers_open{deployment="sim/b"})"), 1);
}

TEST_F(request_metrics_test, tells_version_process_and_lost_log_lines) {
  process_stats process{1'000, 2'000, 3, 4, 5, 1'500ms, 1'700'000'000'500ms};
  auto all = samples_of(metrics.text({now, day, process, 7}));
  all = samples_of(metrics.text({now, day, process, 7})); // asking twice counts nothing twice
  EXPECT_EQ(all[R"(sluice_build_info{version="1.2.3"})"], 1);
  EXPECT_EQ(all["process_resident_memory_bytes"], 1'000);
  EXPECT_EQ(all["process_open_fds"], 3);
  EXPECT_EQ(all["process_cpu_seconds_total"], 1.5);
  EXPECT_EQ(all["process_start_time_seconds"], 1'700'000'000.5);
  EXPECT_EQ(all["sluice_log_lines_dropped_total"], 7);
}

TEST(request_counters_test, at_its_bound_it_counts_under_other) {
  prometheus::Registry registry;
  request_families families(registry);
  request_counters counters(families, {"small"}, 2);
  for (int i = 0; i < 5; ++i) {
    auto x = test::sample_record();
    x.tenant = "tenant-" + std::to_string(i);
    x.status = static_cast<uint16_t>(200 + i);
    counters.add(x);
  }
  EXPECT_EQ(counters.overflowed(), 6u); // three outcomes and three spendings
  double requests = 0;
  for (const auto& x : families.requests.Collect())
    for (const auto& metric : x.metric)
      requests += metric.counter.value;
  EXPECT_EQ(requests, 5);
  double cost = 0;
  for (const auto& x : families.cost.Collect())
    for (const auto& metric : x.metric)
      cost += metric.counter.value;
  EXPECT_EQ(cost, 5 * 1'234'000);
}

TEST(recent_average_test, forgets_after_a_minute) {
  recent_average average;
  steady_time t{5s};
  EXPECT_FALSE(average.mean(t));
  average.add(10ms, t);
  average.add(20ms, t + 30s);
  EXPECT_EQ(average.mean(t + 59s), 15ms);
  EXPECT_EQ(average.mean(t + 60s), 20ms);
  average.add(40ms, t + 60s);
  EXPECT_EQ(average.mean(t + 60s), 30ms);
  EXPECT_FALSE(average.mean(t + 120s));
}

TEST(process_stats_test, reads_what_the_kernel_writes) {
  auto x = parse_proc_stat("42 (a ) b) S 1 42 42 0 -1 4194560 300 0 0 0 150 50 0 0 20 0 7 0 "
                           "12345 8192000 250 18446744073709551615 1\n",
                           {100, 4096, 1'700'000'000});
  EXPECT_EQ(x.cpu, 2s);
  EXPECT_EQ(x.threads, 7);
  EXPECT_EQ(x.started_at, 1'700'000'123'450ms);
  EXPECT_EQ(x.virtual_bytes, 8'192'000);
  EXPECT_EQ(x.resident_bytes, 250 * 4096);
  EXPECT_EQ(parse_boot_time("cpu 1 2\nbtime 1700000000\nx 1\n"), 1'700'000'000);
}

TEST_F(request_metrics_test, what_was_shared_is_counted_with_the_one_that_pays) {
  auto paid = test::sample_record();
  auto joined = paid;
  joined.attempts = 1;
  joined.fallbacks = 0;
  joined.share.joined = true;
  joined.share.cost_known = true;
  joined.cost = {};
  add(paid);
  add(joined);
  EXPECT_EQ(sample(R"(sluice_merged_requests_total{model="small"})"), 1);
  EXPECT_EQ(sample(R"(sluice_upstream_attempts_total{model="small"})"), 3);
  EXPECT_EQ(sample(R"(sluice_tokens_total{bucket="input",model="small",provider="sim",)"
                   R"(tenant="acme"})"),
            10);
}

TEST_F(request_metrics_test, what_packing_saved_and_lost_is_counted_by_tenant) {
  EXPECT_THAT(text(), Not(HasSubstr("sluice_packed")));
  auto packed = test::sample_record();
  packed.share.packed = 4;
  packed.share.packed_valid = 2;
  packed.share.input_saved = 300;
  add(packed);
  add(packed);
  packed.share.joined = true;
  add(packed);
  auto again = test::sample_record();
  again.share.rerun = true;
  again.share.input_saved = -50;
  add(again);
  EXPECT_EQ(sample(R"(sluice_packed_requests_total{tenant="acme"})"), 2);
  EXPECT_EQ(sample(R"(sluice_pack_saved_input_tokens_total{tenant="acme"})"), 600);
  EXPECT_EQ(sample(R"(sluice_pack_saved_calls_total{tenant="acme"})"), 1);
  EXPECT_EQ(sample(R"(sluice_pack_rerun_total{tenant="acme"})"), 1);
  EXPECT_EQ(sample(R"(sluice_pack_lost_input_tokens_total{tenant="acme"})"), 50);
}

TEST_F(request_metrics_test, mergers_of_all_loops_are_added_up) {
  EXPECT_THAT(text(), Not(HasSubstr("sluice_merge_flights")));
  metrics.add(merge_report{0, 2, 5, 7, 8, 1});
  metrics.add(merge_report{1, 1, 1, 1, 0, 0});
  metrics.add(merge_report{0, 0, 0, 1, 1, 0});
  EXPECT_EQ(sample("sluice_merge_flights"), 1);
  EXPECT_EQ(sample("sluice_merge_members"), 1);
  EXPECT_EQ(sample("sluice_merge_calls_total"), 9);
  EXPECT_EQ(sample("sluice_merge_joined_total"), 9);
  EXPECT_EQ(sample("sluice_merge_retries_total"), 1);
}

TEST(process_stats_test, leaves_zeros_where_the_text_is_not_as_expected) {
  for (auto text : {"", "42", "42 (x", "42 (x) S", "42 (x) S a b c d"})
    EXPECT_EQ(parse_proc_stat(text, {}).resident_bytes, 0) << text;
  EXPECT_EQ(parse_boot_time("cpu"), 0);
}

TEST(process_stats_test, knows_this_process) {
  auto x = read_process_stats();
  EXPECT_GT(x.resident_bytes, 0);
  EXPECT_GT(x.open_fds, 0);
  EXPECT_GT(x.started_at.count(), 0);
}

TEST_F(request_metrics_test, shows_what_the_cache_answers_and_holds) {
  EXPECT_EQ(text().find("cache_hit_rate "), std::string::npos) << "no figure without a cache";
  EXPECT_THAT(text(), Not(HasSubstr("sluice_cache_")));
  loop_report report;
  request_record x;
  x.inference = true;
  x.cache = cache_result::miss;
  report.requests.push_back(x);
  x.cache = cache_result::hot;
  x.cache_saved = {70};
  report.requests.insert(report.requests.end(), 3, x);
  x.cache = cache_result::unasked;
  report.requests.push_back(x);
  metrics.add(report, now);
  metrics.add(cache_report{0, 10, 1'000, 5, 1, 2, 3});
  metrics.add(cache_report{1, 4, 500, 1, 0, 0, 0});
  metrics.add(cache_report{0, 11, 1'100, 1, 0, 0, 0});
  EXPECT_EQ(sample("cache_hit_rate"), 0.75);
  EXPECT_EQ(sample(R"(sluice_cache_lookups_total{level="L1",result="hit"})"), 3);
  EXPECT_EQ(sample(R"(sluice_cache_lookups_total{level="none",result="miss"})"), 1);
  EXPECT_EQ(sample("sluice_cache_saved_nanousd_total"), 210);
  EXPECT_EQ(sample(R"(sluice_cache_entries{level="L1"})"), 15);
  EXPECT_EQ(sample(R"(sluice_cache_bytes{level="L1"})"), 1'600);
  EXPECT_EQ(sample("sluice_cache_stored_total"), 7);
  EXPECT_EQ(sample("sluice_cache_refused_total"), 1);
  EXPECT_EQ(sample("sluice_cache_evicted_total"), 2);
  EXPECT_EQ(sample("sluice_cache_expired_total"), 3);
}

TEST_F(request_metrics_test, shows_what_the_jobs_hold_and_did) {
  jobs_report report;
  report.batches = {{"in_progress", 2}, {"cancelling", 0}};
  report.lines_under_way = 3;
  report.lines_handed_over = 500;
  report.ended = {{"completed", 1}};
  report.lines = {{"own", 4, 1, {70}}, {"openai", 90, 0, {35}}};
  report.parts_handed_over = 2;
  report.lines_taken_back = 6;
  metrics.add(report);
  metrics.add(report);
  EXPECT_EQ(sample(R"(sluice_jobs_batches{status="in_progress"})"), 2);
  EXPECT_EQ(sample(R"(sluice_jobs_batches{status="cancelling"})"), 0);
  EXPECT_EQ(sample(R"(sluice_jobs_lines_in_work{way="provider"})"), 500);
  EXPECT_EQ(sample(R"(sluice_jobs_batches_ended_total{status="completed"})"), 2);
  EXPECT_EQ(sample(R"(sluice_jobs_lines_total{outcome="answered",way="openai"})"), 180);
  EXPECT_EQ(sample(R"(sluice_jobs_lines_total{outcome="failed",way="own"})"), 2);
  EXPECT_EQ(sample(R"(sluice_jobs_cost_nanousd_total{way="openai"})"), 70);
  EXPECT_EQ(sample("sluice_jobs_parts_total"), 4);
  EXPECT_EQ(sample("sluice_jobs_lines_taken_back_total"), 12);
}

TEST_F(request_metrics_test, nobody_waited_for_what_a_providers_batch_answered) {
  auto x = test::sample_record();
  x.handed_over = true;
  x.attempts = 0;
  x.streamed = false;
  add(x);
  auto shown = text();
  EXPECT_THAT(shown, HasSubstr("sluice_cost_nanousd_total{"));
  EXPECT_THAT(shown, HasSubstr("avg_response_time Nan"));
  EXPECT_EQ(
      sample(
          R"(sluice_request_duration_seconds_count{model="small",route="/v1/chat/completions"})"),
      0);
}

} // namespace
} // namespace sluice
