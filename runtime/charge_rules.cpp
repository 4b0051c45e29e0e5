#include "runtime/charge_rules.hpp"

#include "runtime/tokens/tokenizer.hpp"

#include <algorithm>
#include <limits>

namespace sluice {

namespace {

/// Bodies up to this size are counted with the provider's vocabulary, which takes a millisecond of
/// the loop at most. Beyond it two bytes count as a token, which is more than usual text has.
constexpr size_t counted_bytes_max = 16 * 1024;

/// What a model writes at most where nobody says: the catalogue knows it of every model that it
/// has, so this is for the operator's own.
constexpr int64_t output_tokens_default = 4'096;

int64_t input_bound(std::string_view body, const deployment& to) {
  if (body.size() > counted_bytes_max)
    return static_cast<int64_t>(body.size() / 2);
  // Braces, quotes and names of fields are more tokens than providers add for a message.
  return static_cast<int64_t>(tokenizer::of(token_encoding_of(to.upstream_model)).count(body));
}

int64_t output_bound(const charge_scale& asked, const deployment& to) {
  if (asked.kind == endpoint::embeddings)
    return 0;
  auto of_model = (to.output_tokens_max > 0 ? to.output_tokens_max : output_tokens_default) *
                  std::max<int64_t>(asked.choices, 1);
  if (asked.output_tokens_max > 0)
    return to.output_tokens_max > 0 ? std::min(asked.output_tokens_max, of_model)
                                    : asked.output_tokens_max;
  return of_model;
}

} // namespace

token_usage usage_most(const charge_scale& asked, std::string_view body, const deployment& to) {
  token_usage most;
  most.input = input_bound(body, to);
  most.output = output_bound(asked, to);
  return most;
}

int64_t output_limit(const charge_scale& asked, const token_usage& most, const deployment& to) {
  if (asked.kind != endpoint::chat_completions || asked.output_tokens_max > 0 || !to.price ||
      std::max(to.price->price.output, to.price->price.reasoning) == 0)
    return 0;
  auto result = to.output_tokens_max > 0 ? to.output_tokens_max : output_tokens_default;
  if (to.context_tokens_max > 0)
    result = std::min(result, to.context_tokens_max - most.input);
  return std::max<int64_t>(result, 0);
}

std::string_view output_limit_field(std::string_view upstream_model) {
  for (std::string_view thinking : {"o1", "o3", "o4", "gpt-5"})
    if (upstream_model.starts_with(thinking))
      return "max_completion_tokens";
  return "max_tokens";
}

nanousd charge_most(const token_usage& most, const deployment& to) {
  if (!to.price)
    return {};
  auto price = to.price->price;
  // Tokens of any kind: nobody knows yet what the provider has in its cache or thinks about.
  price.input = std::max({price.input, price.cache_read, price.cache_write});
  price.output = std::max(price.output, price.reasoning);
  return cost(most, price).value_or(nanousd{std::numeric_limits<int64_t>::max() / 8});
}

nanousd charge_most(const charge_scale& asked, std::string_view body, const deployment& to) {
  return to.price ? charge_most(usage_most(asked, body, to), to) : nanousd{};
}

charge_outcome outcome_of_answer(const token_usage& usage, bool known, const call_share& share,
                                 const deployment& to) {
  charge_outcome result;
  result.usage = usage;
  auto counted = usage.input_total() + usage.output_total() > 0;
  if (share.cost_known)
    result.cost = share.cost;
  else if ((known || counted) && to.price)
    result.cost = cost(usage, to.price->price).value_or(nanousd{});
  if (share.joined)
    result.set(charge_flag::joined);
  else if (!known && !share.cost_known && to.price)
    result.set(counted ? charge_flag::estimated : charge_flag::assumed); // nobody said how much
  return result;
}

charge_outcome outcome_of_failure(const upstream_failure& x) {
  charge_outcome result;
  result.set(charge_flag::failed);
  result.usage = x.wasted;
  result.cost = x.wasted_cost;
  if (x.joined)
    result.set(charge_flag::joined);
  else if (!x.why.sent)
    result.set(charge_flag::unsent);
  else if (x.why.upstream_status < 400 && x.wasted_cost == nanousd{})
    result.set(charge_flag::assumed);
  return result;
}

charge_outcome outcome_of_end(const stream_end& x, charge_outcome so_far) {
  so_far.set(charge_flag::failed);
  auto paid_elsewhere = so_far.has(charge_flag::joined);
  if (!x.usage_known && !paid_elsewhere) { // what came is not all that it wrote
    so_far.flags &= ~static_cast<uint32_t>(charge_flag::estimated);
    so_far.set(charge_flag::assumed);
  }
  return so_far;
}

charge_outcome outcome_of_leaving() {
  charge_outcome result;
  result.set(charge_flag::failed);
  result.set(charge_flag::assumed);
  return result;
}

charge_outcome outcome_of_nothing() {
  charge_outcome result;
  result.set(charge_flag::unsent);
  return result;
}

} // namespace sluice
