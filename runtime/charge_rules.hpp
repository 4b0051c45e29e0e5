#pragma once

#include "runtime/catalogue.hpp"
#include "runtime/charge.hpp"
#include "runtime/messages.hpp"

#include <string_view>

namespace sluice {

/// What of a request decides how much it can cost.
struct charge_scale {
  endpoint kind = endpoint::chat_completions;
  int64_t output_tokens_max = 0; ///< of all answers together; 0 where the caller did not limit it
  int64_t choices = 1;           ///< answers asked for
};

/// What one attempt at `to` can use at most: the input as its tokens are counted, with some more
/// for what stands around the texts, and as much output as the caller or the model allows.
token_usage usage_most(const charge_scale& asked, std::string_view body, const deployment& to);

/// What is said to `to` as the most that one answer may have where the caller says nothing, so that
/// what is set aside suffices: `most` is of `usage_most`. Zero where nothing is to be said: the
/// tokens are free, the caller limited them, or the endpoint is none of chat, whose limit is the
/// model's own unless said otherwise.
int64_t output_limit(const charge_scale& asked, const token_usage& most, const deployment& to);

/// The field that says it. OpenAI's models that think refuse "max_tokens"; other makers' servers
/// may not know "max_completion_tokens".
std::string_view output_limit_field(std::string_view upstream_model);

/// What `most` can cost at most. Zero where the price is unknown.
nanousd charge_most(const token_usage& most, const deployment& to);
/// The same of what one attempt at `to` can use.
nanousd charge_most(const charge_scale& asked, std::string_view body, const deployment& to);

/// What is charged for an attempt that `to` answered: its part of a call that several pay, or the
/// usage at the price; `assumed` where neither is known and there is a price, nothing where another
/// call pays.
charge_outcome outcome_of_answer(const token_usage& usage, bool known, const call_share& share,
                                 const deployment& to);

/// What is charged for an attempt that ended before any content came:
/// - the provider never got it: nothing, `unsent`;
/// - the provider answered with an error: nothing, `failed`, as providers bill what they deliver;
/// - a packed call was paid before: that;
/// - otherwise nobody knows: `assumed`.
charge_outcome outcome_of_failure(const upstream_failure& x);

/// What is charged for a stream that broke off: `so_far`, where the provider told its usage, and
/// otherwise `assumed`.
charge_outcome outcome_of_end(const stream_end& x, charge_outcome so_far);

/// Of a call that is given up while the provider is at it, and bills what it likes.
charge_outcome outcome_of_leaving();

/// Of a charge that nothing was sent for.
charge_outcome outcome_of_nothing();

} // namespace sluice
