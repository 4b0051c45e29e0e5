#include "actors/jobs/job.hpp"

#include "actors/jobs/job_output.hpp"
#include "tests/support/map_store.hpp"
#include "tests/support/random_test.hpp"

#include <caf/all.hpp>
#include <nlohmann/json.hpp>

#include <map>
#include <memory>
#include <optional>

namespace sluice {
namespace {

constexpr int64_t expiry = 1'000;

batch_object sample_batch(uint32_t lines) {
  batch_object x;
  x.id = "batch_1";
  x.owner.tenant = "acme";
  x.status = batch_status::in_progress;
  x.input_file_id = "file-1";
  x.output_file_id = "file-2";
  x.error_file_id = "file-3";
  x.expires_at = expiry;
  x.total = lines;
  return x;
}

/// A batch on a disk, and a process that executes it, dies, and is started again. What has been
/// written but not acknowledged may be lost with the process.
class job_test : public test::random_test {
protected:
  struct writing {
    store_changes changes;
    std::optional<uint32_t> line{}; ///< whose result it is
  };

  void begin(uint32_t lines) {
    auto batch = sample_batch(lines);
    store_changes changes{put(batch_key("acme", batch.id), to_record(batch)),
                          put(active_key(batch.id), "acme")};
    for (uint32_t i = 0; i < lines; ++i) {
      job_line line;
      line.custom_id = "id-" + std::to_string(i);
      line.body = "{}";
      changes.push_back(put(line_key(batch.id, i), to_record(line)));
    }
    disk.apply(changes);
    start();
  }

  void start() {
    auto stored = batch_of(disk.read(batch_key("acme", "batch_1")).value);
    ASSERT_TRUE(stored);
    process = std::make_unique<job>(std::move(*stored));
    asked.reset();
    running.clear();
    waiting.clear();
  }

  void acknowledge() {
    disk.apply(waiting.front().changes);
    if (waiting.front().line)
      process->written(*waiting.front().line);
    waiting.erase(waiting.begin());
  }

  /// In order, the writes that reached the disk before the process died.
  void die() {
    auto kept = below(waiting.size() + 1);
    for (size_t i = 0; i < kept; ++i)
      disk.apply(waiting[i].changes);
    start();
  }

  void keep(store_changes changes, std::optional<uint32_t> line = {}) {
    if (!changes.empty())
      waiting.push_back({std::move(changes), line});
  }

  void end_one() {
    auto i = below(running.size());
    auto line = running[i];
    running.erase(running.begin() + static_cast<std::ptrdiff_t>(i));
    if (below(8) == 0)
      return process->give_back(std::move(line));
    line_outcome outcome;
    outcome.answered = below(5) != 0;
    outcome.text = response_line({"batch_1", line.number, line.custom_id, "r"},
                                 outcome.answered ? 200 : 500, "{}");
    if (outcome.answered) {
      outcome.charge.attempt_id = "batch_1-" + std::to_string(line.number) + "-1";
      outcome.charge.cost = {7};
      outcome.charge.usage.output = 3;
    }
    keep(process->done(line, outcome), line.number);
  }

  void step() {
    switch (below(6)) {
    case 0:
      if (process->wants_lines())
        asked = process->ask();
      break;
    case 1:
      if (asked) {
        auto changes = process->fetched(disk.scan(*std::exchange(asked, std::nullopt)));
        ASSERT_TRUE(changes);
        keep(std::move(*changes));
      }
      break;
    case 2:
      if (running.size() < 4)
        if (auto line = process->take()) {
          ++executed[line->custom_id];
          running.push_back(std::move(*line));
        }
      break;
    case 3:
      if (!running.empty())
        end_one();
      break;
    case 4:
      if (!waiting.empty())
        acknowledge();
      break;
    default:
      keep(process->settle(now));
      break;
    }
  }

  bool over() const { return disk.count(active_prefix()) == 0; }

  /// How often each custom id stands in the two files.
  std::map<std::string, int> reported(uint64_t& bytes) const {
    std::map<std::string, int> result;
    for (auto file : {"file-2", "file-3"}) {
      store_scan all;
      all.prefix = pieces_prefix(file);
      all.limit = UINT32_MAX;
      all.bytes_max = UINT64_MAX;
      for (auto& x : disk.scan(all).entries) {
        bytes += x.value.size();
        ++result[nlohmann::json::parse(x.value)["custom_id"].get<std::string>()];
      }
    }
    return result;
  }

  batch_object stored() const { return *batch_of(disk.read(batch_key("acme", "batch_1")).value); }

  test::map_store disk;
  std::unique_ptr<job> process;
  std::optional<store_scan> asked;
  std::vector<job_line> running;
  std::vector<writing> waiting;
  std::map<std::string, int> executed;
  int64_t now = 1;
};

TEST_F(job_test, loses_no_line_and_reports_none_twice_whenever_the_process_dies) {
  for (int round = 0; round < 40; ++round) {
    disk = {};
    executed.clear();
    now = 1;
    auto lines = static_cast<uint32_t>(1 + below(120));
    begin(lines);
    auto deaths = 0;
    for (int steps = 0; !over(); ++steps) {
      ASSERT_LT(steps, 100'000);
      if (below(60) == 0 && deaths++ < 20)
        die();
      else
        step();
    }
    auto batch = stored();
    EXPECT_EQ(batch.status, batch_status::completed);
    EXPECT_EQ(batch.completed + batch.failed, lines);
    EXPECT_EQ(disk.count(lines_prefix(batch.id)), 0u);
    EXPECT_EQ(disk.count(charges_prefix(batch.id)), batch.completed);
    EXPECT_EQ(batch.cost.value, 7 * int64_t{batch.completed});
    EXPECT_EQ(batch.usage.output, 3 * int64_t{batch.completed});
    uint64_t bytes = 0;
    auto times = reported(bytes);
    EXPECT_EQ(times.size(), lines);
    for (auto& [id, count] : times) {
      EXPECT_EQ(count, 1) << id;
      EXPECT_GE(executed[id], 1) << id;
    }
    EXPECT_EQ(bytes, batch.output_bytes + batch.error_bytes);
    EXPECT_EQ(disk.count(files_prefix("acme")),
              size_t{batch.completed > 0} + size_t{batch.failed > 0});
  }
}

TEST_F(job_test, writes_down_as_expired_what_is_left_when_time_is_up) {
  for (int round = 0; round < 40; ++round) {
    disk = {};
    now = 1;
    auto lines = static_cast<uint32_t>(1 + below(120));
    begin(lines);
    auto late = below(400);
    for (uint64_t steps = 0; !over(); ++steps) {
      ASSERT_LT(steps, 100'000u);
      if (steps == late)
        now = expiry;
      if (below(100) == 0)
        die();
      keep(process->expire(now));
      step();
    }
    auto batch = stored();
    EXPECT_TRUE(batch.status == batch_status::expired || batch.status == batch_status::completed);
    EXPECT_EQ(batch.completed + batch.failed, lines);
    uint64_t bytes = 0;
    auto times = reported(bytes);
    EXPECT_EQ(times.size(), lines);
    for (auto& [id, count] : times)
      EXPECT_EQ(count, 1) << id;
    EXPECT_EQ(bytes, batch.output_bytes + batch.error_bytes);
  }
}

TEST_F(job_test, executes_no_further_line_once_it_is_cancelled) {
  for (int round = 0; round < 20; ++round) {
    disk = {};
    begin(50);
    auto late = below(200);
    std::map<std::string, int> before;
    for (uint64_t steps = 0; !over(); ++steps) {
      ASSERT_LT(steps, 100'000u);
      if (steps == late) {
        keep(process->cancel(2));
        before = executed;
      }
      step();
      if (steps > late) {
        ASSERT_EQ(executed, before);
      }
    }
    EXPECT_EQ(stored().status, batch_status::cancelled);
    EXPECT_EQ(disk.count(lines_prefix("batch_1")), 0u);
    uint64_t bytes = 0;
    EXPECT_EQ(reported(bytes).size(), stored().completed + stored().failed);
    executed.clear();
  }
}

TEST(job_steps_test, a_file_that_is_not_in_order_fails_the_batch) {
  auto batch = sample_batch(0);
  batch.status = batch_status::validating;
  job x{batch};
  EXPECT_TRUE(x.settle(1).empty());
  EXPECT_FALSE(x.refused({{"empty_file", "no", "", 0}}, 5).empty());
  EXPECT_EQ(x.batch().status, batch_status::failed);
  EXPECT_EQ(x.batch().failed_at, 5);
  EXPECT_TRUE(x.cancel(6).empty());
  EXPECT_TRUE(x.settle(6).empty());
}

TEST(job_steps_test, can_be_cancelled_while_its_file_is_read) {
  auto batch = sample_batch(0);
  batch.status = batch_status::validating;
  job x{batch};
  EXPECT_FALSE(x.cancel(2).empty());
  EXPECT_TRUE(x.cancel(2).empty()) << "once is enough";
  EXPECT_TRUE(x.validated(3, 3).empty());
  EXPECT_FALSE(x.settle(4).empty());
  EXPECT_EQ(x.batch().status, batch_status::cancelled);
  EXPECT_EQ(x.batch().cancelled_at, 4);
}

TEST(job_record_test, keeps_every_field) {
  auto batch = sample_batch(3);
  batch.owner = {"acme", "search", "ada", "key", {"fast", "slow"}};
  batch.kind = endpoint::embeddings;
  batch.metadata = R"({"a":"b"})";
  batch.errors = {{"c", "m", "p", 4}, {"d", "", "", 0}};
  batch.usage = {1, 2, 3, 4, 5};
  batch.cost = {6};
  auto read = batch_of(to_record(batch));
  ASSERT_TRUE(read);
  EXPECT_EQ(caf::deep_to_string(*read), caf::deep_to_string(batch));
  job_charge charge{"batch_1-2-1", "acme", "openai/gpt", "file", 9, {1, 2, 3, 4, 5}, {6}};
  auto charged = charge_of(to_record(charge));
  ASSERT_TRUE(charged);
  EXPECT_EQ(charged->attempt_id, charge.attempt_id);
  EXPECT_EQ(charged->usage, charge.usage);
}

} // namespace
} // namespace sluice
