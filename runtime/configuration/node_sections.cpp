#include "runtime/base_url.hpp"
#include "runtime/configuration/sections.hpp"

namespace sluice {

using namespace std::chrono_literals;

namespace {

using ms = std::chrono::milliseconds;
using us = std::chrono::microseconds;

constexpr uint64_t kib = 1024;
constexpr uint64_t mib = 1024 * kib;
constexpr uint64_t gib = 1024 * mib;

// Bounds of settings that have no natural one. They catch a slip of the unit or of a digit; nobody
// should meet them on purpose.
constexpr bounds<ms> any_timeout{1ms, 1h};
constexpr bounds<us> any_latency{0us, 10min};

} // namespace

int read_listen(reading& to, const yaml_value& at, listen_settings& into) {
  map_reader map{to, at};
  std::string address = into.address;
  map.text("address", address);
  // The one name that everybody means the same by; others would have to be resolved.
  if (address == "localhost")
    address = "127.0.0.1";
  if (is_ip_address(address))
    into.address = address;
  else
    add_mistake(to, map.value("address"), "is not an IP address",
                "127.0.0.1, ::1, 0.0.0.0 for all, or another address of this machine");
  map.integer<uint16_t>("port", into.port, {0, 65'535});
  map.end();
  return map.value("address").line;
}

void read_limits(reading& to, const yaml_value& at, limit_settings& into) {
  map_reader map{to, at};
  map.size<uint32_t>("header_bytes_max", into.header_bytes_max, {kib, mib});
  map.integer<uint32_t>("header_count_max", into.header_count_max, {8, 10'000});
  map.size<uint64_t>("body_bytes_max", into.body_bytes_max, {kib, gib});
  map.duration<ms>("header_timeout", into.header_timeout, any_timeout);
  map.duration<ms>("body_timeout", into.body_timeout, any_timeout);
  map.duration<ms>("idle_timeout", into.idle_timeout, any_timeout);
  map.duration<ms>("write_timeout", into.write_timeout, any_timeout);
  map.integer<uint32_t>("connections_max", into.connections_max, {1, 1'000'000});
  map.integer<uint32_t>("connections_per_address_max", into.connections_per_address_max,
                        {1, 1'000'000});
  map.integer<uint32_t>("in_flight_max", into.in_flight_max, {1, 1'000'000});
  map.duration<ms>("request_timeout", into.request_timeout, {1ms, 24h});
  map.size<uint64_t>("read_ahead_bytes_max", into.read_ahead_bytes_max, {kib, 64 * mib});
  map.size<uint64_t>("bodies_bytes_max", into.bodies_bytes_max, {mib, 1024 * gib});
  map.size<uint64_t>("stream_buffer_bytes_max", into.stream_buffer_bytes_max, {kib, 64 * mib});
  map.size<uint64_t>("reply_bytes_max", into.reply_bytes_max, {kib, gib});
  if (into.bodies_bytes_max < into.body_bytes_max)
    map.fail("bodies_bytes_max", "is less than body_bytes_max: the largest body would never fit",
             "at least " + to_size_string(into.body_bytes_max));
  map.end();
}

void read_simulation(reading& to, const yaml_value& at, simulation_settings& into) {
  map_reader map{to, at};
  map.duration<us>("call_base", into.call_base, any_latency);
  map.duration<us>("per_prompt", into.per_prompt, any_latency);
  map.duration<us>("per_output_token", into.per_output_token, any_latency);
  map.integer<uint32_t>("slots", into.slots, {0, 1'000'000});
  map.integer<uint32_t>("queue_max", into.queue_max, {0, 1'000'000});
  map.decimal("scale", into.scale, {0.0001, 1'000});
  map.integer<uint64_t>("seed", into.seed, {0, ~uint64_t{0}});
  for (auto& x : elements_of(to, map.value("fault_rules")))
    if (auto rule = text_of(to, x))
      into.fault_rules.push_back(*rule);
  map.text("usage_log", into.usage_log);
  map.end();
}

void read_storage(reading& to, const yaml_value& at, storage_settings& into) {
  map_reader map{to, at};
  map.text("path", into.path);
  map.size<uint64_t>("cache_bytes", into.cache_bytes, {mib, 64 * gib});
  map.end();
}

void read_jobs(reading& to, const yaml_value& at, jobs_settings& into) {
  map_reader map{to, at};
  map.integer<uint32_t>("calls_max", into.calls_max, {1, 10'000});
  map.integer<uint32_t>("interactive_percent_max", into.interactive_percent_max, {1, 100});
  map.size<uint64_t>("file_bytes_max", into.file_bytes_max, {kib, gib});
  map.integer<uint32_t>("lines_max", into.lines_max, {1, 1'000'000});
  map.size<uint64_t>("line_bytes_max", into.line_bytes_max, {kib, gib});
  map.integer<uint32_t>("batches_per_tenant_max", into.batches_per_tenant_max, {1, 100'000});
  map.size<uint64_t>("storage_bytes_max", into.storage_bytes_max, {mib, 1024 * 1024 * gib});
  map.end();
}

void read_merging(reading& to, const yaml_value& at, merging_settings& into) {
  map_reader map{to, at};
  map.flag("enabled", into.enabled);
  map.decimal("temperature_max", into.temperature_max, {0, 2});
  map.flag("similar", into.similar);
  map.size<uint64_t>("replay_bytes_max", into.replay_bytes_max, {kib, gib});
  map.integer<uint32_t>("joiners_max", into.joiners_max, {1, 1'000'000});
  map.end();
}

namespace {

void read_archive(reading& to, const yaml_value& at, archive_settings& into) {
  map_reader map{to, at};
  map.text("path", into.path);
  map.size<uint64_t>("bytes_max", into.bytes_max, {0, 64 * 1024 * gib});
  map.end();
}

void read_similar(reading& to, const yaml_value& at, const std::vector<model>& models,
                  similar_settings& into) {
  map_reader map{to, at};
  map.flag("enabled", into.enabled);
  map.decimal("error_rate_max", into.error_rate_max, {0, 1});
  map.integer<uint64_t>("entries_max", into.entries_max, {1, 10'000'000});
  map.text("model", into.model);
  map.choice("precision", into.precision, {"fp32", "int8"});
  read_embeddings(map, models, into);
  read_checker(map, models, into);
  map.end();
}

} // namespace

void read_cache(reading& to, const yaml_value& at, const std::vector<model>& models,
                cache_settings& into) {
  map_reader map{to, at};
  map.flag("enabled", into.enabled);
  map.integer<uint32_t>("shards", into.shards, {0, 256});
  map.size<uint64_t>("bytes_max", into.bytes_max, {mib, 1024 * gib});
  map.size<uint64_t>("entry_bytes_max", into.entry_bytes_max, {kib, gib});
  map.duration<std::chrono::seconds>("ttl", into.ttl, {1s, 10 * 365 * 24h});
  map.integer<uint32_t>("ttl_jitter_percent", into.ttl_jitter_percent, {0, 50});
  map.duration<std::chrono::seconds>("stale_if_error", into.stale_if_error, {0s, 365 * 24h});
  read_archive(to, map.value("archive"), into.archive);
  map.duration<std::chrono::seconds>("stale_while_revalidate", into.stale_while_revalidate,
                                     {0s, 365 * 24h});
  read_similar(to, map.value("similar"), models, into.similar);
  read_warming(to, map.value("warming"), into.warming);
  into.policies = read_cache_policies(to, map.value("policies"));
  map.end();
}

void read_log(reading& to, const yaml_value& at, log_settings& into) {
  map_reader map{to, at};
  map.choice("format", into.format, {"console", "json"});
  map.choice("level", into.level, {"trace", "debug", "info", "warn", "error", "off"});
  map.text("file", into.file);
  map.flag("requests", into.requests);
  map.end();
}

} // namespace sluice
