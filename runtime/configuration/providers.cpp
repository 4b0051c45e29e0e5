#include "runtime/configuration/connection.hpp"
#include "runtime/configuration/known_providers.hpp"
#include "runtime/configuration/names.hpp"
#include "runtime/configuration/sections.hpp"

#include <algorithm>

namespace sluice {

using namespace std::chrono_literals;

namespace {

using ms = std::chrono::milliseconds;

void read_timing(map_reader& map, provider_settings& into) {
  constexpr bounds<ms> any{1ms, 1h};
  map_reader timeouts{map.context(), map.value("timeouts")};
  timeouts.duration<ms>("connect", into.timeouts.connect, any);
  timeouts.duration<ms>("first_byte", into.timeouts.first_byte, any);
  timeouts.duration<ms>("idle", into.timeouts.idle, any);
  timeouts.end();
  map_reader retry{map.context(), map.value("retry")};
  retry.integer<uint32_t>("attempts_max", into.retry.attempts_max, {1, 10});
  retry.duration<ms>("backoff_base", into.retry.backoff_base, {0ms, 1min});
  retry.duration<ms>("backoff_max", into.retry.backoff_max, {0ms, 10min});
  retry.duration<ms>("retry_after_max", into.retry.retry_after_max, {0ms, 1h});
  if (into.retry.backoff_max < into.retry.backoff_base)
    retry.fail("backoff_max", "is less than backoff_base",
               "at least " + to_duration_string(into.retry.backoff_base));
  retry.end();
  map_reader breaker{map.context(), map.value("breaker")};
  breaker.integer<uint32_t>("failures", into.breaker.failures, {1, 10'000});
  breaker.duration<ms>("open_for", into.breaker.open_for, {1ms, 1h});
  breaker.end();
}

void read_batching(map_reader& map, batching_settings& into) {
  map_reader batching{map.context(), map.value("batching")};
  batching.flag("embeddings", into.embeddings);
  batching.flag("completions", into.completions);
  batching.text("chat_path", into.chat_path);
  auto plain = std::all_of(into.chat_path.begin(), into.chat_path.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view{"/-_.:"}.find(c) != std::string_view::npos;
  });
  if (!plain || into.chat_path.starts_with('/'))
    batching.fail("chat_path", "is no path below the base URL", "such as chat/completions/batch");
  batching.integer<uint32_t>("size_max", into.size_max, {1, 2'048});
  batching.integer<uint64_t>("tokens_max", into.tokens_max, {1, 100'000'000});
  batching.size<uint64_t>("bytes_max", into.bytes_max, {1'024, 1'073'741'824});
  batching.integer<uint32_t>("queue_max", into.queue_max, {1, 1'000'000});
  batching.integer<uint32_t>("calls_max", into.calls_max, {1, 10'000});
  batching.integer<uint32_t>("pack_size_max", into.pack_size_max, {1, 32});
  batching.end();
}

void read_batch_endpoint(map_reader& map, batch_endpoint_settings& into) {
  map_reader endpoint{map.context(), map.value("batch_endpoint")};
  endpoint.flag("enabled", into.enabled);
  endpoint.integer<uint32_t>("discount_percent", into.discount_percent, {0, 100});
  endpoint.duration<ms>("poll_interval", into.poll_interval, {10ms, 1h});
  endpoint.integer<uint32_t>("lines_max", into.lines_max, {1, 50'000});
  endpoint.size<uint64_t>("bytes_max", into.bytes_max, {1'024, 200'000'000});
  endpoint.integer<uint32_t>("parts_max", into.parts_max, {1, 1'000});
  endpoint.end();
}

provider_settings read_provider(reading& to, const yaml_value& at) {
  provider_settings result;
  map_reader map{to, at};
  map.require("name", "a name of its own, such as openai");
  map.text("name", result.name);
  if (map.has("name") && !is_short_name(result.name))
    map.fail("name", "'" + result.name + "' is no name for a provider",
             std::string{short_name_allowed});
  result.kind = "openai";
  map.choice("kind", result.kind, {"openai", "simulated"});
  map.text("provider_kind", result.provider_kind);
  map.integer<uint32_t>("connections_max", result.connections_max, {1, 65'535});
  map.integer<uint32_t>("queue_max", result.queue_max, {0, 1'000'000});
  map.duration<ms>("connection_idle_max", result.connection_idle_max, {0ms, 1h});
  read_timing(map, result);
  read_batching(map, result.batching);
  read_batch_endpoint(map, result.batch_endpoint);
  if (result.kind == "openai") {
    read_connection(map, result);
  } else {
    result.provider_kind = simulated_provider().provider_kind;
    for (auto name : {"base_url", "allow_http", "api_key", "headers", "ca_file", "batch_endpoint"})
      if (map.has(name))
        map.fail(name, "has no meaning for the simulated provider: it makes no connection");
  }
  map.end();
  return result;
}

} // namespace

std::vector<provider_settings> read_providers(reading& to, const yaml_value& at) {
  std::vector<provider_settings> result;
  for (auto& element : elements_of(to, at)) {
    auto x = read_provider(to, element);
    bool known = std::any_of(result.begin(), result.end(),
                             [&](const provider_settings& y) { return y.name == x.name; });
    if (known && !x.name.empty())
      to.add(element.line, element.path + ".name", "the provider '" + x.name + "' is there twice",
             "names that differ");
    else
      result.push_back(std::move(x));
  }
  return result;
}

std::vector<provider_settings> environment_providers(reading& to) {
  std::vector<provider_settings> result;
  for (auto& known : known_providers()) {
    auto key = non_empty(to.env, std::string{known.key_variable});
    if (!key)
      continue;
    provider_settings x;
    x.name = known.name;
    x.kind = "openai";
    x.provider_kind = known.kind;
    auto url = non_empty(to.env, std::string{known.url_variable});
    auto checked = check_base_url(url.value_or(std::string{known.url}), false);
    x.base_url = checked.value.value_or("");
    if (!checked.value)
      to.mistakes.push_back(
          {"environment", 0, std::string{known.url_variable}, checked.message, checked.allowed});
    if (!is_api_key(*key))
      to.mistakes.push_back({"environment", 0, std::string{known.key_variable},
                             "has characters that a key cannot have",
                             "printable ASCII without spaces"});
    x.api_key = secret{std::move(*key)};
    result.push_back(std::move(x));
  }
  return result;
}

provider_settings simulated_provider() {
  provider_settings result;
  result.name = "simulated";
  result.kind = "simulated";
  result.provider_kind = "sluice.simulated";
  return result;
}

} // namespace sluice
