#include "runtime/configuration_file.hpp"

#include "tests/support/configuration_fixture.hpp"

#include <gmock/gmock.h>

using namespace sluice;
using namespace std::chrono_literals;
using test::configuration_test;
using testing::ElementsAre;
using testing::HasSubstr;

// -- without a file ---------------------------------------------------------------------------

TEST_F(configuration_test, serves_the_simulated_upstream_on_loopback_without_any_configuration) {
  auto x = load_configuration(std::nullopt, env());
  EXPECT_EQ(to_text(x.mistakes), "");
  EXPECT_EQ(x.config.listen.address, "127.0.0.1");
  EXPECT_EQ(x.config.listen.port, 8080);
  ASSERT_EQ(x.config.providers.size(), 1u);
  EXPECT_EQ(x.config.providers[0].kind, "simulated");
  std::vector<std::string> names;
  for (auto& y : x.config.models) {
    names.push_back(y.name);
    ASSERT_EQ(y.deployments.size(), 1u);
    EXPECT_TRUE(y.deployments[0].price);
    EXPECT_EQ(y.deployments[0].provider_kind, "sluice.simulated");
  }
  EXPECT_THAT(names, ElementsAre("sim-simple", "sim-medium", "sim-complex", "sim-very-complex",
                                 "sim-embedding"));
  EXPECT_THAT(x.config.notices, Contains(HasSubstr("no configuration file")));
  EXPECT_THAT(x.config.notices, Contains(HasSubstr("open access")));
  EXPECT_THAT(x.config.notices, Contains(HasSubstr("simulated upstream")));
}

TEST_F(configuration_test, makes_providers_of_the_keys_in_the_environment) {
  variables = {{"OPENAI_API_KEY", "sk-1"}, {"ANTHROPIC_API_KEY", "sk-2"}, {"GEMINI_API_KEY", "g"}};
  auto x = load_configuration(std::nullopt, env());
  EXPECT_EQ(to_text(x.mistakes), "");
  ASSERT_EQ(x.config.providers.size(), 4u);
  EXPECT_EQ(x.config.providers[0].base_url, "https://api.openai.com/v1");
  EXPECT_EQ(x.config.providers[0].api_key.reveal(), "sk-1");
  EXPECT_EQ(x.config.providers[1].base_url, "https://api.anthropic.com/v1");
  EXPECT_EQ(x.config.providers[2].base_url,
            "https://generativelanguage.googleapis.com/v1beta/openai");
  EXPECT_EQ(x.config.providers[2].provider_kind, "gcp.gemini");
  EXPECT_EQ(x.config.providers[3].name, "simulated");
  catalogue models{x.config.models};
  auto mini = models.find_model("gpt-4o-mini");
  ASSERT_TRUE(mini);
  EXPECT_EQ(mini->deployments[0].id, "openai/gpt-4o-mini");
  EXPECT_EQ(mini->deployments[0].price->price.input, 150'000'000);
  EXPECT_EQ(mini->deployments[0].price->price.output, 600'000'000);
  EXPECT_THAT(mini->deployments[0].price->version, HasSubstr("builtin-"));
  ASSERT_TRUE(models.find_model("claude-haiku-4-5"));
  ASSERT_TRUE(models.find_model("gemini-2.5-flash"));
  EXPECT_THAT(models.find_model("text-embedding-3-small")->endpoints,
              ElementsAre(endpoint::embeddings));
  EXPECT_THAT(x.config.notices, Contains(HasSubstr("openai/gpt-5.5 (272000)")));
}

TEST_F(configuration_test, takes_an_empty_key_in_the_environment_for_none) {
  variables = {{"OPENAI_API_KEY", ""}};
  EXPECT_EQ(load_configuration(std::nullopt, env()).config.providers.size(), 1u);
}

TEST_F(configuration_test, heeds_openai_base_url_and_its_rules) {
  variables = {{"OPENAI_API_KEY", "k"}, {"OPENAI_BASE_URL", "http://127.0.0.1:8000/v1/"}};
  EXPECT_EQ(load_configuration(std::nullopt, env()).config.providers[0].base_url,
            "http://127.0.0.1:8000/v1");
  variables["OPENAI_BASE_URL"] = "http://169.254.169.254/latest";
  auto x = load_configuration(std::nullopt, env());
  ASSERT_EQ(x.mistakes.size(), 1u);
  EXPECT_EQ(x.mistakes[0].file, "environment");
  EXPECT_EQ(x.mistakes[0].path, "OPENAI_BASE_URL");
}

TEST_F(configuration_test, refuses_a_key_that_would_break_out_of_its_header) {
  variables = {{"OPENAI_API_KEY", "sk-secret\r\nx-evil: 1"}};
  auto x = load_configuration(std::nullopt, env());
  ASSERT_EQ(x.mistakes.size(), 1u);
  EXPECT_EQ(to_text(x.mistakes).find("secret"), std::string::npos);
}

TEST_F(configuration_test, reads_the_environment_names_over_the_file) {
  variables = {{"BATCH_SIZE", "16"},     {"MAX_WAIT_TIME", "0.05"},
               {"CACHE_SIZE", "5000"},   {"SIMILARITY_THRESHOLD", "0.9"},
               {"COST_PRIORITY", "0.5"}, {"DAILY_BUDGET", "12.34"}};
  auto x = load("optimizer: {batch_size: 4, cache_size: 7}\n");
  EXPECT_EQ(to_text(x.mistakes), "");
  EXPECT_EQ(x.config.optimizer.batch_size, 16u);
  EXPECT_EQ(x.config.optimizer.batch_wait_max, 50ms);
  EXPECT_EQ(x.config.optimizer.cache_size, 5'000u);
  EXPECT_EQ(x.config.optimizer.similarity_threshold, 0.9);
  EXPECT_EQ(x.config.optimizer.cost_priority, 0.5);
  EXPECT_EQ(x.config.optimizer.daily_budget, nanousd{12'340'000'000});
}

TEST_F(configuration_test, has_the_fixed_defaults_of_the_environment_names) {
  auto x = load_configuration(std::nullopt, env()).config.optimizer;
  EXPECT_EQ(x.batch_size, 8u);
  EXPECT_EQ(x.batch_wait_max, 80ms);
  EXPECT_EQ(x.cache_size, 1'000u);
  EXPECT_EQ(x.similarity_threshold, 0.85);
  EXPECT_EQ(x.cost_priority, 0.7);
  EXPECT_EQ(x.daily_budget, nanousd{100'000'000'000});
}

TEST_F(configuration_test, reports_every_mistake_of_the_environment) {
  variables = {{"BATCH_SIZE", "0"},      {"MAX_WAIT_TIME", "-1"},
               {"CACHE_SIZE", "x"},      {"SIMILARITY_THRESHOLD", "1.5"},
               {"COST_PRIORITY", "nan"}, {"DAILY_BUDGET", "1e-10"}};
  auto x = load_configuration(std::nullopt, env());
  EXPECT_EQ(x.mistakes.size(), 6u) << to_text(x.mistakes);
  for (auto& y : x.mistakes)
    EXPECT_EQ(y.file, "environment");
  EXPECT_EQ(to_string(x.mistakes[0]),
            "environment: BATCH_SIZE: '0' is out of range (allowed: 1 to 2048)");
}

// -- open access --------------------------------------------------------------------------------

TEST_F(configuration_test, refuses_to_listen_to_others_without_keys) {
  for (auto address : {"0.0.0.0", "192.168.0.1", "'::'", "'2001:db8::1'"}) {
    auto x = load("listen:\n  address: " + std::string{address} + "\n");
    ASSERT_EQ(x.mistakes.size(), 1u) << address;
    EXPECT_EQ(x.mistakes[0].line, 2);
    EXPECT_EQ(x.mistakes[0].path, "listen.address");
    EXPECT_THAT(x.mistakes[0].allowed, HasSubstr("keys"));
  }
  for (auto address : {"127.0.0.1", "127.8.8.8", "'::1'", "localhost"})
    EXPECT_EQ(to_text(load("listen: {address: " + std::string{address} + "}").mistakes), "");
}

TEST_F(configuration_test, listens_to_others_with_keys) {
  auto x = load("listen: {address: 0.0.0.0}\n"
                "keys: [{id: a, tenant: t, key: 0123456789abcdef}]\n");
  EXPECT_EQ(to_text(x.mistakes), "");
}

TEST_F(configuration_test, judges_the_address_of_the_command_line) {
  auto outside = load_configuration(std::nullopt, env(), {"0.0.0.0", 80});
  ASSERT_EQ(outside.mistakes.size(), 1u);
  EXPECT_EQ(outside.mistakes[0].file, "command line");
  path = write("listen: {address: 0.0.0.0}\n");
  auto inside = load_configuration(path, env(), {"127.0.0.1", std::nullopt});
  EXPECT_EQ(to_text(inside.mistakes), "");
  EXPECT_EQ(inside.config.listen.address, "127.0.0.1");
  EXPECT_EQ(load_configuration(std::nullopt, env(), {"nowhere", {}}).mistakes.size(), 2u);
}

// -- the file as such ---------------------------------------------------------------------------

TEST_F(configuration_test, takes_an_empty_file_for_the_defaults) {
  for (auto text : {"", "# nothing\n", "---\n", "listen:\n"})
    EXPECT_EQ(to_text(load(text).mistakes), "") << text;
}

TEST_F(configuration_test, says_why_a_file_cannot_be_read) {
  auto missing = load_configuration("/nonexistent/sluice.yaml", env());
  EXPECT_EQ(to_text(missing.mistakes),
            "/nonexistent/sluice.yaml: cannot be read: No such file or directory\n");
  auto folder = load_configuration("/", env());
  ASSERT_EQ(folder.mistakes.size(), 1u);
  EXPECT_THAT(folder.mistakes[0].message, HasSubstr("cannot be read"));
}

TEST_F(configuration_test, refuses_a_file_that_is_too_large) {
  auto x = load("# " + std::string(4 * 1024 * 1024, 'x') + "\n");
  ASSERT_EQ(x.mistakes.size(), 1u);
  EXPECT_THAT(x.mistakes[0].message, HasSubstr("too large"));
}

TEST_F(configuration_test, says_where_the_yaml_breaks) {
  auto x = load("listen:\n  port: 1\n bad: [\n");
  ASSERT_EQ(x.mistakes.size(), 1u);
  EXPECT_GE(x.mistakes[0].line, 3);
  EXPECT_THAT(x.mistakes[0].message, HasSubstr("not valid YAML"));
  EXPECT_EQ(load("a: *nobody\n").mistakes.size(), 1u);
  EXPECT_EQ(load("\x01\x02").mistakes.size(), 1u);
  EXPECT_EQ(load(std::string(100'000, '[')).mistakes.size(), 1u);
}

TEST_F(configuration_test, takes_one_document_that_is_a_mapping) {
  EXPECT_EQ(load("a: 1\n---\nb: 2\n").mistakes.size(), 1u);
  EXPECT_EQ(load("- a\n- b\n").mistakes.size(), 1u);
  EXPECT_EQ(load("just text\n").mistakes.size(), 1u);
}

TEST_F(configuration_test, names_variables_instead_of_their_values_in_every_message) {
  variables["NAME_OF_MODEL"] = "s3cr3t-Value-Never-Shown";
  auto x = load("providers:\n  - {name: a, base_url: \"https://a.com/v1\"}\nmodels:\n"
                "  - {name: m, deployments: [{provider: a, model: \"${NAME_OF_MODEL}\"}]}\n");
  ASSERT_EQ(x.mistakes.size(), 1u);
  EXPECT_THAT(x.mistakes[0].message, HasSubstr("the model '${NAME_OF_MODEL}'"));
}

TEST_F(configuration_test, ends_where_the_parser_finds_documents_without_end) {
  // Found by fuzzing: yaml-cpp 0.7 gets no further behind the first document.
  EXPECT_FALSE(
      load(",isten:\n  port: 8080\nlimits:\n  \xff!a: 1MiB\n  b:\xb4 3\n").mistakes.empty());
}

TEST_F(configuration_test, reports_all_mistakes_in_the_order_of_the_file) {
  auto x = load("listen:\n"
                "  port: 99999\n"
                "  prot: 1\n"
                "limits:\n"
                "  body_bytes_max: lots\n"
                "  header_timeout: 10\n"
                "  in_flight_max: [1]\n"
                "io_threads: -1\n"
                "io_threads: 2\n"
                "log: {format: xml, requests: yes}\n"
                "modles: []\n");
  auto text = to_text(x.mistakes);
  std::vector<int> lines;
  for (auto& y : x.mistakes)
    lines.push_back(y.line);
  EXPECT_THAT(lines, ElementsAre(2, 3, 5, 6, 7, 8, 9, 10, 10, 11)) << text;
  EXPECT_THAT(text, HasSubstr(":2: listen.port: '99999' is out of range (allowed: 0 to 65535)"));
  EXPECT_THAT(text, HasSubstr(":3: listen.prot: is not a setting; did you mean 'port'?"));
  EXPECT_THAT(text, HasSubstr("(allowed: 1KiB to 1GiB)"));
  EXPECT_THAT(text, HasSubstr("limits.in_flight_max: must be a single value"));
  EXPECT_THAT(text, HasSubstr(":9: io_threads: is said twice, first in line 8"));
  EXPECT_THAT(text, HasSubstr("(allowed: console, json)"));
  EXPECT_THAT(text, HasSubstr("did you mean 'models'?"));
}

TEST_F(configuration_test, reads_every_limit) {
  auto x = load("limits:\n"
                "  header_bytes_max: 8KiB\n"
                "  body_bytes_max: 1MiB\n"
                "  header_timeout: 500ms\n"
                "  request_timeout: 5m\n"
                "  connections_max: 7\n"
                "shutdown_grace: 1.5s\n"
                "io_threads: 3\n");
  EXPECT_EQ(to_text(x.mistakes), "");
  EXPECT_EQ(x.config.limits.header_bytes_max, 8u * 1024);
  EXPECT_EQ(x.config.limits.body_bytes_max, 1024u * 1024);
  EXPECT_EQ(x.config.limits.header_timeout, 500ms);
  EXPECT_EQ(x.config.limits.request_timeout, 5min);
  EXPECT_EQ(x.config.limits.connections_max, 7u);
  EXPECT_EQ(x.config.shutdown_grace, 1500ms);
  EXPECT_EQ(x.config.io_threads, 3u);
}

TEST_F(configuration_test, refuses_a_duration_that_is_too_fine) {
  auto x = load("limits: {header_timeout: 1500us}\n");
  ASSERT_EQ(x.mistakes.size(), 1u);
  EXPECT_EQ(x.mistakes[0].allowed, "whole milliseconds");
}

TEST_F(configuration_test, reads_the_simulation_and_the_log) {
  auto x =
      load("simulation: {call_base: 275ms, per_prompt: 42.4ms, per_output_token: 100us, slots: "
           "1, scale: 0.01, seed: 7, fault_rules: [a, b], usage_log: u.jsonl}\n"
           "log: {format: json, level: warn, file: x.log, requests: false}\n");
  EXPECT_EQ(to_text(x.mistakes), "");
  EXPECT_EQ(x.config.simulation.call_base, 275ms);
  EXPECT_EQ(x.config.simulation.per_prompt, 42'400us);
  EXPECT_EQ(x.config.simulation.per_output_token, 100us);
  EXPECT_EQ(x.config.simulation.scale, 0.01);
  EXPECT_THAT(x.config.simulation.fault_rules, ElementsAre("a", "b"));
  EXPECT_EQ(x.config.log.format, "json");
  EXPECT_FALSE(x.config.log.requests);
}

TEST_F(configuration_test, reads_where_things_are_kept_and_the_jobs) {
  auto x =
      load("storage: {path: /var/lib/sluice, cache_bytes: 64MiB}\n"
           "jobs: {calls_max: 9, interactive_percent_max: 20, file_bytes_max: 1MB, lines_max: 10, "
           "line_bytes_max: 64KiB, batches_per_tenant_max: 3, storage_bytes_max: 1GiB}\n");
  EXPECT_EQ(to_text(x.mistakes), "");
  EXPECT_EQ(x.config.storage.path, "/var/lib/sluice");
  EXPECT_EQ(x.config.storage.cache_bytes, 64u * 1024 * 1024);
  EXPECT_EQ(x.config.jobs.calls_max, 9u);
  EXPECT_EQ(x.config.jobs.file_bytes_max, 1'000'000u);
  EXPECT_EQ(x.config.jobs.storage_bytes_max, 1024u * 1024 * 1024);
  EXPECT_EQ(load("storage: {path: ''}\n").config.storage.path, "") << "keeps nothing";
  EXPECT_EQ(load("log: {}\n").config.storage.path, "data");
  EXPECT_EQ(load("jobs: {calls_max: 0}\n").mistakes.size(), 1u);
}

TEST_F(configuration_test, reads_how_requests_are_merged) {
  auto x = load("merging: {enabled: false, temperature_max: 0.5, similar: true, "
                "replay_bytes_max: 64KiB, joiners_max: 2}\n");
  EXPECT_EQ(to_text(x.mistakes), "");
  auto& read = x.config.merging;
  EXPECT_FALSE(read.enabled);
  EXPECT_EQ(read.temperature_max, 0.5);
  EXPECT_TRUE(read.similar);
  EXPECT_EQ(read.replay_bytes_max, 64u * 1024);
  EXPECT_EQ(read.joiners_max, 2u);
  EXPECT_TRUE(load("").config.merging.enabled);
  auto wrong = load("merging: {enabled: sometimes, temperature_max: 3, similar: 0.9, "
                    "replay_bytes_max: 1, joiners_max: 0, window: 5ms}\n");
  EXPECT_EQ(wrong.mistakes.size(), 6u) << to_text(wrong.mistakes);
}

TEST_F(configuration_test, reads_what_the_cache_keeps) {
  auto x = load("cache: {enabled: true, shards: 3, bytes_max: 64MiB, entry_bytes_max: 16KiB, "
                "ttl: 90s, ttl_jitter_percent: 0}\n");
  EXPECT_EQ(to_text(x.mistakes), "");
  auto& read = x.config.cache;
  EXPECT_TRUE(read.enabled);
  EXPECT_EQ(read.shards, 3u);
  EXPECT_EQ(read.bytes_max, 64u * 1024 * 1024);
  EXPECT_EQ(read.entry_bytes_max, 16u * 1024);
  EXPECT_EQ(read.ttl, 90s);
  EXPECT_EQ(read.ttl_jitter_percent, 0u);
  EXPECT_FALSE(load("").config.cache.enabled);
  auto wrong = load("cache: {enabled: 1, shards: 1000, bytes_max: 1, entry_bytes_max: 0, "
                    "ttl: 10ms, ttl_jitter_percent: 51, window: 5}\n");
  EXPECT_EQ(wrong.mistakes.size(), 7u) << to_text(wrong.mistakes);
}

TEST_F(configuration_test, reads_what_the_cache_does_otherwise_and_in_advance) {
  auto x = load("cache:\n"
                "  stale_while_revalidate: 30s\n"
                "  warming: {refresh_ahead_percent: 10, prefetch: true, daily_budget: 2.5}\n"
                "  policies:\n"
                "    - {tenant: default, model: sim-medium, enabled: false}\n"
                "    - {ttl: 5m, stale_while_revalidate: 0s, similar: true, error_rate_max: 0.02, "
                "any_conversation: true}\n");
  EXPECT_EQ(to_text(x.mistakes), "");
  auto& read = x.config.cache;
  EXPECT_EQ(read.stale_while_revalidate, 30s);
  EXPECT_EQ(read.warming.refresh_ahead_percent, 10u);
  EXPECT_TRUE(read.warming.prefetch);
  EXPECT_EQ(read.warming.daily_budget, nanousd{2'500'000'000});
  ASSERT_EQ(read.policies.size(), 2u);
  EXPECT_EQ(read.policies[0].tenant, "default");
  EXPECT_EQ(read.policies[0].enabled, false);
  EXPECT_FALSE(read.policies[0].ttl);
  EXPECT_EQ(read.policies[1].ttl, 5min);
  EXPECT_EQ(read.policies[1].error_rate_max, 0.02);
  EXPECT_EQ(read.policies[1].any_conversation, true);
}

TEST_F(configuration_test, what_is_fetched_in_advance_needs_a_budget) {
  auto x = load("cache: {warming: {prefetch: true}}\n");
  ASSERT_EQ(x.mistakes.size(), 1u);
  EXPECT_EQ(x.mistakes[0].path, "cache.warming.daily_budget");
  EXPECT_EQ(x.mistakes[0].line, 1);
}

TEST_F(configuration_test, policies_of_the_cache_name_what_there_is) {
  auto x = load("cache:\n"
                "  policies:\n"
                "    - {model: sim-mediun}\n"
                "    - {tenant: acme}\n"
                "    - {ttl: 1ms, window: 3}\n");
  ASSERT_EQ(x.mistakes.size(), 4u) << to_text(x.mistakes);
  EXPECT_EQ(x.mistakes[0].path, "cache.policies[0].model");
  EXPECT_NE(x.mistakes[0].message.find("did you mean 'sim-medium'"), std::string::npos);
  EXPECT_EQ(x.mistakes[1].path, "cache.policies[1].tenant");
  EXPECT_EQ(x.mistakes[1].line, 4);
}

TEST_F(configuration_test, reads_who_compares_answers_for_the_cache) {
  std::string models = "providers: [{name: p, kind: openai, base_url: 'http://127.0.0.1:1/v1'}]\n"
                       "models:\n"
                       "  - {name: judge, deployments: [{provider: p, model: j, price: {input: 1, "
                       "output: 2}}]}\n"
                       "  - {name: embed, endpoints: [embeddings], deployments: [{provider: p, "
                       "model: e, price: {input: 1}}]}\n"
                       "  - {name: free, deployments: [{provider: p, model: f, price: unknown}]}\n"
                       "cache:\n  similar:\n";
  auto x = load(models + "    checker: judge\n    checker_budget: 1.50\n");
  EXPECT_EQ(to_text(x.mistakes), "");
  EXPECT_EQ(x.config.cache.similar.checker, "judge");
  EXPECT_EQ(x.config.cache.similar.checker_budget, nanousd{1'500'000'000});
  EXPECT_TRUE(load("").config.cache.similar.checker.empty());
  auto wrong = [&](const std::string& lines) {
    auto found = load(models + lines).mistakes;
    EXPECT_EQ(found.size(), 1u) << to_text(found);
    return to_text(found);
  };
  auto of_line = testing::HasSubstr("sluice.yaml:8: cache.similar.checker");
  EXPECT_THAT(wrong("    checker: jugde\n    checker_budget: 1\n"),
              testing::AllOf(of_line, testing::HasSubstr("did you mean 'judge'?")));
  EXPECT_THAT(wrong("    checker: embed\n    checker_budget: 1\n"),
              testing::AllOf(of_line, testing::HasSubstr("cannot chat")));
  EXPECT_THAT(wrong("    checker: free\n    checker_budget: 1\n"),
              testing::AllOf(of_line, testing::HasSubstr("price is unknown at 'p'")));
  EXPECT_THAT(wrong("    checker: judge\n"),
              testing::AllOf(of_line, testing::HasSubstr("no budget")));
  EXPECT_THAT(wrong("    checker: judge\n    checker_budget: 0\n"),
              testing::HasSubstr("sluice.yaml:9: cache.similar.checker_budget"));
  EXPECT_THAT(wrong("    checker_budget: 1\n"), testing::HasSubstr("without a checker"));
}

TEST_F(configuration_test, reads_whose_embeddings_the_cache_uses) {
  std::string models = "providers: [{name: p, kind: openai, base_url: 'http://127.0.0.1:1/v1'}]\n"
                       "models:\n"
                       "  - {name: chat, deployments: [{provider: p, model: c, price: {input: 1, "
                       "output: 2}}]}\n"
                       "  - {name: embed, endpoints: [embeddings], deployments: [{provider: p, "
                       "model: e, price: {input: 1}}]}\n"
                       "cache:\n  similar:\n";
  auto x = load(models + "    embeddings: {model: embed, dimensions: 1536, daily_budget: 1.50, "
                         "answers_agree: 0.9}\n");
  EXPECT_EQ(to_text(x.mistakes), "");
  auto& found = x.config.cache.similar.embeddings;
  EXPECT_EQ(found.model, "embed");
  EXPECT_EQ(found.dimensions, 1'536u);
  EXPECT_EQ(found.daily_budget, nanousd{1'500'000'000});
  EXPECT_EQ(found.answers_agree, 0.9);
  auto wrong = [&](const std::string& inner, const std::string& beside = {}) {
    auto mistakes = load(models + "    embeddings: {" + inner + "}\n" + beside).mistakes;
    EXPECT_EQ(mistakes.size(), 1u) << to_text(mistakes);
    return to_text(mistakes);
  };
  using testing::HasSubstr;
  EXPECT_THAT(wrong("model: embde, dimensions: 2, daily_budget: 1"),
              testing::AllOf(HasSubstr("sluice.yaml:7: cache.similar.embeddings.model"),
                             HasSubstr("did you mean 'embed'?")));
  EXPECT_THAT(wrong("model: chat, dimensions: 2, daily_budget: 1"), HasSubstr("cannot embed"));
  EXPECT_THAT(wrong("model: embed, daily_budget: 1"), HasSubstr("no dimensions"));
  EXPECT_THAT(wrong("model: embed, dimensions: 2"), HasSubstr("no budget"));
  EXPECT_THAT(wrong("dimensions: 2"), HasSubstr("without a model"));
  EXPECT_THAT(wrong("model: embed, dimensions: 2, daily_budget: 1", "    precision: int8\n"),
              HasSubstr("cache.similar.precision"));
}

TEST_F(configuration_test, puts_variables_in_and_names_those_that_are_missing) {
  variables = {{"PORT", "8081"}};
  EXPECT_EQ(load("listen: {port: '${PORT}'}\n").config.listen.port, 8081);
  EXPECT_EQ(load("listen: {port: '${OTHER:-8082}'}\n").config.listen.port, 8082);
  auto x = load("listen:\n  port: ${OTHER}\n");
  ASSERT_EQ(x.mistakes.size(), 1u);
  EXPECT_EQ(x.mistakes[0].line, 2);
  EXPECT_THAT(x.mistakes[0].message, HasSubstr("OTHER is not set"));
}

TEST_F(configuration_test, quotes_the_reference_and_never_what_it_stands_for) {
  variables = {{"SECRET", "hunter2"}};
  auto x = load("listen: {port: '${SECRET}'}\nlog: {level: '${SECRET}'}\n");
  EXPECT_EQ(x.mistakes.size(), 2u);
  EXPECT_EQ(to_text(x.mistakes).find("hunter2"), std::string::npos);
  EXPECT_THAT(to_text(x.mistakes), HasSubstr("'${SECRET}'"));
}

TEST_F(configuration_test, loads_the_example_without_a_mistake) {
  variables = {{"OPENAI_API_KEY", "sk-1"},
               {"GEMINI_API_KEY", "g"},
               {"SLUICE_KEY_CHAT", "0123456789abcdef0123"}};
  auto x = load_configuration(SLUICE_SOURCE_DIR "/docs/examples/sluice.yaml", env());
  EXPECT_EQ(to_text(x.mistakes), "");
  EXPECT_FALSE(x.config.keys.empty());
}

// -- rendering ----------------------------------------------------------------------------------

TEST(mistake_test, is_printed_as_a_line_and_as_json) {
  mistake x{"a.yaml", 7, "listen.port", "'x' is \"wrong\"", "0 to 1"};
  EXPECT_EQ(to_string(x), "a.yaml:7: listen.port: 'x' is \"wrong\" (allowed: 0 to 1)");
  EXPECT_EQ(to_string(mistake{"environment", 0, "", "bad", ""}), "environment: bad");
  auto json = to_json({x, {"b", 0, "p", "m", ""}});
  EXPECT_THAT(json, HasSubstr("\"line\": 7"));
  EXPECT_THAT(json, HasSubstr("\"line\": null"));
  EXPECT_THAT(json, HasSubstr("is \\\"wrong\\\""));
  EXPECT_THAT(to_json({}), HasSubstr("\"mistakes\": []"));
}

TEST(mistake_test, is_printable_whatever_bytes_the_file_has) {
  EXPECT_NO_THROW(to_json({{"a", 1, "p\xff", "m\x80", ""}}));
}

TEST(mistake_test, hides_what_looks_like_a_key) {
  mistake x{"a", 1, "log.level", "'sk-proj-0123456789abcdefghij' is wrong", ""};
  EXPECT_EQ(to_string(x).find("0123456789"), std::string::npos);
  EXPECT_EQ(to_json({x}).find("0123456789"), std::string::npos);
}
