#include "actors/jobs/jobs_actor.hpp"

#include "tests/support/deterministic_system.hpp"
#include "tests/support/map_store.hpp"

#include <nlohmann/json.hpp>

#include <deque>
#include <sstream>

namespace sluice {
namespace {

using namespace std::chrono_literals;

struct fake_disk {
  test::map_store values;
  bool full = false;
};

store_actor::behavior_type fake_store(store_actor::pointer, std::shared_ptr<fake_disk> disk) {
  return {
      [disk](const store_write& x) -> caf::result<store_written> {
        if (disk->full)
          return make_error(ec::storage_failed, "full");
        disk->values.apply(x.changes);
        return store_written{1};
      },
      [disk](const store_read& x) { return disk->values.read(x.key); },
      [disk](const store_scan& x) { return disk->values.scan(x); },
      [](const drain&) {},
  };
}

router_actor::behavior_type fake_router(router_actor::pointer, int) {
  return {
      [](const route_query&) -> caf::result<route_decision> {
        return route_decision{{{"sim/m", {}}}, "test"};
      },
      [](const deployment_health&) {},
  };
}

using calls = std::deque<upstream_call>;

upstream_actor::behavior_type fake_upstream(upstream_actor::pointer, std::shared_ptr<calls> seen) {
  return {
      [seen](const upstream_call& x) { seen->push_back(x); },
      [](const stream_credit&) {},
      [seen](const cancel_call& x) {
        std::erase_if(*seen, [&](auto& y) { return y.call == x.call; });
      },
      [](const drain&) {},
  };
}

/// The jobs with a store, a router and a provider that do what the test says.
class jobs_actor_test : public test::deterministic_system {
protected:
  jobs_actor_test() {
    settings->jobs.calls_max = 2;
    provider_settings provider;
    provider.name = "sim";
    settings->providers.push_back(provider);
    deployment to;
    to.id = "sim/m";
    to.provider = "sim";
    to.upstream_model = "m";
    to.price = price_entry{{1'000'000, 0, 0, 2'000'000, 0}, "test", ""};
    models = std::make_shared<const catalogue>(
        std::vector<model>{{"fast", {endpoint::chat_completions}, {to}, "", 0}});
    store = spawn(fake_store, disk);
    router = spawn(fake_router, 0);
    upstream = spawn(fake_upstream, seen);
    begin();
  }

  ~jobs_actor_test() override {
    store = nullptr;
    router = nullptr;
    upstream = nullptr;
    worker = nullptr;
  }

  /// Starts the jobs, again where they ran before.
  void begin() {
    jobs_setup setup;
    setup.settings = settings;
    setup.store = store;
    setup.router = router;
    setup.targets.models = models;
    setup.targets.upstreams["sim"] = upstream;
    setup.interactive = [this] { return busy; };
    setup.wall = [this] { return wall; };
    worker = spawn(jobs, setup);
  }

  void kill() {
    caf::anon_send_exit(worker, caf::exit_reason::kill);
    sched.run();
    seen->clear();
  }

  static std::string input(int lines) {
    std::string result;
    for (int i = 0; i < lines; ++i)
      result += R"({"custom_id":"id-)" + std::to_string(i) +
                R"(","method":"POST","url":"/v1/chat/completions","body":)" +
                R"({"model":"fast","messages":[{"role":"user","content":"Hi"}]}})" + "\n";
    return result;
  }

  caf::expected<file_object> upload(std::string content) {
    return ask<file_object>(worker, file_upload{"acme", "in.jsonl", "batch", std::move(content)});
  }

  std::string started(std::string content) {
    auto file = upload(std::move(content));
    EXPECT_TRUE(file);
    batch_creation creation;
    creation.owner.tenant = "acme";
    creation.input_file_id = file->id;
    auto batch = ask<batch_object>(worker, creation);
    EXPECT_TRUE(batch);
    return batch ? batch->id : "";
  }

  batch_object found(const std::string& id) {
    auto x = ask<batch_object>(worker, batch_query{"acme", id});
    EXPECT_TRUE(x);
    return x ? *x : batch_object{};
  }

  upstream_call taken() {
    auto x = seen->front();
    seen->pop_front();
    return x;
  }

  void answer() {
    auto x = taken();
    upstream_reply reply;
    reply.call = x.call;
    reply.body = R"({"id":1})";
    reply.usage = {10, 0, 0, 5, 0};
    reply.usage_known = true;
    tell(x.client, reply);
  }

  void refuse(ec code) {
    auto x = taken();
    upstream_failure outcome;
    outcome.call = x.call;
    outcome.why.code = code;
    tell(x.client, outcome);
  }

  std::vector<nlohmann::json> lines_of(const std::string& file) {
    std::vector<nlohmann::json> result;
    auto content = ask<file_content>(worker, file_content_query{"acme", file, -1});
    EXPECT_TRUE(content);
    std::istringstream text{content ? content->bytes : ""};
    for (std::string line; std::getline(text, line);)
      result.push_back(nlohmann::json::parse(line));
    return result;
  }

  std::shared_ptr<configuration> settings = std::make_shared<configuration>();
  std::shared_ptr<fake_disk> disk = std::make_shared<fake_disk>();
  std::shared_ptr<calls> seen = std::make_shared<calls>();
  catalogue_ptr models;
  store_actor store;
  router_actor router;
  upstream_actor upstream;
  jobs_actor worker;
  uint32_t busy = 0;
  wall_time wall{std::chrono::seconds{1'800'000'000}};
};

TEST_F(jobs_actor_test, executes_a_batch_a_few_lines_at_a_time) {
  auto id = started(input(5));
  EXPECT_EQ(found(id).status, batch_status::in_progress);
  ASSERT_EQ(seen->size(), 2u);
  auto& call = seen->front();
  EXPECT_EQ(call.patience, urgency::deferred);
  EXPECT_EQ(call.tenant, "acme");
  EXPECT_EQ(call.attempt_id, id + "-0-1");
  EXPECT_NE(call.body.str().find(R"("model":"m")"), std::string::npos);
  for (int i = 0; i < 5; ++i)
    answer();
  auto batch = found(id);
  EXPECT_EQ(batch.status, batch_status::completed);
  EXPECT_EQ(batch.completed, 5u);
  EXPECT_EQ(batch.usage.input, 50);
  EXPECT_EQ(batch.cost.value, 5 * 20);
  auto output = lines_of(batch.output_file_id);
  ASSERT_EQ(output.size(), 5u);
  EXPECT_EQ(output[3]["custom_id"], "id-3");
  EXPECT_EQ(disk->values.count(charges_prefix(id)), 5u);
}

TEST_F(jobs_actor_test, goes_on_where_it_was_killed) {
  auto id = started(input(6));
  answer();
  answer();
  answer();
  kill();
  begin();
  ASSERT_EQ(seen->size(), 2u);
  EXPECT_EQ(seen->front().attempt_id, id + "-3-1") << "again under the same name";
  for (int i = 0; i < 3; ++i)
    answer();
  EXPECT_TRUE(seen->empty());
  EXPECT_EQ(found(id).status, batch_status::completed);
  EXPECT_EQ(lines_of(found(id).output_file_id).size(), 6u);
}

TEST_F(jobs_actor_test, retries_and_then_reports_what_failed) {
  auto id = started(input(1));
  for (uint32_t i = 0; i < retry_settings{}.attempts_max; ++i) {
    ASSERT_EQ(seen->size(), 1u);
    EXPECT_EQ(seen->front().attempt_id, id + "-0-" + std::to_string(i + 1));
    refuse(ec::upstream_failed);
    pass(10s);
  }
  auto batch = found(id);
  EXPECT_EQ(batch.status, batch_status::completed);
  EXPECT_EQ(batch.failed, 1u);
  auto output = lines_of(batch.error_file_id);
  EXPECT_EQ(output.at(0)["response"]["status_code"], 502);
  EXPECT_EQ(output.at(0)["response"]["body"]["error"]["code"], "upstream_failed");
}

TEST_F(jobs_actor_test, waits_where_the_provider_has_no_room) {
  auto id = started(input(1));
  refuse(ec::upstream_unavailable);
  EXPECT_TRUE(seen->empty());
  pass(900ms);
  EXPECT_TRUE(seen->empty());
  pass(200ms);
  ASSERT_EQ(seen->size(), 1u);
  refuse(ec::upstream_unavailable);
  pass(1'900ms);
  EXPECT_TRUE(seen->empty()) << "twice as long";
  pass(200ms);
  answer();
  EXPECT_EQ(found(id).completed, 1u);
}

TEST_F(jobs_actor_test, leaves_the_node_to_those_who_wait) {
  busy = settings->limits.in_flight_max / 2 + 1;
  auto id = started(input(1));
  pass(10s);
  EXPECT_TRUE(seen->empty());
  busy = settings->limits.in_flight_max / 2;
  pass(200ms);
  EXPECT_EQ(seen->size(), 1u);
}

TEST_F(jobs_actor_test, does_not_wait_for_an_upstream_that_is_dead) {
  auto id = started(input(1));
  EXPECT_EQ(seen->size(), 1u);
  pass(settings->limits.request_timeout + 10s);
  EXPECT_TRUE(seen->empty()) << "cancelled";
  EXPECT_EQ(found(id).failed, 1u);
}

TEST_F(jobs_actor_test, writes_down_what_was_not_done_in_a_day) {
  auto id = started(input(4));
  answer();
  wall += 24h;
  pass(200ms);
  EXPECT_EQ(found(id).status, batch_status::finalizing);
  answer();
  refuse(ec::upstream_failed);
  pass(200ms);
  auto batch = found(id);
  EXPECT_EQ(batch.status, batch_status::expired);
  EXPECT_EQ(batch.completed, 2u);
  EXPECT_EQ(batch.failed, 2u);
  EXPECT_EQ(lines_of(batch.error_file_id).at(0)["error"]["code"], "batch_expired");
}

TEST_F(jobs_actor_test, cancels) {
  auto id = started(input(9));
  answer();
  auto cancelled = ask<batch_object>(worker, batch_cancellation{"acme", id});
  ASSERT_TRUE(cancelled);
  EXPECT_EQ(cancelled->status, batch_status::cancelling);
  EXPECT_EQ(seen->size(), 2u) << "what is under way may end";
  answer();
  refuse(ec::upstream_failed);
  EXPECT_TRUE(seen->empty()) << "and is not tried again";
  EXPECT_EQ(found(id).status, batch_status::cancelled);
  EXPECT_EQ(found(id).completed, 2u);
  auto again = ask<batch_object>(worker, batch_cancellation{"acme", id});
  EXPECT_EQ(code_of(again.error()), ec::conflict);
  auto other = ask<batch_object>(worker, batch_cancellation{"other", id});
  EXPECT_EQ(code_of(other.error()), ec::not_found);
}

TEST_F(jobs_actor_test, executes_nothing_whose_result_it_cannot_keep) {
  auto id = started(input(5));
  disk->full = true;
  answer();
  answer();
  pass(1min);
  EXPECT_TRUE(seen->empty());
  EXPECT_EQ(found(id).completed, 0u) << "what is there can still be read";
  EXPECT_EQ(code_of(upload("x").error()), ec::storage_failed);
  kill();
  disk->full = false;
  begin();
  EXPECT_EQ(seen->size(), 2u);
}

TEST_F(jobs_actor_test, keeps_its_limits) {
  settings->jobs.file_bytes_max = 100'000;
  settings->jobs.storage_bytes_max = 10'000;
  settings->jobs.batches_per_tenant_max = 1;
  EXPECT_EQ(code_of(upload(std::string(100'001, 'x')).error()), ec::body_too_large);
  EXPECT_EQ(code_of(upload("").error()), ec::invalid_value);
  auto first = upload("{}");
  ASSERT_TRUE(first);
  EXPECT_TRUE(upload(input(1)));
  EXPECT_EQ(code_of(upload("{}").error()), ec::storage_full);
  EXPECT_TRUE(ask<file_object>(worker, file_removal{"acme", first->id}));
  kill();
  begin();
  auto id = started(input(1));
  EXPECT_EQ(code_of(upload("{}").error()), ec::storage_full) << "counted over a restart";
  batch_creation more;
  more.owner.tenant = "acme";
  EXPECT_EQ(code_of(ask<batch_object>(worker, more).error()), ec::overloaded);
}

TEST_F(jobs_actor_test, takes_away_what_was_uploaded_by_half) {
  disk->values.apply({put(upload_key("file-x"), ""), put(piece_key("file-x", 0), "half")});
  kill();
  begin();
  EXPECT_EQ(disk->values.count(uploads_prefix()), 0u);
  EXPECT_EQ(disk->values.count(pieces_prefix("file-x")), 0u);
}

TEST_F(jobs_actor_test, lets_its_lines_end_and_then_stops) {
  started(input(5));
  caf::scoped_actor self{sys};
  self->monitor(worker);
  tell(worker, drain{{sched.clock().now() + 10s}});
  answer();
  EXPECT_EQ(seen->size(), 1u) << "no other is begun";
  EXPECT_FALSE(self->has_next_message());
  answer();
  EXPECT_TRUE(self->has_next_message());
}

TEST_F(jobs_actor_test, stops_at_the_deadline) {
  started(input(5));
  caf::scoped_actor self{sys};
  self->monitor(worker);
  tell(worker, drain{{sched.clock().now() + 10s}});
  pass(9s);
  EXPECT_FALSE(self->has_next_message());
  pass(2s);
  EXPECT_TRUE(self->has_next_message());
  EXPECT_TRUE(seen->empty()) << "the calls were cancelled";
}

} // namespace
} // namespace sluice
