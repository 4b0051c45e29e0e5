#include "actors/monitor/request_counters.hpp"

#include <algorithm>

namespace sluice {

namespace {

using prometheus::Counter;
using prometheus::Histogram;
using prometheus::Labels;

const std::string other = "other";

double seconds(std::chrono::nanoseconds x) {
  return std::chrono::duration<double>(x).count();
}

/// Most requests add nothing to most counters, and adding is an atomic operation.
void add_to(Counter* counter, std::integral auto value) {
  if (counter && value > 0)
    counter->Increment(static_cast<double>(value));
}

/// The conventions' operation for a route.
std::string operation_of_route(std::string_view route) {
  for (auto x : {endpoint::chat_completions, endpoint::completions, endpoint::embeddings})
    if (route.ends_with(path_of(x)) && route.starts_with("/v1/") &&
        route.size() == path_of(x).size() + 4)
      return std::string{operation_of(x)};
  return other;
}

void add_known(Labels& to, const char* name, std::string_view value) {
  if (!value.empty())
    to.emplace(name, value);
}

} // namespace

request_counters::request_counters(request_families& families,
                                   const std::vector<std::string>& models, size_t combinations_max)
    : families_(families), models_(models.begin(), models.end()), outcomes_(combinations_max),
      spendings_(combinations_max) {}

std::string_view request_counters::model_label(const request_record& x) const {
  // Whatever was answered was configured; the rest has to be looked up.
  if (x.model.empty() || !x.deployment.empty() || models_.contains(x.model))
    return x.model;
  return other;
}

void request_counters::add(const request_record& x) {
  auto model = model_label(x);
  if (x.origin == request_origin::caller) // nobody waited for the others, but somebody pays
    add_outcome(x, outcome_of(x, model));
  if (x.inference && !x.share.joined && (x.usage_known || x.cost.value != 0))
    add_spending(x, spending_of(x, model));
  if (x.share.packed > 0 || x.share.rerun)
    add_packing(x);
}

request_counters::outcome& request_counters::outcome_of(const request_record& x,
                                                        std::string_view model) {
  outcomes_.begin_key();
  outcomes_.add_key(x.route);
  outcomes_.add_key(model);
  outcomes_.add_key(x.provider);
  outcomes_.add_key(x.upstream_model);
  outcomes_.add_key(static_cast<uint32_t>(x.status) << 16 | static_cast<uint32_t>(x.error) << 8 |
                    static_cast<uint32_t>(x.inference));
  if (auto found = outcomes_.find([&] { return make_outcome(x, model); }))
    return *found;
  ++overflowed_;
  if (!other_outcome_)
    other_outcome_ = make_outcome({other, other, other, other, {}});
  return *other_outcome_;
}

request_counters::spending& request_counters::spending_of(const request_record& x,
                                                          std::string_view model) {
  spendings_.begin_key();
  spendings_.add_key(x.tenant);
  spendings_.add_key(model);
  spendings_.add_key(x.provider);
  auto make = [&] { return make_spending(x.tenant, std::string{model}, x.provider); };
  if (auto found = spendings_.find(make))
    return *found;
  ++overflowed_;
  if (!other_spending_)
    other_spending_ = make_spending(other, other, other);
  return *other_spending_;
}

request_counters::outcome request_counters::make_outcome(const labels& by) const {
  Labels all{{"route", by.route}, {"status", by.status}};
  add_known(all, "model", by.model);
  add_known(all, "provider", by.provider);
  add_known(all, "error", by.error);
  Labels few{{"route", by.route}};
  outcome result;
  result.requests = &families_.requests.Add(all);
  result.request_bytes = &families_.request_bytes.Add(few);
  result.response_bytes = &families_.response_bytes.Add(few);
  add_known(few, "model", by.model);
  result.duration = &families_.duration.Add(few, duration_buckets);
  return result;
}

request_counters::outcome request_counters::make_outcome(const request_record& x,
                                                         std::string_view model) const {
  auto error = x.error == ec::none ? std::string{} : to_string(x.error);
  auto result =
      make_outcome({x.route, std::string{model}, x.provider, std::to_string(x.status), error});
  if (x.inference)
    add_inference_handles(x, model, result);
  return result;
}

void request_counters::add_inference_handles(const request_record& x, std::string_view model,
                                             outcome& to) const {
  Labels by_model;
  add_known(by_model, "model", model);
  to.attempts = &families_.attempts.Add(by_model);
  to.retries = &families_.retries.Add(by_model);
  to.fallbacks = &families_.fallbacks.Add(by_model);
  to.chunks = &families_.chunks.Add(by_model);
  Labels gen_ai{{"gen_ai_operation_name", operation_of_route(x.route)}};
  add_known(gen_ai, "gen_ai_provider_name", x.provider_kind);
  add_known(gen_ai, "gen_ai_request_model", model);
  add_known(gen_ai, "gen_ai_response_model", x.upstream_model);
  if (x.error == ec::none) {
    to.overhead = &families_.overhead.Add({{"route", x.route}}, overhead_buckets);
    to.usage_unknown = &families_.usage_unknown.Add(by_model);
    to.merged = &families_.merged.Add(by_model);
    to.distribution = &families_.distribution.Add({{"model", x.upstream_model}});
    to.first_token = &families_.server_first_token.Add(gen_ai, gen_ai_first_token_buckets);
    to.per_token = &families_.server_per_token.Add(gen_ai, gen_ai_per_token_buckets);
    auto tokens = gen_ai;
    tokens["gen_ai_token_type"] = "input";
    to.input_tokens = &families_.client_tokens.Add(tokens, gen_ai_token_buckets);
    tokens["gen_ai_token_type"] = "output";
    to.output_tokens = &families_.client_tokens.Add(tokens, gen_ai_token_buckets);
  } else {
    gen_ai["error_type"] = to_string(x.error);
  }
  to.server_duration = &families_.server_duration.Add(gen_ai, gen_ai_duration_buckets);
  to.client_duration = &families_.client_duration.Add(gen_ai, gen_ai_duration_buckets);
}

request_counters::spending request_counters::make_spending(const std::string& tenant,
                                                           const std::string& model,
                                                           const std::string& provider) const {
  Labels by;
  add_known(by, "tenant", tenant);
  add_known(by, "model", model);
  add_known(by, "provider", provider);
  spending result;
  result.cost = &families_.cost.Add(by);
  constexpr std::array buckets{"input", "cache_read", "cache_write", "output", "reasoning"};
  for (size_t i = 0; i < buckets.size(); ++i) {
    by["bucket"] = buckets[i];
    result.tokens[i] = &families_.tokens.Add(by);
  }
  return result;
}

void request_counters::add_outcome(const request_record& x, const outcome& to) {
  to.requests->Increment();
  if (!x.handed_over)
    to.duration->Observe(seconds(x.duration));
  add_to(to.request_bytes, x.request_bytes);
  add_to(to.response_bytes, x.response_bytes);
  // The call that a joined request shares is counted with the one that pays for it.
  add_to(to.attempts, int{x.attempts} - (x.share.joined ? 1 : 0));
  // Each deployment but the first costs a fallback and a first attempt of its own.
  add_to(to.retries, int{x.attempts} - 1 - int{x.fallbacks});
  add_to(to.fallbacks, x.fallbacks);
  add_to(to.chunks, x.chunks);
  if (to.server_duration && !x.handed_over)
    to.server_duration->Observe(seconds(x.duration));
  if (to.client_duration && x.attempts > 0)
    to.client_duration->Observe(seconds(x.upstream));
  if (to.overhead)
    add_answer(x, to);
}

void request_counters::add_answer(const request_record& x, const outcome& to) {
  to.distribution->Increment();
  if (x.share.joined)
    to.merged->Increment();
  if (x.attempts > 0)
    to.overhead->Observe(std::max(seconds(x.duration - x.upstream), 0.0));
  if (x.streamed)
    to.first_token->Observe(seconds(x.first_byte));
  if (is_hit(x.cache)) // no provider spent a token
    return;
  if (!x.usage_known) {
    to.usage_unknown->Increment();
    return;
  }
  auto output = x.usage.output_total();
  if (!x.share.joined) { // these are the provider's tokens, and it spent them once
    to.input_tokens->Observe(static_cast<double>(x.usage.input_total()));
    if (output > 0) // embeddings have none
      to.output_tokens->Observe(static_cast<double>(output));
  }
  if (x.streamed && output > 1)
    to.per_token->Observe(seconds(x.duration - x.first_byte) / static_cast<double>(output - 1));
}

/// By tenant alone, and looked up each time: few requests are packed, and a look-up is nothing
/// beside the call to a model that each has made.
void request_counters::add_packing(const request_record& x) const {
  if (x.share.joined) // the one that pays has saved for it, too
    return;
  Labels by;
  add_known(by, "tenant", x.tenant);
  auto saved = x.share.input_saved;
  add_to(&families_.pack_saved_tokens.Add(by), saved);
  add_to(&families_.pack_lost_tokens.Add(by), -saved);
  if (x.share.rerun)
    families_.pack_reruns.Add(by).Increment();
  if (x.share.packed == 0)
    return;
  families_.packed.Add(by).Increment();
  if (x.share.packed_valid > 0)
    families_.pack_saved_calls.Add(by).Increment(1 - 1.0 / x.share.packed_valid);
}

void request_counters::add_spending(const request_record& x, const spending& to) {
  const std::array counts{x.usage.input, x.usage.cache_read, x.usage.cache_write, x.usage.output,
                          x.usage.reasoning};
  for (size_t i = 0; i < counts.size(); ++i)
    add_to(to.tokens[i], counts[i]);
  add_to(to.cost, x.cost.value);
}

} // namespace sluice
