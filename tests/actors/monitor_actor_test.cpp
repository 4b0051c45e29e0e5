#include "actors/monitor/monitor_actor.hpp"
#include "tests/support/deterministic_system.hpp"
#include "tests/support/sample_record.hpp"

#include <gmock/gmock.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <unistd.h>

namespace sluice {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

class monitor_test : public test::deterministic_system {
protected:
  monitor_test() {
    auto pattern = (fs::temp_directory_path() / "sluice-monitor-XXXXXX").string();
    folder_ = ::mkdtemp(pattern.data());
    log_settings settings;
    settings.file = folder_ / "log";
    settings.format = "json";
    log = *node_log::open(settings);
    actor = spawn(monitor, metrics_settings{"1.2.3", {"small"}, {}}, log);
  }
  ~monitor_test() override { fs::remove_all(folder_); }

  static loop_report report_of(size_t requests) {
    loop_report result;
    result.requests.assign(requests, test::sample_record());
    return result;
  }
  std::string logged() const {
    std::ifstream in(folder_ / "log");
    return (std::ostringstream{} << in.rdbuf()).str();
  }

  std::shared_ptr<node_log> log;
  monitor_actor actor;

private:
  fs::path folder_;
};

TEST_F(monitor_test, answers_a_report_with_the_number_of_records_taken) {
  EXPECT_EQ(ask<uint32_t>(actor, report_of(3)), 3u);
  EXPECT_EQ(ask<uint32_t>(actor, report_of(0)), 0u);
}

TEST_F(monitor_test, has_logged_what_it_answers_for) {
  ASSERT_TRUE(ask<uint32_t>(actor, report_of(2)));
  auto text = logged();
  EXPECT_EQ(std::ranges::count(text, '\n'), 2);
  EXPECT_THAT(text, HasSubstr("\"request_id\":\"req_01\""));
}

TEST_F(monitor_test, tells_the_metrics) {
  ASSERT_TRUE(ask<uint32_t>(actor, report_of(2)));
  caf::anon_send(actor, upstream_report{0, "sim", 1, 2, 3, 4, 5, {}});
  auto text = ask<std::string>(actor, metrics_query{});
  ASSERT_TRUE(text);
  EXPECT_THAT(*text, HasSubstr("model_distribution{model=\"sim-small\"} 2"));
  EXPECT_THAT(*text, HasSubstr("sluice_upstream_waiting{provider=\"sim\"} 3"));
  EXPECT_THAT(*text, HasSubstr("sluice_build_info{version=\"1.2.3\"} 1"));
}

TEST_F(monitor_test, the_average_forgets_with_the_actors_clock) {
  ASSERT_TRUE(ask<uint32_t>(actor, report_of(1)));
  EXPECT_THAT(*ask<std::string>(actor, metrics_query{}), HasSubstr("avg_response_time 250.1"));
  pass(std::chrono::seconds{61});
  EXPECT_THAT(*ask<std::string>(actor, metrics_query{}), HasSubstr("avg_response_time Nan"));
}

TEST_F(monitor_test, counts_without_a_log) {
  auto silent = spawn(monitor, metrics_settings{}, nullptr);
  EXPECT_EQ(ask<uint32_t>(silent, report_of(2)), 2u);
}

} // namespace
} // namespace sluice
