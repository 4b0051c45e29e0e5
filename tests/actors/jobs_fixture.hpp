#pragma once

#include "actors/jobs/jobs_actor.hpp"

#include "tests/support/deterministic_system.hpp"
#include "tests/support/fake_ledger.hpp"
#include "tests/support/map_store.hpp"

#include <nlohmann/json.hpp>

#include <deque>
#include <functional>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

namespace sluice::test {

/// A disk, and a moment at which the process dies: nothing is heard or answered from then on.
struct fake_disk {
  map_store values;
  bool full = false;
  std::function<bool()> dies_before = [] { return false; }; ///< asked once before each write
  std::function<bool()> dies_after = [] { return false; };  ///< and once behind it
};

inline store_actor::behavior_type fake_store(store_actor::pointer self,
                                             std::shared_ptr<fake_disk> disk) {
  return {
      [self, disk](const store_write& x) -> caf::result<store_written> {
        auto answer = self->make_response_promise<store_written>();
        if (disk->dies_before())
          return answer;
        if (disk->full) {
          answer.deliver(make_error(ec::storage_failed, "full"));
          return answer;
        }
        disk->values.apply(x.changes);
        if (!disk->dies_after())
          answer.deliver(store_written{1});
        return answer;
      },
      [disk](const store_read& x) { return disk->values.read(x.key); },
      [disk](const store_scan& x) { return disk->values.scan(x); },
      [](const drain&) {},
  };
}

inline router_actor::behavior_type fake_router(router_actor::pointer, int) {
  return {
      [](const route_query&) -> caf::result<route_decision> {
        return route_decision{{{"sim/m", {}}}, "test"};
      },
      [](const deployment_health&) {},
  };
}

/// The jobs with a store and a router that do what the test says; it brings the provider.
class jobs_fixture : public deterministic_system {
protected:
  jobs_fixture() {
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
  }

  ~jobs_fixture() override {
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
    setup.ledger = spawn(fake_ledger, ledger);
    setup.router = router;
    setup.targets.models = models;
    setup.targets.upstreams["sim"] = upstream;
    setup.interactive = [this] { return busy; };
    setup.wall = [this] { return wall; };
    worker = spawn(jobs, setup);
  }

  static std::string input(int lines, const std::string& content = "Hi") {
    std::string result;
    for (int i = 0; i < lines; ++i)
      result += R"({"custom_id":"id-)" + std::to_string(i) +
                R"(","method":"POST","url":"/v1/chat/completions","body":)" +
                R"({"model":"fast","messages":[{"role":"user","content":")" + content + "\"}]}}\n";
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
  catalogue_ptr models;
  store_actor store;
  router_actor router;
  upstream_actor upstream;
  jobs_actor worker;
  std::shared_ptr<ledger_word> ledger = std::make_shared<ledger_word>();
  uint32_t busy = 0;
  wall_time wall{std::chrono::seconds{1'800'000'000}};
};

using call_list = std::deque<upstream_call>;

inline upstream_actor::behavior_type patient_upstream(upstream_actor::pointer,
                                                      std::shared_ptr<call_list> seen) {
  return {
      [seen](const upstream_call& x) { seen->push_back(x); },
      [](const stream_credit&) {},
      [seen](const cancel_call& x) {
        std::erase_if(*seen, [&](auto& y) { return y.call == x.call; });
      },
      [](const drain&) {},
  };
}

/// With a provider that answers when the test says so, the oldest call first.
class jobs_provider_fixture : public jobs_fixture {
protected:
  jobs_provider_fixture() {
    upstream = spawn(patient_upstream, seen);
    begin();
  }

  upstream_call taken() {
    auto x = seen->front();
    seen->pop_front();
    return x;
  }

  void answer(bool usage_known = true) {
    auto x = taken();
    upstream_reply reply;
    reply.call = x.call;
    reply.body = R"({"id":1})";
    reply.usage = {10, 0, 0, 5, 0};
    reply.usage_known = usage_known;
    tell(x.client, reply);
  }

  void refuse(ec code, int32_t status = 0) {
    auto x = taken();
    upstream_failure outcome;
    outcome.call = x.call;
    outcome.why.code = code;
    outcome.why.upstream_status = status;
    tell(x.client, outcome);
  }

  std::shared_ptr<call_list> seen = std::make_shared<call_list>();
};

} // namespace sluice::test
