#include "tests/actors/pack_test_support.hpp"
#include "tests/api/sim_test_support.hpp"

#include <algorithm>

namespace sluice {
namespace {

using namespace pack_test;

/// The packer's own prompts, answered by the simulator.
class pack_sim_test : public ::testing::Test {
protected:
  static json chat(const std::string& question) {
    auto result = chat_of(question);
    result["model"] = "sim-medium";
    return result;
  }

  sim_plan plan(const json& body) { return sim_test::plan_of(*engine, body.dump()); }

  std::vector<batch_part> ask(const std::vector<json>& chats) {
    auto call = plan(packed(chats));
    std::vector<batch_terms> terms;
    for (auto& x : chats)
      terms.push_back(*read_pack_terms({"t", x.dump()}));
    used = call.usage;
    items = call.items;
    return split_packed({call.body, call.usage, true, price}, terms);
  }

  std::shared_ptr<sim_engine> engine = sim_test::engine();
  token_usage used;
  int64_t items = 0;
};

TEST_F(pack_sim_test, each_question_gets_the_answer_that_it_gets_alone) {
  std::vector<json> chats;
  for (auto text : {"What is it?", "Say \"hi\"\n\\ and item 2", "中文 é 😀", "[[sim:tokens n=5]]"})
    chats.push_back(chat(text));
  auto parts = ask(chats);
  EXPECT_EQ(items, 4);
  int64_t alone = 0;
  int64_t estimated = used.input;
  for (size_t i = 0; i < chats.size(); ++i) {
    auto own = plan(chats[i]);
    alone += own.usage.input;
    ASSERT_EQ(parts[i].why.code, ec::none) << i;
    EXPECT_EQ(content_of(parts[i].body), content_of(own.body));
    estimated += parts[i].input_saved;
  }
  EXPECT_LT(used.input, alone / 2) << "the system prompt is read once";
  EXPECT_NEAR(static_cast<double>(estimated), static_cast<double>(alone),
              static_cast<double>(alone) / 5)
      << "what is said to be saved is about what is";
}

TEST_F(pack_sim_test, prompts_in_parts_are_packed_as_well) {
  auto first = chat("One?");
  first["messages"][0]["content"] = {{{"type", "text"}, {"text", long_prompt}}};
  auto second = first;
  second["messages"][1]["content"] = "Two?";
  auto parts = ask({first, second});
  EXPECT_EQ(content_of(parts[0].body), content_of(plan(first).body));
  EXPECT_EQ(content_of(parts[1].body), content_of(plan(second).body));
}

TEST_F(pack_sim_test, breaks_what_it_is_asked_to) {
  auto valid = [&](const std::string& magic) {
    std::string result;
    for (auto& x : ask({chat("one"), chat("two " + magic), chat("three")}))
      result += x.why.code == ec::none ? 'v' : '-';
    return result;
  };
  EXPECT_EQ(valid(""), "vvv");
  EXPECT_EQ(valid("[[sim:pack_missing]]"), "v-v");
  EXPECT_EQ(valid("[[sim:pack_twice]]"), "v-v");
  EXPECT_EQ(valid("[[sim:pack_broken]]"), "---");
  EXPECT_EQ(content_of(plan(chat("[[sim:pack_broken]] alone")).body).find("[simulated]"), 0U);
}

TEST_F(pack_sim_test, a_limit_that_is_too_small_ends_the_reply) {
  std::vector<json> chats{chat("[[sim:tokens n=500]]"), chat("two")};
  for (auto& x : chats)
    x["max_tokens"] = 10;
  for (auto& x : ask(chats))
    EXPECT_NE(x.why.code, ec::none);
}

TEST_F(pack_sim_test, what_only_looks_like_a_pack_is_a_schema) {
  auto call = packed({chat("one"), chat("two")});
  for (auto text :
       {"no list", "[]", "[{\"item\":2,\"question\":\"x\"}]", "[{\"item\":1}]", "[[[1]]]"}) {
    call["messages"].back()["content"] = text;
    EXPECT_TRUE(json::parse(content_of(plan(call).body)).contains("answers")) << text;
  }
  call["messages"] = {{{"role", "user"}, {"content", "[{\"item\":1,\"question\":\"x\"}]"}}};
  EXPECT_TRUE(json::parse(content_of(plan(call).body)).contains("answers"));
  call["messages"] = json::parse(
      R"([{"role":"assistant","content":null},{"role":"user","content":"[{\"item\":1,\"question\":\"x\"}]"}])");
  EXPECT_TRUE(json::parse(content_of(plan(call).body)).contains("answers"));
}

} // namespace
} // namespace sluice
