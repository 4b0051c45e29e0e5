#include "api/sim/sim_fault.hpp"

#include "runtime/ec.hpp"

#include <array>
#include <charconv>
#include <cmath>

namespace sluice {
namespace {

using std::string_view;

constexpr string_view magic_open = "[[sim:";
constexpr string_view magic_close = "]]";
/// Six wishes can go together (tokens, reasoning, cached, pace, slow_first_byte and a disruption).
constexpr size_t magic_max = 8;

/// A role event and two tokens: a stream that has begun for everybody.
constexpr uint32_t after_default = 3;

enum class wish : uint8_t {
  disruption,
  slow_first_byte,
  pace,
  tokens,
  reasoning,
  cached,
  no_usage,
  pack
};

struct fault_row {
  string_view name;
  wish what;
  sim_disruption disruption;
  string_view options; ///< those of its own, each between spaces
};

constexpr std::array<fault_row, 17> rows{{
    {"cut", wish::disruption, sim_disruption::cut, " after "},
    {"malformed", wish::disruption, sim_disruption::malformed, " after "},
    {"error_event", wish::disruption, sim_disruption::error_event, " after "},
    {"error_first", wish::disruption, sim_disruption::error_event, " "},
    {"stall", wish::disruption, sim_disruption::stall, " after "},
    {"endless", wish::disruption, sim_disruption::endless, " "},
    {"hang", wish::disruption, sim_disruption::hang, " "},
    {"reset", wish::disruption, sim_disruption::reset, " "},
    {"slow_first_byte", wish::slow_first_byte, sim_disruption::none, " ms "},
    {"pace", wish::pace, sim_disruption::none, " "},
    {"tokens", wish::tokens, sim_disruption::none, " n "},
    {"reasoning", wish::reasoning, sim_disruption::none, " n "},
    {"cached", wish::cached, sim_disruption::none, " n "},
    {"no_usage", wish::no_usage, sim_disruption::none, " "},
    {"pack_missing", wish::pack, sim_disruption::none, " "},
    {"pack_twice", wish::pack, sim_disruption::none, " "},
    {"pack_broken", wish::pack, sim_disruption::none, " "},
}};
constexpr fault_row status_row{"status", wish::disruption, sim_disruption::status,
                               " retry_after_ms should_retry "};
constexpr string_view common_options = " times ms_per_token ";

caf::error invalid(std::string text) {
  return make_error(ec::invalid_value, std::move(text));
}

std::string quoted(string_view x) {
  return "'" + std::string{x} + "'";
}

std::string known_names() {
  std::string result = "a status from 400 to 599";
  for (const auto& row : rows)
    result += ", " + std::string{row.name};
  return result;
}

const fault_row* find_row(string_view name) {
  for (const auto& row : rows)
    if (row.name == name)
      return &row;
  return nullptr;
}

bool lists(string_view options, string_view name) {
  return options.find(" " + std::string{name} + " ") != string_view::npos;
}

/// The value of a numeric option, at most `most`: what is larger is a slip of the keyboard.
caf::expected<int64_t> whole_number(const sim_option& option, int64_t most) {
  int64_t result = 0;
  auto [name, text] = option;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), result);
  if (error != std::errc{} || end != text.data() + text.size() || result < 0 || result > most)
    return invalid("option " + quoted(name) + " must be a whole number from 0 to " +
                   std::to_string(most) + ", not " + quoted(text));
  return result;
}

caf::expected<std::chrono::microseconds> milliseconds_with_fraction(const sim_option& option) {
  double result = 0;
  auto [name, text] = option;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), result);
  constexpr double most = 60'000; // a minute a token is as good as a stall
  if (error != std::errc{} || end != text.data() + text.size() || !(result >= 0 && result <= most))
    return invalid("option " + quoted(name) + " must be a number from 0 to 60000, not " +
                   quoted(text));
  return std::chrono::microseconds{std::llround(result * 1000)};
}

caf::expected<bool> truth(const sim_option& option) {
  if (option.second == "true" || option.second == "false")
    return option.second == "true";
  return invalid("option " + quoted(option.first) + " must be true or false, not " +
                 quoted(option.second));
}

/// Puts one option into `fault`. The name is known to be allowed.
caf::error put(sim_fault& fault, wish what, const sim_option& option) {
  constexpr int64_t an_hour = 3'600'000, a_million = 1'000'000;
  auto& effects = fault.effects;
  if (option.first == "should_retry") {
    auto x = truth(option);
    if (!x)
      return x.error();
    effects.should_retry = *x;
    return caf::none;
  }
  if (option.first == "ms_per_token") {
    auto x = milliseconds_with_fraction(option);
    if (!x)
      return x.error();
    effects.per_token = *x;
    return caf::none;
  }
  auto x = whole_number(option, option.first.ends_with("ms") ? an_hour : a_million);
  if (!x)
    return x.error();
  if (option.first == "times")
    fault.times = static_cast<uint32_t>(*x);
  else if (option.first == "after")
    effects.after = static_cast<uint32_t>(*x);
  else if (option.first == "retry_after_ms")
    effects.retry_after = std::chrono::milliseconds{*x};
  else if (option.first == "ms")
    effects.first_byte = std::chrono::milliseconds{*x};
  else if (what == wish::tokens)
    effects.tokens = *x;
  else if (what == wish::reasoning)
    effects.reasoning = *x;
  else
    effects.cached = *x;
  return caf::none;
}

/// A wish without the option that makes it one.
caf::error incomplete(string_view name, wish what, const sim_effects& x) {
  if (what == wish::pace && !x.per_token)
    return invalid("fault 'pace' needs the option ms_per_token");
  bool counts = what == wish::tokens || what == wish::reasoning || what == wish::cached;
  if (counts && !x.tokens && !x.reasoning && !x.cached)
    return invalid("fault " + quoted(name) + " needs the option n");
  return caf::none;
}

sim_pack_fault pack_fault_of(string_view name) {
  return name == "pack_missing" ? sim_pack_fault::missing
         : name == "pack_twice" ? sim_pack_fault::twice
                                : sim_pack_fault::broken;
}

uint16_t status_of(string_view name) {
  uint16_t result = 0;
  auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), result);
  bool whole = error == std::errc{} && end == name.data() + name.size();
  return whole && result >= 400 && result <= 599 ? result : uint16_t{0};
}

} // namespace

caf::expected<sim_fault> parse_sim_fault(string_view name, std::span<const sim_option> options) {
  sim_fault result;
  auto& effects = result.effects;
  effects.status = status_of(name);
  const auto* row = effects.status != 0 ? &status_row : find_row(name);
  if (row == nullptr)
    return invalid("unknown fault " + quoted(name) + "; known are " + known_names());
  effects.disruption = row->disruption;
  effects.usage_left_out = row->what == wish::no_usage;
  if (row->what == wish::pack)
    effects.pack = pack_fault_of(name);
  if (lists(row->options, "after"))
    effects.after = after_default;
  if (row->what == wish::slow_first_byte)
    effects.first_byte = std::chrono::seconds{1}; // well beyond anything that is not waiting for it
  for (const auto& option : options) {
    if (!lists(row->options, option.first) && !lists(common_options, option.first))
      return invalid("fault " + quoted(name) + " has no option " + quoted(option.first) +
                     "; it has" + std::string{row->options} + "times ms_per_token");
    if (auto error = put(result, row->what, option))
      return error;
  }
  if (auto error = incomplete(name, row->what, effects))
    return error;
  return result;
}

std::vector<sim_option> split_sim_options(string_view text) {
  std::vector<sim_option> result;
  while (true) {
    auto begin = text.find_first_not_of(" \t");
    if (begin == string_view::npos)
      return result;
    text.remove_prefix(begin);
    auto word = text.substr(0, text.find_first_of(" \t"));
    text.remove_prefix(word.size());
    auto equals = word.find('=');
    if (equals == string_view::npos)
      result.emplace_back(word, string_view{});
    else
      result.emplace_back(word.substr(0, equals), word.substr(equals + 1));
  }
}

caf::expected<std::vector<sim_fault>> find_magic(string_view prompt) {
  std::vector<sim_fault> result;
  for (auto at = prompt.find(magic_open); at != string_view::npos; at = prompt.find(magic_open)) {
    prompt.remove_prefix(at + magic_open.size());
    auto end = prompt.find(magic_close);
    if (end == string_view::npos)
      return invalid("a magic prompt that begins with '[[sim:' must end with ']]'");
    if (result.size() == magic_max)
      return invalid("a prompt can ask for at most " + std::to_string(magic_max) + " faults");
    auto words = split_sim_options(prompt.substr(0, end));
    if (words.empty())
      return invalid("a magic prompt needs a name: " + known_names());
    auto fault = parse_sim_fault(words.front().first, std::span{words}.subspan(1));
    if (!fault)
      return fault.error();
    result.push_back(*fault);
    prompt.remove_prefix(end);
  }
  return result;
}

caf::error merge_effects(sim_effects& effects, const sim_effects& more) {
  if (more.disruption != sim_disruption::none) {
    if (effects.disruption != sim_disruption::none)
      return invalid("only one fault can break an answer");
    effects.disruption = more.disruption;
    effects.status = more.status;
    effects.after = more.after;
    effects.retry_after = more.retry_after;
    effects.should_retry = more.should_retry;
  }
  effects.first_byte += more.first_byte;
  effects.usage_left_out = effects.usage_left_out || more.usage_left_out;
  for (auto [to, from] : {std::pair{&effects.tokens, &more.tokens},
                          {&effects.reasoning, &more.reasoning},
                          {&effects.cached, &more.cached}})
    if (*from)
      *to = *from;
  if (more.per_token)
    effects.per_token = more.per_token;
  if (more.pack != sim_pack_fault::none)
    effects.pack = more.pack;
  return caf::none;
}

} // namespace sluice
