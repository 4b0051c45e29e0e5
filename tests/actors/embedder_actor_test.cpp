#include "actors/cache/embedder/embedder_actor.hpp"

#include "actors/cache/judge/embedding_judge.hpp"
#include "actors/cache/judge/question_facts.hpp"
#include "tests/actors/own_calls_fixture.hpp"

namespace sluice {
namespace {

using namespace std::chrono_literals;

class embedder_actor_test : public test::own_calls_fixture {
protected:
  embedder_actor_test() {
    embedder_setup setup;
    setup.calls = through(embedding_calls("embed", {2'500}));
    setup.dimensions = 2;
    reader = spawn(embedder, std::move(setup));
  }
  ~embedder_actor_test() override { reader = nullptr; }

  caf::expected<text_reading> read(
      std::vector<std::string> texts, std::function<void()> meanwhile = [] {}) {
    caf::scoped_actor self{sys};
    auto pending = self->request(reader, caf::infinite, reading_order{"acme", std::move(texts)});
    sched.run();
    meanwhile();
    caf::expected<text_reading> result{caf::sec::runtime_error};
    if (self->has_next_message())
      pending.receive([&](text_reading& x) { result = std::move(x); },
                      [&](const caf::error& x) { result = x; });
    return result;
  }

  ec failure_of(std::function<void()> meanwhile) {
    auto x = read({"How far?"}, std::move(meanwhile));
    EXPECT_FALSE(x);
    return x ? ec::none : code_of(x.error());
  }

  void reply(const std::string& data) { reply_with("{\"data\":[" + data + "]}", {3, 0, 0, 0, 0}); }

  embedder_actor reader;
};

TEST_F(embedder_actor_test, makes_forms_of_a_models_vectors) {
  auto got = read({"How far?", "What is 5 km in miles?"},
                  [&] { reply(R"({"index":0,"embedding":[3,4]},{"index":1,"embedding":[0,1]})"); });
  ASSERT_TRUE(got);
  ASSERT_EQ(got->forms.size(), 2u);
  EXPECT_FLOAT_EQ(got->forms[0].vector[1], 0.8F);
  auto facts = facts_from_bytes(got->forms[1].facts);
  ASSERT_TRUE(facts);
  EXPECT_TRUE(std::any_of(facts->words.begin(), facts->words.end(),
                          [](auto& x) { return x.kind == word_kind::number; }));
  ASSERT_EQ(provider->calls.size(), 1u);
  auto& call = provider->calls.front();
  EXPECT_EQ(call.kind, endpoint::embeddings);
  EXPECT_EQ(call.tenant, "acme");
  EXPECT_NE(call.body.str().find(R"("model":"m-1")"), std::string::npos);
  EXPECT_EQ(word->queries.front().kind, endpoint::embeddings);
}

TEST_F(embedder_actor_test, its_calls_are_charged_and_told) {
  read({"How far?"}, [&] { reply(R"({"index":0,"embedding":[3,4]})"); });
  ASSERT_EQ(records->size(), 1u);
  auto& x = records->front();
  EXPECT_EQ(x.route, "cache embed");
  EXPECT_EQ(x.tenant, "acme");
  EXPECT_EQ(x.model, "embed");
  EXPECT_EQ(x.cost, nanousd{3});
}

TEST_F(embedder_actor_test, a_reading_that_fails_says_why) {
  EXPECT_EQ(failure_of([&] { refuse(ec::upstream_failed); }), ec::upstream_failed);
  EXPECT_EQ(failure_of([&] { reply(R"({"index":0,"embedding":[3,4,5]})"); }),
            ec::upstream_bad_response)
      << "vectors of another model";
  EXPECT_EQ(failure_of([&] { tell(reader, drain{}); }), ec::shutting_down);
}

TEST_F(embedder_actor_test, makes_no_call_beyond_the_days_budget) {
  for (int i = 0; i < 2; ++i) // 1,000 set aside for each, and nobody knows what it did cost
    EXPECT_EQ(failure_of([&] { refuse(ec::upstream_timeout); }), ec::upstream_timeout);
  EXPECT_EQ(failure_of([] {}), ec::rate_limited);
  EXPECT_EQ(provider->calls.size(), 2u);
  wall += 24h;
  EXPECT_TRUE(read({"a"}, [&] { reply(R"({"index":0,"embedding":[3,4]})"); }));
}

} // namespace
} // namespace sluice
