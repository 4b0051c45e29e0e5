#include "runtime/configuration/sections.hpp"

namespace sluice {

using namespace std::chrono_literals;

namespace {

using us = std::chrono::microseconds;

// The reference workload batches 1 to 32; far beyond that no endpoint takes an array so long.
constexpr bounds<uint32_t> batch_size{1, 2'048};
// Nobody holds a request back for a minute.
constexpr bounds<us> batch_wait{0us, 60s};
constexpr bounds<uint64_t> cache_size{0, 100'000'000};
constexpr bounds<double> fraction{0, 1};
// What `nanousd` holds, less some for sums.
constexpr bounds<nanousd> budget{{0}, {1'000'000'000'000'000'000}};

/// Puts the variable `name` into `into`, or adds a mistake.
template <class T, class F>
void read_variable(reading& to, const std::string& name, T& into, F parse) {
  auto text = non_empty(to.env, name);
  if (!text)
    return;
  auto x = parse(*text);
  if (x.value)
    into = static_cast<T>(*x.value);
  else
    to.mistakes.push_back({"environment", 0, name, "'" + *text + "' " + x.message, x.allowed});
}

/// MAX_WAIT_TIME is a bare number of seconds, "0.08"; one with a unit says what it means as well.
parsed<us> parse_seconds(const std::string& text) {
  bool bare = text.find_first_not_of("0123456789.") == std::string::npos;
  return parse_duration(bare ? text + "s" : text, batch_wait);
}

} // namespace

void read_optimizer(reading& to, const yaml_value& at, optimizer_settings& into) {
  map_reader map{to, at};
  map.integer<uint32_t>("batch_size", into.batch_size, batch_size);
  map.duration<us>("batch_wait_max", into.batch_wait_max, batch_wait);
  map.integer<uint64_t>("cache_size", into.cache_size, cache_size);
  map.decimal("similarity_threshold", into.similarity_threshold, fraction);
  map.decimal("cost_priority", into.cost_priority, fraction);
  map.usd("daily_budget", into.daily_budget, budget);
  map.end();
}

void read_environment(reading& to, optimizer_settings& into) {
  read_variable(to, "BATCH_SIZE", into.batch_size, [](const std::string& text) {
    return parse_integer(text, {batch_size.min, batch_size.max});
  });
  read_variable(to, "MAX_WAIT_TIME", into.batch_wait_max, parse_seconds);
  read_variable(to, "CACHE_SIZE", into.cache_size,
                [](const std::string& text) { return parse_integer(text, cache_size); });
  read_variable(to, "SIMILARITY_THRESHOLD", into.similarity_threshold,
                [](const std::string& text) { return parse_decimal(text, fraction); });
  read_variable(to, "COST_PRIORITY", into.cost_priority,
                [](const std::string& text) { return parse_decimal(text, fraction); });
  read_variable(to, "DAILY_BUDGET", into.daily_budget,
                [](const std::string& text) { return parse_usd(text, budget); });
}

} // namespace sluice
