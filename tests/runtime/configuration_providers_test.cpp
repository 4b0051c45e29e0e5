#include "tests/support/configuration_fixture.hpp"

#include <gmock/gmock.h>

using namespace sluice;
using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pair;

namespace {

class providers_test : public test::configuration_test {
protected:
  /// Loads one provider with these settings and a model that it serves.
  loaded load_provider(const std::string& settings) const {
    return load("providers:\n  - {" + settings +
                "}\nmodels:\n  - {name: m, deployments: [{provider: "
                "p, price: unknown}]}\n");
  }
};

} // namespace

TEST_F(providers_test, reads_all_that_a_provider_can_say) {
  variables = {{"KEY", "sk-1"}};
  auto x = load(
      "providers:\n"
      "  - name: p\n"
      "    kind: openai\n"
      "    base_url: https://llm.example.com:8443/v1/\n"
      "    api_key: ${KEY}\n"
      "    provider_kind: vllm\n"
      "    headers: {x-team: a b, X-Project: p1}\n"
      "    connections_max: 8\n"
      "    queue_max: 9\n"
      "    connection_idle_max: 10s\n"
      "    timeouts: {connect: 1s, first_byte: 2s, idle: 3s}\n"
      "    retry: {attempts_max: 1, backoff_base: 1ms, backoff_max: 2ms, retry_after_max: "
      "5s}\n"
      "    breaker: {failures: 2, open_for: 7s}\n"
      "    batch_endpoint: {enabled: true, discount_percent: 40, poll_interval: 5m, lines_max: "
      "10, bytes_max: 1MiB, parts_max: 2}\n"
      "models:\n"
      "  - {name: m, deployments: [{provider: p, price: {input: 1, output: 2}}]}\n");
  EXPECT_EQ(to_text(x.mistakes), "");
  ASSERT_EQ(x.config.providers.size(), 1u);
  auto& p = x.config.providers[0];
  EXPECT_EQ(p.base_url, "https://llm.example.com:8443/v1");
  EXPECT_EQ(p.api_key.reveal(), "sk-1");
  EXPECT_EQ(p.provider_kind, "vllm");
  EXPECT_THAT(p.headers, ElementsAre(Pair("x-team", "a b"), Pair("X-Project", "p1")));
  EXPECT_EQ(p.connections_max, 8u);
  EXPECT_EQ(p.queue_max, 9u);
  EXPECT_EQ(p.connection_idle_max, 10s);
  EXPECT_EQ(p.timeouts.connect, 1s);
  EXPECT_EQ(p.timeouts.first_byte, 2s);
  EXPECT_EQ(p.timeouts.idle, 3s);
  EXPECT_EQ(p.retry.attempts_max, 1u);
  EXPECT_EQ(p.retry.backoff_base, 1ms);
  EXPECT_EQ(p.retry.retry_after_max, 5s);
  EXPECT_EQ(p.breaker.failures, 2u);
  EXPECT_EQ(p.breaker.open_for, 7s);
  EXPECT_TRUE(p.batch_endpoint.enabled);
  EXPECT_EQ(p.batch_endpoint.discount_percent, 40u);
  EXPECT_EQ(p.batch_endpoint.poll_interval, 5min);
  EXPECT_EQ(p.batch_endpoint.lines_max, 10u);
  EXPECT_EQ(p.batch_endpoint.bytes_max, 1024u * 1024);
  EXPECT_EQ(p.batch_endpoint.parts_max, 2u);
}

TEST_F(providers_test, knows_the_addresses_of_well_known_providers) {
  variables = {{"K", "k"}};
  auto x = load("providers:\n"
                "  - {name: openai, api_key: '${K}'}\n"
                "  - {name: gemini, api_key: '${K}'}\n"
                "  - {name: second, api_key: '${K}', base_url: 'https://api.openai.com/v1'}\n");
  EXPECT_EQ(to_text(x.mistakes), "");
  EXPECT_EQ(x.config.providers[0].base_url, "https://api.openai.com/v1");
  EXPECT_EQ(x.config.providers[1].provider_kind, "gcp.gemini");
  EXPECT_EQ(x.config.providers[2].provider_kind, "openai");
  // Both accounts serve the models of the table.
  catalogue models{x.config.models};
  ASSERT_EQ(models.find_model("gpt-4o")->deployments.size(), 2u);
  EXPECT_EQ(models.find_model("gpt-4o")->deployments[1].id, "second/gpt-4o");
}

TEST_F(providers_test, applies_no_price_list_to_a_server_that_it_does_not_know) {
  auto x = load("providers: [{name: mine, base_url: 'https://llm.example.com'}]\n"
                "models: [gpt-4o]\n");
  EXPECT_EQ(x.config.providers[0].provider_kind, "mine");
  ASSERT_EQ(x.mistakes.size(), 1u);
  EXPECT_EQ(x.mistakes[0].path, "models[0]");
}

TEST_F(providers_test, a_list_in_the_file_is_the_whole_list) {
  variables = {{"OPENAI_API_KEY", "sk-1"}};
  auto x = load("providers: [{name: sim, kind: simulated}]\n");
  EXPECT_EQ(to_text(x.mistakes), "");
  ASSERT_EQ(x.config.providers.size(), 1u);
  EXPECT_EQ(x.config.providers[0].provider_kind, "sluice.simulated");
  EXPECT_EQ(x.config.models.size(), 5u);
}

TEST_F(providers_test, a_file_without_a_list_takes_the_keys_of_the_environment) {
  EXPECT_EQ(load("io_threads: 1\n").config.providers[0].kind, "simulated");
  variables = {{"OPENAI_API_KEY", "sk-1"}};
  auto x = load("io_threads: 1\n");
  ASSERT_EQ(x.config.providers.size(), 1u);
  EXPECT_EQ(x.config.providers[0].name, "openai");
}

TEST_F(providers_test, refuses_addresses_that_no_provider_has) {
  for (auto url : {"http://llm.example.com", "ftp://a", "https://u:p@a.example.com",
                   "https://169.254.169.254/v1", "http://169.254.169.254", "https://[fe80::1]/v1",
                   "https://metadata.google.internal", "https://0.0.0.0", "https://2852039166",
                   "llm.example.com/v1", "https://a.example.com?x=1"}) {
    auto x = load_provider("name: p, base_url: '" + std::string{url} + "'");
    ASSERT_EQ(x.mistakes.size(), 1u) << url << "\n" << to_text(x.mistakes);
    EXPECT_EQ(x.mistakes[0].path, "providers[0].base_url");
    EXPECT_EQ(x.mistakes[0].line, 2);
    EXPECT_FALSE(x.mistakes[0].allowed.empty());
  }
}

TEST_F(providers_test, takes_http_on_loopback_and_where_it_is_allowed) {
  for (auto settings :
       {"base_url: 'http://127.0.0.1:9'", "base_url: 'http://localhost:9/v1'",
        "base_url: 'http://[::1]:9'", "base_url: 'http://vllm:8000/v1', allow_http: true"})
    EXPECT_EQ(to_text(load_provider("name: p, " + std::string{settings}).mistakes), "") << settings;
  EXPECT_EQ(load_provider("name: p, base_url: 'http://169.254.169.254', allow_http: true")
                .mistakes.size(),
            1u);
}

TEST_F(providers_test, never_shows_a_key) {
  variables = {{"BAD", "hunter2\nx"}};
  auto x = load("providers:\n"
                "  - {name: openai, api_key: '${BAD}'}\n"
                "  - {name: gemini, api_key: [hunter2]}\n"
                "  - {name: anthropic, api_key: 'hunter2 hunter2'}\n");
  EXPECT_EQ(x.mistakes.size(), 3u) << to_text(x.mistakes);
  EXPECT_EQ(to_text(x.mistakes).find("hunter2"), std::string::npos);
  EXPECT_EQ(to_json(x.mistakes).find("hunter2"), std::string::npos);
}

TEST_F(providers_test, refuses_headers_that_are_the_gateways_own_or_break_the_call) {
  for (auto header : {"Host: a", "content-length: 1", "Authorization: b", "'a b': c",
                      "x: \"a\\nb\"", "transfer-encoding: chunked"}) {
    auto x = load_provider("name: p, base_url: 'https://a.example.com', headers: {" +
                           std::string{header} + "}");
    EXPECT_EQ(x.mistakes.size(), 1u) << header << "\n" << to_text(x.mistakes);
  }
}

TEST_F(providers_test, reports_what_is_missing_or_has_no_meaning) {
  auto x = load("providers:\n"
                "  - {base_url: 'https://a.example.com'}\n"
                "  - {name: 'a/b', base_url: 'https://a.example.com'}\n"
                "  - {name: c}\n"
                "  - {name: d, kind: simulated, base_url: 'https://a.example.com'}\n"
                "  - {name: d, kind: simulated}\n"
                "  - {name: e, kind: anthropic}\n"
                "  - {name: f, base_url: 'https://a', retry: {backoff_base: 9s, backoff_max: 1s}}\n"
                "  - {name: g, base_url: 'https://a', ca_file: /nonexistent.pem}\n"
                "  - f\n"
                "  - {name: h, base_url: 'https://a', batch_endpoint: {discount_percent: 101}}\n"
                "  - {name: i, kind: simulated, batch_endpoint: {enabled: true}}\n");
  auto text = to_text(x.mistakes);
  EXPECT_THAT(text, HasSubstr(":2: providers[0].name: is missing"));
  EXPECT_THAT(text, HasSubstr(":3: providers[1].name: 'a/b' is no name"));
  EXPECT_THAT(text, HasSubstr(":4: providers[2].base_url: is missing"));
  EXPECT_THAT(text, HasSubstr(":5: providers[3].base_url: has no meaning"));
  EXPECT_THAT(text, HasSubstr(":6: providers[4].name: the provider 'd' is there twice"));
  EXPECT_THAT(text, HasSubstr(":7: providers[5].kind: 'anthropic' is not one of"));
  EXPECT_THAT(text, HasSubstr("providers[6].retry.backoff_max: is less than backoff_base"));
  EXPECT_THAT(text, HasSubstr("providers[7].ca_file: the file"));
  EXPECT_THAT(text, HasSubstr(":10: providers[8]: must be a mapping"));
  EXPECT_THAT(text, HasSubstr("providers[9].batch_endpoint.discount_percent: "));
  EXPECT_THAT(text, HasSubstr("providers[10].batch_endpoint: has no meaning"));
}
