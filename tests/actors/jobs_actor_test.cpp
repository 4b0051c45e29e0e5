#include "tests/actors/jobs_fixture.hpp"

namespace sluice {
namespace {

using namespace std::chrono_literals;

class jobs_actor_test : public test::jobs_provider_fixture {
protected:
  void kill() {
    caf::anon_send_exit(worker, caf::exit_reason::kill);
    sched.run();
    seen->clear();
  }
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
