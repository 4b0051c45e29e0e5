#include "api/sim/sim_fault_rules.hpp"

#include "api/sim/sim_hash.hpp"

#include <charconv>

namespace sluice {
namespace {

template <class Number>
bool read_number(std::string_view text, Number& to) {
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), to);
  return error == std::errc{} && end == text.data() + text.size();
}

caf::error bad(const std::string& text) {
  return make_error(ec::bad_configuration, text);
}

} // namespace

caf::expected<bool> sim_fault_rules::read_condition(rule& to, const sim_option& option) {
  auto [name, value] = option;
  if (name == "model") {
    to.model = value;
  } else if (name == "stream") {
    if (value != "true" && value != "false")
      return bad("'stream' must be true or false");
    to.stream = value == "true";
  } else if (name == "endpoint") {
    for (auto kind : {endpoint::chat_completions, endpoint::completions, endpoint::embeddings,
                      endpoint::chat_batch})
      if (path_of(kind) == value)
        to.kind = kind;
    if (!to.kind)
      return bad("'endpoint' must be chat/completions, completions, embeddings or "
                 "chat/completions/batch");
  } else if (name == "every") {
    if (!read_number(value, to.every) || to.every == 0)
      return bad("'every' must be a whole number above 0");
  } else if (name == "times") {
    if (!read_number(value, to.times) || to.times == 0)
      return bad("'times' must be a whole number above 0");
  } else if (name == "probability") {
    if (!read_number(value, to.probability) || !(to.probability >= 0 && to.probability <= 1))
      return bad("'probability' must be a number from 0 to 1");
  } else {
    return false;
  }
  return true;
}

caf::error sim_fault_rules::read(rule& to, std::string_view text) {
  std::string_view fault;
  std::vector<sim_option> options;
  for (const auto& word : split_sim_options(text)) {
    if (word.first == "fault") {
      fault = word.second;
      continue;
    }
    auto taken = read_condition(to, word);
    if (!taken)
      return taken.error();
    if (!*taken)
      options.push_back(word);
  }
  if (fault.empty())
    return bad("'fault=NAME' is missing");
  auto parsed = parse_sim_fault(fault, options);
  if (!parsed)
    return parsed.error();
  to.fault = *parsed;
  return caf::none;
}

caf::expected<sim_fault_rules> sim_fault_rules::parse(const std::vector<std::string>& rules,
                                                      uint64_t seed) {
  sim_fault_rules result;
  for (const auto& text : rules) {
    rule next;
    if (auto error = read(next, text))
      return bad("fault rule \"" + text + "\": " + message_of(error));
    next.random = sim_mix(seed) + result.rules_.size();
    result.rules_.push_back(std::move(next));
  }
  return result;
}

bool sim_fault_rules::fits(const rule& x, const sim_occasion& call) {
  if (x.kind && *x.kind != call.kind)
    return false;
  if (x.stream && *x.stream != call.stream)
    return false;
  if (x.model.ends_with('*'))
    return call.model.starts_with(std::string_view{x.model}.substr(0, x.model.size() - 1));
  return x.model.empty() || x.model == call.model;
}

bool sim_fault_rules::strikes(rule& x) {
  ++x.fitting;
  x.random = sim_mix(x.random);
  // 53 bits are what a double holds exactly.
  auto drawn = static_cast<double>(x.random >> 11U) * 0x1p-53;
  if (x.fitting % x.every != 0 || drawn >= x.probability)
    return false;
  if (x.times != 0 && x.struck >= x.times)
    return false;
  ++x.struck;
  return true;
}

std::optional<sim_fault> sim_fault_rules::strike(const sim_occasion& call) {
  std::optional<sim_fault> result;
  for (auto& x : rules_) {
    bool struck = fits(x, call) && strikes(x);
    if (struck && !result)
      result = x.fault;
  }
  return result;
}

} // namespace sluice
