#include "tests/support/configuration_fixture.hpp"

#include <gmock/gmock.h>

using namespace sluice;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

namespace {

class models_test : public test::configuration_test {
protected:
  models_test() { variables = {{"K", "k"}}; }

  /// Loads `text` behind three providers; it begins in line 5.
  loaded load_models(const std::string& text) const {
    return load("providers:\n"
                "  - {name: openai, api_key: '${K}'}\n"
                "  - {name: local, base_url: 'http://127.0.0.1:1'}\n"
                "  - {name: simulated, kind: simulated}\n" +
                text);
  }
};

} // namespace

TEST_F(models_test, takes_a_name_of_the_price_table) {
  auto x = load_models("models: [gpt-4o, sim-embedding, text-embedding-3-small]\n");
  EXPECT_EQ(to_text(x.mistakes), "");
  ASSERT_EQ(x.config.models.size(), 3u);
  auto& gpt = x.config.models[0];
  EXPECT_EQ(gpt.deployments[0].id, "openai/gpt-4o");
  EXPECT_EQ(gpt.owned_by, "openai");
  EXPECT_EQ(gpt.deployments[0].context_tokens_max, 128'000);
  EXPECT_THAT(gpt.endpoints, ElementsAre(endpoint::chat_completions));
  EXPECT_EQ(x.config.models[1].deployments[0].provider_kind, "sluice.simulated");
  EXPECT_THAT(x.config.models[2].endpoints, ElementsAre(endpoint::embeddings));
}

TEST_F(models_test, packs_questions_of_models_that_say_so) {
  auto x = load_models("models:\n"
                       "  - {name: gpt-4o, packing: allow}\n"
                       "  - gpt-4o-mini\n");
  EXPECT_EQ(to_text(x.mistakes), "");
  EXPECT_EQ(x.config.models[0].pack, packing::allowed);
  EXPECT_EQ(x.config.models[1].pack, packing::denied);
  auto wrong = load_models("models: [{name: gpt-4o, packing: maybe}]\n");
  EXPECT_THAT(to_text(wrong.mistakes), HasSubstr("models[0].packing"));
}

TEST_F(models_test, takes_deployments_and_their_prices) {
  auto x = load_models(
      "models:\n"
      "  - name: fast\n"
      "    owned_by: us\n"
      "    deployments:\n"
      "      - {provider: openai, model: gpt-4o-mini}\n"
      "      - {provider: local, model: meta/llama, price: {input: 0.05, output: '0.08',\n"
      "         cache_read: 1e-3}, output_tokens_max: 8192}\n");
  EXPECT_EQ(to_text(x.mistakes), "");
  auto& fast = x.config.models[0];
  EXPECT_EQ(fast.owned_by, "us");
  ASSERT_EQ(fast.deployments.size(), 2u);
  auto& llama = fast.deployments[1];
  EXPECT_EQ(llama.id, "local/meta/llama");
  EXPECT_EQ(llama.provider_kind, "local");
  EXPECT_EQ(llama.price->version, "file");
  EXPECT_THAT(llama.price->source, HasSubstr("sluice.yaml, line 10"));
  EXPECT_EQ(llama.price->price,
            (token_price{50'000'000, 1'000'000, 50'000'000, 80'000'000, 80'000'000}));
  EXPECT_EQ(llama.output_tokens_max, 8192);
  // The table knows one of the two; the other is taken to know the same.
  EXPECT_THAT(fast.endpoints, ElementsAre(endpoint::chat_completions));
}

TEST_F(models_test, reads_prices_exactly) {
  // As a binary fraction 0.1 + 0.2 is not 0.3, and 2.675 is less than it says.
  auto x = load_models("models: [{name: m, deployments: [{provider: local, price: {input: "
                       "0.000000001, output: 2.675, reasoning: 999.999999999}}]}]\n");
  EXPECT_EQ(to_text(x.mistakes), "");
  auto& price = x.config.models[0].deployments[0].price->price;
  EXPECT_EQ(price.input, 1);
  EXPECT_EQ(price.output, 2'675'000'000);
  EXPECT_EQ(price.reasoning, 999'999'999'999);
}

TEST_F(models_test, refuses_a_model_without_a_price) {
  auto x = load_models("models:\n"
                       "  - name: m\n"
                       "    deployments:\n"
                       "      - provider: local\n");
  ASSERT_EQ(x.mistakes.size(), 1u) << to_text(x.mistakes);
  EXPECT_EQ(x.mistakes[0].line, 8);
  EXPECT_EQ(x.mistakes[0].path, "models[0].deployments[0].price");
  EXPECT_THAT(x.mistakes[0].allowed, HasSubstr("price: unknown"));
}

TEST_F(models_test, takes_an_unknown_price_where_it_is_said_and_tells_it) {
  auto x = load_models("models: [{name: m, deployments: [{provider: local, price: unknown}]}]\n");
  EXPECT_EQ(to_text(x.mistakes), "");
  EXPECT_FALSE(x.config.models[0].deployments[0].price);
  EXPECT_THAT(x.config.notices, Contains(HasSubstr("price unknown: calls of 'local/m'")));
}

TEST_F(models_test, refuses_prices_that_cannot_be_meant) {
  for (auto price : {"free", "{input: 1}", "{output: 1}", "{input: -1, output: 1}",
                     "{input: 2500000, output: 1}", "{input: 1e-12, output: 1}",
                     "{input: x, "
                     "output: 1}",
                     "{input: 1, output: 2, outptu: 3}", "[1, 2]"}) {
    auto x = load_models("models: [{name: m, deployments: [{provider: local, price: " +
                         std::string{price} + "}]}]\n");
    EXPECT_EQ(x.mistakes.size(), 1u) << price << "\n" << to_text(x.mistakes);
  }
}

TEST_F(models_test, needs_no_output_price_for_embeddings) {
  auto x =
      load_models("models: [{name: m, endpoints: [embeddings], deployments: [{provider: local, "
                  "price: {input: 0.02}}]}]\n");
  EXPECT_EQ(to_text(x.mistakes), "");
  EXPECT_EQ(x.config.models[0].deployments[0].price->price.output, 0);
}

TEST_F(models_test, offers_what_all_deployments_can_do) {
  auto x = load_models("models:\n"
                       "  - {name: a, deployments: [{provider: simulated, model: sim-simple}]}\n"
                       "  - {name: b, deployments: [{provider: simulated, model: sim-simple},\n"
                       "                            {provider: openai, model: gpt-4o}]}\n"
                       "  - {name: c, deployments: [{provider: local, price: unknown}]}\n");
  EXPECT_EQ(to_text(x.mistakes), "");
  EXPECT_THAT(x.config.models[0].endpoints,
              ElementsAre(endpoint::chat_completions, endpoint::completions));
  EXPECT_THAT(x.config.models[1].endpoints, ElementsAre(endpoint::chat_completions));
  EXPECT_THAT(x.config.models[2].endpoints, ElementsAre(endpoint::chat_completions));
}

TEST_F(models_test, refuses_deployments_with_nothing_in_common) {
  auto x = load_models("models: [{name: a, deployments: [{provider: openai, model: gpt-4o},\n"
                       "   {provider: simulated, model: sim-embedding}]}]\n");
  ASSERT_EQ(x.mistakes.size(), 1u);
  EXPECT_THAT(x.mistakes[0].message, HasSubstr("no endpoint in common"));
}

TEST_F(models_test, suggests_names_that_are_nearly_right) {
  auto x = load_models("models:\n"
                       "  - gpt-4o-mni\n"
                       "  - {name: a, deployments: [{provider: opnai, model: gpt-4o}]}\n");
  EXPECT_EQ(x.mistakes.size(), 2u);
  EXPECT_THAT(x.mistakes[0].message, HasSubstr("did you mean 'gpt-4o-mini'?"));
  EXPECT_THAT(x.mistakes[1].message, HasSubstr("did you mean 'openai'?"));
  EXPECT_EQ(x.mistakes[1].allowed, "openai, local, simulated");
}

TEST_F(models_test, refuses_what_is_there_twice) {
  auto x = load_models("models:\n"
                       "  - gpt-4o\n"
                       "  - {name: gpt-4o, deployments: [{provider: openai}]}\n"
                       "  - {name: a, deployments: [{provider: openai, model: o3},\n"
                       "                            {provider: openai, model: o3}]}\n");
  ASSERT_EQ(x.mistakes.size(), 2u) << to_text(x.mistakes);
  EXPECT_EQ(x.mistakes[0].line, 7);
  EXPECT_EQ(x.mistakes[1].line, 9);
}

TEST_F(models_test, refuses_two_prices_for_one_deployment) {
  auto x = load_models("models:\n"
                       "  - gpt-4o\n"
                       "  - {name: a, deployments: [{provider: openai, model: gpt-4o, price: "
                       "{input: 1, output: 2}}]}\n");
  ASSERT_EQ(x.mistakes.size(), 1u) << to_text(x.mistakes);
  EXPECT_THAT(x.mistakes[0].message, HasSubstr("another price"));
}

TEST_F(models_test, reports_what_is_missing_or_of_the_wrong_kind) {
  auto x = load_models("models:\n"
                       "  - {deployments: [{provider: openai, model: gpt-4o}]}\n"
                       "  - {name: 'a b', deployments: [{provider: openai, model: gpt-4o}]}\n"
                       "  - {name: c, deployments: []}\n"
                       "  - {name: d, endpoints: [chat], deployments: [{provider: openai, model: "
                       "o3}]}\n"
                       "  - {name: e, deployments: [{model: o3}]}\n"
                       "  - {name: f, deployments: {provider: openai}}\n"
                       "  - [g]\n");
  auto text = to_text(x.mistakes);
  EXPECT_THAT(text, HasSubstr(":6: models[0].name: is missing"));
  EXPECT_THAT(text, HasSubstr(":7: models[1].name: 'a b' is no name"));
  EXPECT_THAT(text, HasSubstr(":8: models[2].deployments: is empty"));
  EXPECT_THAT(text, HasSubstr(":9: models[3].endpoints[0]: 'chat' is no endpoint"));
  EXPECT_THAT(text, HasSubstr(":10: models[4].deployments[0].provider: is missing"));
  EXPECT_THAT(text, HasSubstr(":11: models[5].deployments: must be a list"));
  EXPECT_THAT(text, HasSubstr(":12: models[6]: must be a mapping"));
}

TEST_F(models_test, refuses_a_configuration_without_models) {
  auto x = load("providers: [{name: local, base_url: 'http://127.0.0.1:1'}]\n");
  ASSERT_EQ(x.mistakes.size(), 1u) << to_text(x.mistakes);
  EXPECT_EQ(x.mistakes[0].path, "models");
  EXPECT_EQ(load_models("models: []\n").mistakes.size(), 1u);
}

TEST_F(models_test, prices_a_simulator_behind_an_address_like_the_built_in_one) {
  auto x = load("providers: [{name: far, base_url: 'http://127.0.0.1:1', provider_kind: "
                "sluice.simulated}]\n");
  EXPECT_EQ(to_text(x.mistakes), "");
  EXPECT_EQ(x.config.models.size(), 5u);
  EXPECT_EQ(x.config.models[0].deployments[0].price->version, "simulated");
}

// -- keys ---------------------------------------------------------------------------------------

namespace {

constexpr auto hash_of_test = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";

} // namespace

TEST_F(models_test, reads_keys) {
  variables["SLUICE_KEY"] = "sixteen-or-more-characters";
  auto x = load("keys:\n"
                "  - {id: a, sha256: " +
                std::string{hash_of_test} +
                ", tenant: t, team: m, user: u, tier: gold,\n"
                "     models: [sim-simple], requests_per_minute: 60,\n"
                "     tokens_per_minute: 90000}\n"
                "  - {id: b, key: '${SLUICE_KEY}', tenant: t}\n");
  EXPECT_EQ(to_text(x.mistakes), "");
  ASSERT_EQ(x.config.keys.size(), 2u);
  auto& a = x.config.keys[0];
  EXPECT_EQ(a.sha256, hash_of_test);
  EXPECT_EQ(a.tenant, "t");
  EXPECT_EQ(a.team, "m");
  EXPECT_EQ(a.user, "u");
  EXPECT_EQ(a.tier, "gold");
  EXPECT_THAT(a.models, ElementsAre("sim-simple"));
  EXPECT_EQ(a.requests_per_minute, 60u);
  EXPECT_EQ(a.tokens_per_minute, 90'000u);
  auto& b = x.config.keys[1];
  // printf %s sixteen-or-more-characters | sha256sum
  EXPECT_EQ(b.sha256, "e0a5da612e22ce5e139058c7f860b41d577e63332b1d4d60f3946f1b4b71e464");
  EXPECT_EQ(b.tier, "standard");
  EXPECT_EQ(b.tokens_per_minute, 0u);
  EXPECT_THAT(b.models, IsEmpty());
  EXPECT_THAT(x.config.notices, Not(Contains(HasSubstr("open access"))));
  EXPECT_THAT(x.config.notices, Not(Contains(HasSubstr("plain text"))));
}

TEST_F(models_test, reads_hashes_in_capitals) {
  std::string capitals = hash_of_test;
  for (auto& c : capitals)
    c = static_cast<char>(std::toupper(c));
  auto x = load("keys: [{id: a, tenant: t, sha256: " + capitals + "}]\n");
  EXPECT_EQ(x.config.keys[0].sha256, hash_of_test);
}

TEST_F(models_test, tells_of_a_key_in_plain_text_and_never_shows_it) {
  auto x = load("keys: [{id: a, tenant: t, key: correct-horse-battery}]\n");
  EXPECT_EQ(to_text(x.mistakes), "");
  EXPECT_THAT(x.config.notices, Contains(HasSubstr("the key 'a' stands in the file")));
  EXPECT_THAT(x.config.notices, Not(Contains(HasSubstr("correct-horse"))));
  auto bad = load("keys: [{id: a, tenant: t, key: short-horse}]\n");
  ASSERT_EQ(bad.mistakes.size(), 1u);
  EXPECT_EQ(to_text(bad.mistakes).find("short-horse"), std::string::npos);
}

TEST_F(models_test, reports_every_mistake_about_keys) {
  auto x = load("keys:\n"
                "  - {id: a, tenant: t}\n"
                "  - {id: b, tenant: t, sha256: 12ab}\n"
                "  - {id: b, tenant: t, key: 0123456789abcdef}\n"
                "  - {id: c, key: 0123456789abcdef}\n"
                "  - {tenant: t, key: fedcba9876543210}\n"
                "  - {id: 'x y', tenant: t, key: fedcba9876543211, models: [sim-simpel]}\n"
                "  - {id: d, tenant: t, key: fedcba9876543212, models: []}\n"
                "  - {id: e, tenant: t, key: '${NOBODY}', requests_per_minute: many}\n"
                "  - {id: f, tenant: t, key: fedcba9876543213, tokens_per_minute: 1000000001}\n");
  auto text = to_text(x.mistakes);
  EXPECT_THAT(text, HasSubstr(":2: keys[0]: has neither sha256 nor key"));
  EXPECT_THAT(text, HasSubstr(":3: keys[1].sha256: is no SHA-256"));
  EXPECT_THAT(text, HasSubstr(":4: keys[2].id: the key id 'b' is there twice"));
  EXPECT_THAT(text, HasSubstr(":5: keys[3]: is the same key as 'b'"));
  EXPECT_THAT(text, HasSubstr(":5: keys[3].tenant: is missing"));
  EXPECT_THAT(text, HasSubstr(":6: keys[4].id: is missing"));
  EXPECT_THAT(text, HasSubstr(":7: keys[5].id: 'x y' is no name"));
  EXPECT_THAT(text, HasSubstr("did you mean 'sim-simple'?"));
  EXPECT_THAT(text, HasSubstr(":8: keys[6].models: is empty"));
  EXPECT_THAT(text, HasSubstr(":9: keys[7].key: the environment variable NOBODY is not set"));
  EXPECT_THAT(text, HasSubstr("keys[7].requests_per_minute: 'many'"));
  EXPECT_THAT(text, HasSubstr("keys[8].tokens_per_minute"));
}
