#pragma once

#include "api/gateway/request_reader.hpp"
#include "runtime/catalogue.hpp"
#include "runtime/charge.hpp"
#include "runtime/messages.hpp"

namespace sluice {

/// What one attempt at `to` can cost at most: the input as its tokens are counted, with some more
/// for what stands around the texts, and as much output as the caller or the model allows. Zero
/// where the price is unknown.
nanousd charge_most(const inference_request& asked, const std::string& body, const deployment& to);

/// What is charged for an attempt that ended before any content came:
/// - the provider never got it: nothing, `unsent`;
/// - the provider answered with an error: nothing, `failed`, as providers bill what they deliver;
/// - a packed call was paid before: that;
/// - otherwise nobody knows: `assumed`.
charge_outcome outcome_of_failure(const upstream_failure& x);

/// What is charged for a stream that broke off: `so_far`, where the provider told its usage, and
/// otherwise `assumed`.
charge_outcome outcome_of_end(const stream_end& x, charge_outcome so_far);

} // namespace sluice
