#include "runtime/actors.hpp"
#include "runtime/ec.hpp"

#include <gtest/gtest.h>

#include <set>
#include <vector>

using namespace sluice;
using namespace std::chrono_literals;

namespace {

struct test_config : caf::actor_system_config {
  test_config() { add_message_types<caf::id_block::sluice>(); }
};

/// Sends values over a wire that leads back here.
class messages_test : public ::testing::Test {
protected:
  template <class T>
  std::vector<char> written(T& x) {
    std::vector<char> buffer;
    caf::binary_serializer sink{sys, buffer};
    auto failed = sink(x);
    EXPECT_FALSE(failed) << sys.render(failed);
    return buffer;
  }

  template <class T>
  T read(const std::vector<char>& buffer) {
    T x{};
    caf::binary_deserializer source{sys, buffer};
    auto failed = source(x);
    EXPECT_FALSE(failed) << sys.render(failed);
    return x;
  }

  /// Sends a message that holds `value`. It must arrive as one that holds the same, field by field.
  template <class T>
  T round_trip(T value) {
    announced_.insert(caf::type_id<T>::value);
    auto sent = caf::make_message(value);
    caf::message received = read<caf::message>(written(sent));
    // A type that is not announced arrives as an empty message, without any error.
    if (!received.match_elements<T>()) {
      ADD_FAILURE() << "arrived as " << to_string(received);
      return T{};
    }
    auto result = received.get_as<T>(0);
    EXPECT_EQ(caf::deep_to_string(result), caf::deep_to_string(value));
    return result;
  }

  /// A code that is sent alone becomes an error on the way, as the framework does with every enum
  /// that has a `make_error`.
  ec round_trip(ec code) {
    announced_.insert(caf::type_id<ec>::value);
    auto sent = caf::make_message(code);
    caf::message received = read<caf::message>(written(sent));
    if (!received.match_elements<caf::error>()) {
      ADD_FAILURE() << "arrived as " << to_string(received);
      return ec::internal;
    }
    return code_of(received.get_as<caf::error>(0));
  }

  test_config cfg;
  caf::actor_system sys{cfg};
  std::set<caf::type_id_t> announced_;
};

/// A deadline that has passed: it has no time left whenever it is looked at.
constexpr deadline passed_deadline{};

failure example_failure() {
  return {
      ec::upstream_rejected, "no", "messages", 422, R"({"error":{}})", 1500ms, true, true, false};
}

request_record example_record() {
  request_record x;
  x.at = wall_time{std::chrono::system_clock::duration{1'700'000'000'123'456'789}};
  x.request_id = "r";
  x.tenant = "t";
  x.team = "m";
  x.user = "u";
  x.key_id = "k";
  x.method = "POST";
  x.route = "/v1/chat/completions";
  x.model = "fast";
  x.deployment = "openai/gpt-4o-mini";
  x.provider = "openai";
  x.provider_kind = "openai";
  x.upstream_model = "gpt-4o-mini";
  x.status = 499;
  x.error = ec::client_gone;
  x.attempts = 3;
  x.fallbacks = 1;
  x.inference = true;
  x.streamed = true;
  x.usage = {1, 2, 3, 4, 5};
  x.usage_known = true;
  x.cost = {6'000};
  x.duration = 1us;
  x.upstream = 2ns;
  x.first_byte = 3s;
  x.request_bytes = 1'024;
  x.response_bytes = uint64_t{1} << 40;
  x.chunks = 77;
  x.share = {3, true, true, {5}};
  x.handed_over = true;
  x.origin = request_origin::prefetch;
  return x;
}

} // namespace

TEST_F(messages_test, every_announced_type_survives_the_wire) {
  header_list headers{{"x-request-id", "1"}, {"x-ratelimit-limit-requests", "100"}};
  token_usage usage{1, 2, 3, 4, 5};
  call_timing timing{3s, 250ms};
  EXPECT_EQ(round_trip(ec::rate_limited), ec::rate_limited);
  round_trip(route_query{"r", "t", "gpt-4o", endpoint::embeddings, 12, 7});
  round_trip(candidate{"openai/gpt-4o", {42}});
  EXPECT_EQ(
      round_trip(route_decision{{{"a/b", {1}}, {"c/d", {2}}}, "named model"}).candidates.size(),
      2u);
  EXPECT_FALSE(round_trip(deployment_health{"a/b", false}).available);
  EXPECT_EQ(round_trip(example_failure()).retry_after, 1500ms);
  round_trip(fingerprint{1, 2});
  round_trip(merge_terms{{1, 2}, {3, 4}, "why?"});
  round_trip(call_share{2, true, true, {3}});
  round_trip(upstream_reply{1, R"({"id":1})", headers, usage, true, timing, {8, false, true, {9}}});
  round_trip(upstream_failure{2, example_failure(), timing});
  round_trip(stream_block{3, "data: {}\n\n", 1, headers});
  EXPECT_EQ(round_trip(stream_end{4, {}, usage, true, timing}).usage, usage);
  round_trip(stream_credit{5, uint64_t{1} << 63});
  round_trip(cancel_call{~uint64_t{0}});
  auto record = round_trip(example_record());
  EXPECT_EQ(record.at, example_record().at);
  EXPECT_EQ(record.cost, nanousd{6'000});
  EXPECT_EQ(record.origin, request_origin::prefetch);
  EXPECT_EQ(round_trip(loop_report{1, {example_record()}, 2, 3, 4, 5, 6}).requests.size(), 1u);
  round_trip(upstream_report{1, "openai", 2, 3, 4, 5, 6, {{"openai/gpt-4o", true}}});
  round_trip(merge_report{1, 2, 3, 4, 5, 6});
  cached_answer answer{"{}", 3, "p/m", {1, 2, 3, 4, 5}, true, {7}};
  round_trip(answer);
  round_trip(cache_lookup{9, {}, {1, 2}, 5s, 6s});
  round_trip(cache_verdict{9, cache_result::hot, answer, 3s, 4s, {5, 6}, 0.5, 0.75, true});
  round_trip(cache_fill{{1, 2}, answer, 6s, 7s, 8, true});
  round_trip(answer_fill{{1, 2}, {3, 4}, "q", "t", answer, 6s});
  round_trip(kept_lookup{1, {}, {2, 3}, {4, 5}, "q", "t", 6s, true, true, 7s, 0.5});
  round_trip(cache_purge{"t"});
  round_trip(asked_note{{}, "t", "a", "k", {1, 2}, endpoint::completions, "{}", {3}});
  round_trip(prefetch_order{"k", endpoint::completions, {1, 2}, "{}", {3}});
  EXPECT_EQ(round_trip(answer_check{1, "t", "q", "a", "b"}).fresh, "b");
  EXPECT_EQ(round_trip(reading_order{"t", {"a", "b"}}).texts[1], "b");
  EXPECT_EQ(round_trip(text_form{{0.5F}, "f"}).vector[0], 0.5F);
  EXPECT_EQ(round_trip(text_reading{{{{1}, "f"}}}).forms[0].facts, "f");
  EXPECT_EQ(round_trip(check_result{1, check_outcome::declined}).outcome, check_outcome::declined);
  keeper_report keeper{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, {}};
  keeper.namespaces.push_back({{1, 2}, 3, 4, 5, 6, 0.25, 0.5, 0.75, 0.875, 0.125});
  EXPECT_EQ(round_trip(keeper).namespaces.size(), 1u);
  round_trip(keeper.namespaces.front());
  round_trip(cache_report{1, 2, 3, 4, 5, 6, 7, 8, 9});
  batch_report batches;
  batches.deployment = "openai/gpt-4o";
  batches.kind = endpoint::completions;
  batches.waiting = 1;
  batches.calls_reason = "trying more";
  batches.base = 275ms;
  batches.decisions = {{"full", 3}};
  EXPECT_EQ(round_trip(batches).base, 275ms);
  EXPECT_EQ(round_trip(job_lines_report{"own", 1, 2, {3}}).cost, nanousd{3});
  jobs_report jobs;
  jobs.batches = {{"in_progress", 2}};
  jobs.ended = {{"completed", 1}};
  jobs.lines = {{"own", 1, 2, {3}}};
  jobs.parts_handed_over = 4;
  EXPECT_EQ(round_trip(jobs).lines.size(), 1u);
  charge_purpose purpose{{"t", "e", "u", "k"}, "r", 2, "/v1", "m", "d", "v"};
  charge_outcome outcome{{1, 2, 3, 4, 5}, {6}, {7}, 8};
  EXPECT_EQ(round_trip(purpose), purpose);
  EXPECT_EQ(round_trip(purpose.owner), purpose.owner);
  EXPECT_EQ(round_trip(outcome), outcome);
  EXPECT_EQ(round_trip(charge_id{1, 2, 3}), (charge_id{1, 2, 3}));
  EXPECT_EQ(round_trip(charge_order{1, purpose, {2}, 3}).tokens, 3);
  EXPECT_EQ(round_trip(charge_end{1, {2, 3, 4}, outcome}).outcome, outcome);
  charge_verdict verdict{
      1, {2, 3, 4}, ec::none, "m", 5ms, true, {true, {6}, {7}, 8ms}, {9, 10, 11ms}};
  EXPECT_EQ(round_trip(verdict).message, "m");
  EXPECT_EQ(round_trip(verdict).budget.reset, 8ms);
  EXPECT_EQ(round_trip(verdict).tokens.remaining, 10);
  EXPECT_EQ(round_trip(charge_ended{1, ec::not_found}).why, ec::not_found);
  EXPECT_EQ(round_trip(ledger_orders{{}, {{1, purpose, {2}, 3}}, {}}).reserve.size(), 1u);
  EXPECT_EQ(round_trip(ledger_verdicts{{{}}, {{}, {}}}).settled.size(), 2u);
  account_view account;
  account.owner = purpose.owner;
  account.period_name = "2026-W48";
  account.limit = {5};
  EXPECT_EQ(round_trip(account).period_name, "2026-W48");
  EXPECT_EQ(round_trip(account_query{purpose.owner}).owner, purpose.owner);
  EXPECT_EQ(round_trip(account_list{{account}}).accounts.size(), 1u);
  ledger_report report{{account}, 1, {2}, 3, 4, 5, 6, 7, true, true, 8, {{50, 9}}};
  EXPECT_EQ(round_trip(report).refused, 5u);
  EXPECT_EQ(round_trip(report).alarms, report.alarms);
  budget_rule rule{budget_scope::team,   "e",  "t", "m", period_kind::week, "UTC",
                   budget_action::alert, true, {5}, true};
  EXPECT_EQ(round_trip(rule), rule);
  EXPECT_EQ(round_trip(budget_change{rule, true}).rule, rule);
  round_trip(budget_query{1});
  EXPECT_EQ(round_trip(budget_list{{rule}, {account}}).budgets.front(), rule);
  round_trip(batch_wake{7});
  round_trip(metrics_query{1});
  round_trip(drain{passed_deadline});

  round_trip(erase_prefix("jp"));
  EXPECT_EQ(round_trip(store_write{{put("k", "v"), erase("l")}}).changes.size(), 2u);
  round_trip(store_written{7});
  round_trip(store_read{"k"});
  round_trip(store_value{true, std::string("\0v", 2)});
  round_trip(store_scan{"j", "ja", store_scan::order::backwards, 3, 4});
  round_trip(store_entry{"k", "v"});
  round_trip(store_page{{{"k", "v"}}, true});
  file_object file{"file-1", "t", "in.jsonl", "batch", 12, 1'700'000'000, "batch_1"};
  round_trip(file);
  round_trip(file_upload{"t", "in.jsonl", "batch", "{}"});
  round_trip(file_query{"t", "file-1"});
  round_trip(file_removal{"t", "file-1"});
  round_trip(file_list_query{"t", "batch", "file-0", 9, list_order::oldest_first});
  EXPECT_EQ(round_trip(file_page{{file, file}, true}).files.size(), 2u);
  EXPECT_EQ(round_trip(file_content_query{"t", "file-1", -1}).after, -1);
  round_trip(file_content{"bytes", 3, true});
  round_trip(batch_error{"invalid_json_line", "no", "body", 3});
  round_trip(job_owner{"t", "m", "u", "k", {"fast"}});
  batch_object batch;
  batch.id = "batch_1";
  batch.status = batch_status::cancelling;
  batch.errors = {{"c", "m", "p", 4}};
  batch.usage = usage;
  EXPECT_EQ(round_trip(batch).usage, usage);
  round_trip(batch_creation{{"t", "", "", "k", {}}, endpoint::embeddings, "file-1", "{}"});
  round_trip(batch_query{"t", "batch_1"});
  round_trip(batch_cancellation{"t", "batch_1"});
  round_trip(batch_list_query{"t", "batch_0", 20});
  round_trip(batch_page{{batch}, true});

  upstream_call call;
  call.call = uint64_t{7} << 48;
  call.request_id = "r";
  call.attempt_id = "r.1";
  call.deployment = "openai/gpt-4o";
  call.kind = endpoint::completions;
  call.mode = reply_mode::stream;
  call.usage_wanted = true;
  call.body = R"({"model":"gpt-4o"})";
  call.until = passed_deadline;
  call.tenant = "t";
  call.patience = urgency::flexible;
  call.merge = {{1, 2}, {3, 4}, "why?"};
  call.path = "chat/completions/batch";
  call.method = call_method::upload;
  EXPECT_EQ(round_trip(call).path, call.path);
  call.output_tokens_max = 7;
  EXPECT_EQ(round_trip(call).output_tokens_max, 7);

  using block = caf::id_block::sluice;
  for (caf::type_id_t id = block::begin; id < block::end; ++id)
    EXPECT_TRUE(announced_.count(id)) << "no example of the announced type with id " << id;
}

TEST_F(messages_test, every_code_survives_the_wire) {
  for (auto& x : ec_table()) {
    EXPECT_EQ(round_trip(x.code), x.code);
    EXPECT_EQ(round_trip(failure{x.code, "m", "", 0, "", -1ms, false, false, true}).code, x.code);
  }
}

TEST_F(messages_test, a_call_carries_the_handle_of_its_client) {
  // With an argument that it does not need: without one CAF 0.17.6 dereferences a null pointer to
  // an empty tuple, which UBSan reports.
  auto client = sys.spawn(
      [](call_client_actor::pointer, int) -> call_client_actor::behavior_type {
        return {[](const upstream_reply&) {}, [](const upstream_failure&) {},
                [](const stream_block&) {}, [](const stream_end&) {}};
      },
      0);
  upstream_call call;
  call.client = client;
  EXPECT_EQ(round_trip(call).client, client);
  caf::anon_send_exit(client, caf::exit_reason::kill);
}

TEST_F(messages_test, a_deadline_travels_as_the_time_that_is_left) {
  deadline sent{std::chrono::steady_clock::now() + 1h};
  auto received = read<deadline>(written(sent));
  // The clocks differ by what the trip took: it arrives a little later, never an hour.
  EXPECT_GE(received.at, sent.at);
  EXPECT_LT(received.at, sent.at + 1h);
}

TEST(endpoint_test, has_a_path_and_an_operation) {
  EXPECT_EQ(path_of(endpoint::chat_completions), "chat/completions");
  EXPECT_EQ(path_of(endpoint::completions), "completions");
  EXPECT_EQ(path_of(endpoint::embeddings), "embeddings");
  EXPECT_EQ(operation_of(endpoint::chat_completions), "chat");
  EXPECT_EQ(operation_of(endpoint::completions), "text_completion");
  EXPECT_EQ(operation_of(endpoint::embeddings), "embeddings");
}

TEST(endpoint_test, of_a_newer_node_has_some_name) {
  EXPECT_EQ(path_of(static_cast<endpoint>(99)), "unknown");
  EXPECT_EQ(operation_of(static_cast<endpoint>(99)), "unknown");
}
