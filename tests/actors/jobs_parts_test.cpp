#include "tests/actors/fake_batch_provider.hpp"
#include "tests/actors/jobs_fixture.hpp"
#include "tests/support/random_test.hpp"

#include <set>

namespace sluice {
namespace {

using namespace std::chrono_literals;

/// The provider has a batch endpoint, at half the price.
class jobs_parts_test : public test::jobs_fixture {
protected:
  jobs_parts_test() {
    auto& endpoint = settings->providers[0].batch_endpoint;
    endpoint.enabled = true;
    endpoint.lines_max = 100;
    endpoint.poll_interval = 1s;
    settings->limits.request_timeout = 1min;
    provider->now = [this] { return wall.time_since_epoch() / 1s; };
    upstream = spawn(test::fake_batch_provider, provider);
    auto before = [this] { return dead || ++step == dies_at; };
    auto after = [this] { return dead || ++step == dies_at; };
    provider->dies_before = disk->dies_before = [this, before] { return dead = before(); };
    provider->dies_after = disk->dies_after = [this, after] { return dead = after(); };
    begin();
  }

  void kill() {
    caf::anon_send_exit(worker, caf::exit_reason::kill);
    sched.run();
    dead = false;
    begin();
  }

  void wait(std::chrono::seconds time) {
    for (auto i = 0s; i < time && !dead; i += 1s) {
      wall += 1s;
      pass(1s);
    }
  }

  /// A batch of which no line has been taken yet.
  std::string held_back(const std::string& content) {
    busy = settings->limits.in_flight_max;
    auto id = started(content);
    busy = 0;
    provider->batches.clear();
    return id;
  }

  /// Lets time pass until the batch is over and nothing is left at the provider; where the process
  /// dies it is started again.
  batch_object over(const std::string& id) {
    for (int i = 0; i < 4'000; ++i) {
      wait(1s);
      if (dead)
        kill();
      auto x = batch_of(disk->values.read(batch_key("acme", id)).value);
      if (x && is_over(x->status) && disk->values.count(parts_prefix()) == 0)
        return *x;
    }
    ADD_FAILURE() << "the batch is not over";
    return found(id);
  }

  /// Every line is in one of the files, once.
  void expect_whole(const batch_object& x, int lines) {
    std::multiset<std::string> ids;
    for (auto& file : {x.output_file_id, x.error_file_id})
      if (disk->values.count(file_key("acme", file)) > 0)
        for (auto& line : lines_of(file))
          ids.insert(line["custom_id"]);
    EXPECT_EQ(ids.size(), static_cast<size_t>(lines));
    for (int i = 0; i < lines; ++i)
      EXPECT_EQ(ids.count("id-" + std::to_string(i)), 1u) << i;
    EXPECT_EQ(x.completed + x.failed, static_cast<uint32_t>(lines));
    EXPECT_EQ(disk->values.count(lines_prefix(x.id)), 0u);
    EXPECT_EQ(disk->values.count(kept_here_prefix()), 0u);
  }

  /// A line here costs 10 + 2 · 5 nano-dollars on its own.
  static constexpr int64_t alone = 20;
  static constexpr int64_t handed_over = 10;

  std::shared_ptr<test::batch_provider> provider = std::make_shared<test::batch_provider>();
  bool dead = false;
  int step = 0;
  int dies_at = 0;
};

TEST_F(jobs_parts_test, hands_a_batch_over_and_pays_less) {
  auto id = started(input(5));
  auto batch = over(id);
  EXPECT_EQ(batch.status, batch_status::completed);
  expect_whole(batch, 5);
  EXPECT_EQ(batch.cost.value, 5 * handed_over);
  EXPECT_EQ(batch.usage.input, 50);
  EXPECT_EQ(provider->executed.count("alone"), 0u);
  ASSERT_EQ(provider->batches.size(), 1u);
  EXPECT_EQ(provider->batches[0].metadata["sluice_batch"], id);
  EXPECT_TRUE(provider->files.empty()) << "removed when they were read";
  auto output = lines_of(batch.output_file_id);
  EXPECT_EQ(output[2]["custom_id"], "id-2") << "the caller's own";
  EXPECT_EQ(output[2]["response"]["body"]["model"], "m");
  auto charge = charge_of(disk->values.read(charge_key(id, 2)).value);
  ASSERT_TRUE(charge);
  EXPECT_EQ(charge->cost.value, handed_over);
  EXPECT_EQ(charge->price_version, "test less 50%");
}

TEST_F(jobs_parts_test, a_part_is_as_large_as_it_may_be) {
  settings->providers[0].batch_endpoint.lines_max = 2;
  settings->providers[0].batch_endpoint.parts_max = 1;
  auto id = started(input(5));
  wait(1s);
  EXPECT_EQ(provider->batches.size(), 1u) << "one part there at a time";
  auto batch = over(id);
  expect_whole(batch, 5);
  EXPECT_EQ(provider->batches.size(), 3u);
}

TEST_F(jobs_parts_test, a_line_that_is_too_long_for_a_part_goes_alone) {
  settings->providers[0].batch_endpoint.bytes_max = 1'024;
  auto batch = over(started(input(1, std::string(2'000, 'x'))));
  expect_whole(batch, 1);
  EXPECT_TRUE(provider->batches.empty());
  EXPECT_EQ(batch.cost.value, alone);
}

TEST_F(jobs_parts_test, what_the_provider_refuses_is_reported) {
  auto batch = over(started(input(2, "bad")));
  EXPECT_EQ(batch.failed, 2u);
  expect_whole(batch, 2);
  EXPECT_EQ(lines_of(batch.error_file_id)[0]["response"]["status_code"], 400);
  EXPECT_EQ(batch.cost.value, 0);
  EXPECT_EQ(provider->executed.count("alone"), 0u);
}

TEST_F(jobs_parts_test, what_failed_there_is_executed_here) {
  auto batch = over(started(input(3, "broken")));
  EXPECT_EQ(batch.completed, 3u);
  expect_whole(batch, 3);
  EXPECT_EQ(provider->executed["alone"], 3);
  EXPECT_EQ(provider->batches.size(), 1u) << "and not handed over again";
  EXPECT_EQ(batch.cost.value, 3 * alone);
}

TEST_F(jobs_parts_test, what_expired_there_is_executed_here) {
  provider->ends = "expired";
  provider->ends_after = 2;
  auto batch = over(started(input(5)));
  EXPECT_EQ(batch.status, batch_status::completed);
  expect_whole(batch, 5);
  EXPECT_EQ(provider->executed["alone"], 3);
  EXPECT_EQ(batch.cost.value, 2 * handed_over + 3 * alone);
}

TEST_F(jobs_parts_test, a_batch_that_fails_there_is_executed_here) {
  provider->ends = "failed";
  provider->ends_after = 0;
  auto batch = over(started(input(5)));
  expect_whole(batch, 5);
  EXPECT_EQ(provider->executed["alone"], 5);
}

TEST_F(jobs_parts_test, a_provider_without_the_endpoint_is_asked_once) {
  for (auto status : {404, 405, 501}) {
    kill();
    provider->status = status;
    provider->requests.clear();
    expect_whole(over(started(input(3))), 3);
    expect_whole(over(started(input(3))), 3);
    EXPECT_EQ(std::count(provider->requests.begin(), provider->requests.end(), "POST files"), 1)
        << status;
  }
}

TEST_F(jobs_parts_test, waits_for_a_provider_that_is_down_for_a_while) {
  provider->reachable = false;
  auto id = started(input(3));
  wait(60s);
  EXPECT_LT(provider->requests.size(), 10u) << "less and less often";
  EXPECT_EQ(found(id).completed, 0u);
  provider->reachable = true;
  auto batch = over(id);
  expect_whole(batch, 3);
  EXPECT_EQ(batch.cost.value, 3 * handed_over);
}

TEST_F(jobs_parts_test, does_not_wait_for_ever) {
  provider->reachable = false;
  auto id = started(input(3));
  wait(3'700s);
  EXPECT_EQ(found(id).completed, 3u);
  EXPECT_EQ(found(id).cost.value, 3 * alone);
}

TEST_F(jobs_parts_test, cancels_there_and_reports_what_was_done) {
  provider->polls = 1'000;
  provider->ends_after = 2;
  auto id = started(input(5));
  wait(3s);
  ASSERT_EQ(provider->batches.size(), 1u);
  EXPECT_TRUE(ask<batch_object>(worker, batch_cancellation{"acme", id}));
  auto batch = over(id);
  EXPECT_EQ(batch.status, batch_status::cancelled);
  EXPECT_EQ(provider->batches[0].status, "cancelled");
  EXPECT_EQ(batch.completed, 2u);
  EXPECT_EQ(lines_of(batch.output_file_id).size(), 2u);
  EXPECT_EQ(provider->executed.count("alone"), 0u);
  EXPECT_TRUE(provider->files.empty());
}

TEST_F(jobs_parts_test, cancels_before_the_provider_knows) {
  provider->reachable = false;
  auto id = started(input(5));
  wait(3s);
  EXPECT_TRUE(ask<batch_object>(worker, batch_cancellation{"acme", id}));
  EXPECT_EQ(over(id).status, batch_status::cancelled);
}

TEST_F(jobs_parts_test, a_batch_whose_time_is_up_takes_what_was_done) {
  provider->polls = 1'000'000;
  provider->ends_after = 2;
  auto id = started(input(5));
  wait(3s);
  wall += 24h;
  auto batch = over(id);
  EXPECT_EQ(batch.status, batch_status::expired);
  expect_whole(batch, 5);
  EXPECT_EQ(batch.completed, 2u);
  EXPECT_EQ(lines_of(batch.error_file_id)[0]["error"]["code"], "batch_expired");
}

TEST_F(jobs_parts_test, does_not_wait_for_a_farewell_for_ever) {
  provider->polls = 1'000'000;
  auto id = started(input(5));
  wait(3s);
  provider->reachable = false;
  EXPECT_TRUE(ask<batch_object>(worker, batch_cancellation{"acme", id}));
  wait(1'000s);
  EXPECT_EQ(found(id).status, batch_status::cancelled);
}

/// The process dies before and after everything that it writes and asks for, one after the other.
TEST_F(jobs_parts_test, survives_death_at_every_step) {
  std::string content = input(3) + R"({"custom_id":"id-3","method":"POST","url":)" +
                        R"("/v1/chat/completions","body":{"model":"fast","messages":)" +
                        R"([{"role":"user","content":"broken"}]}})" + "\n";
  for (int at = 1; at < 200; ++at) {
    SCOPED_TRACE("dies at step " + std::to_string(at));
    dies_at = 0;
    auto id = held_back(content);
    step = 0;
    dies_at = at;
    auto batch = over(id);
    EXPECT_EQ(batch.status, batch_status::completed);
    expect_whole(batch, 4);
    EXPECT_EQ(batch.cost.value, 3 * handed_over + alone);
    EXPECT_EQ(disk->values.count(charges_prefix(id)), 4u);
    EXPECT_EQ(provider->batches.size(), 1u) << "one batch there, whatever happened";
    EXPECT_TRUE(provider->files.empty());
    if (HasFailure() || step < at) { // it was over before that step
      EXPECT_GT(at, 20);
      break;
    }
  }
}

/// The same with replies that are lost while the process lives on.
TEST_F(jobs_parts_test, a_lost_reply_is_found_out) {
  auto lost = 0;
  auto reply = 0;
  provider->dies_after = [&] { return ++reply == lost; };
  for (lost = 1; lost < 12; ++lost) {
    SCOPED_TRACE("reply " + std::to_string(lost) + " is lost");
    reply = 0;
    auto id = held_back(input(3));
    auto batch = over(id);
    expect_whole(batch, 3);
    EXPECT_EQ(provider->batches.size(), 1u);
    EXPECT_EQ(batch.cost.value, 3 * handed_over);
    EXPECT_TRUE(provider->files.empty());
  }
}

class jobs_misfortune_test : public jobs_parts_test, protected test::seeded {};

/// Deaths, lost replies and a provider in trouble, in any order.
TEST_F(jobs_misfortune_test, nothing_is_lost_or_repeated) {
  auto dies = [this](uint64_t per_mille) { return dead = dead || below(1'000) < per_mille; };
  auto calm = true;
  disk->dies_before = disk->dies_after = [&] { return !calm && dies(5); };
  provider->dies_before = [&] {
    provider->status = !calm && below(10) == 0 ? 503 : 0;
    return !calm && dies(20);
  };
  provider->dies_after = [&] { return !calm && (dies(20) || below(20) == 0); };
  settings->providers[0].batch_endpoint.lines_max = 7;
  for (int round = 0; round < 20; ++round) {
    calm = true;
    auto lines = 1 + static_cast<int>(below(20));
    auto id = held_back(input(lines));
    calm = false;
    auto batch = over(id);
    calm = true;
    if (dead)
      kill();
    expect_whole(batch, lines);
    EXPECT_EQ(batch.completed, static_cast<uint32_t>(lines));
    EXPECT_EQ(batch.cost.value, lines * handed_over);
    std::set<std::string> parts;
    for (auto& x : provider->batches)
      EXPECT_TRUE(parts.insert(x.metadata["sluice_part"]).second) << "twice there";
    if (HasFailure())
      break;
  }
}

} // namespace
} // namespace sluice
