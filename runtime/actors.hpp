#pragma once

#include "runtime/inspect.hpp"
#include "runtime/messages.hpp"
#include "runtime/shared_body.hpp"

/// Every typed actor interface of the program. The order is that of a request's way;
/// `docs/architecture.md` says who spawns whom.
namespace sluice {

/// Decides who answers.
using router_actor = caf::typed_actor<
    // Who can answer this? Fails with `model_not_found` or `upstream_unavailable`.
    caf::replies_to<route_query>::with<route_decision>,
    // A deployment's breaker opened or closed.
    caf::reacts_to<deployment_health>>;

/// Waits for the outcome of upstream calls: the HTTP host, and whoever else makes calls.
using call_client_actor = caf::typed_actor<
    // The answer of a call in 'whole' mode. Ends the call.
    caf::reacts_to<upstream_reply>,
    // The call failed before any content came. Ends the call.
    caf::reacts_to<upstream_failure>,
    // Some of the stream. Answer with `stream_credit` when it has been passed on.
    caf::reacts_to<stream_block>,
    // The stream is over. Ends the call.
    caf::reacts_to<stream_end>>;

/// One attempt at one deployment. Retry and fallback are the business of the caller, for each
/// attempt is a charge of its own.
struct upstream_call {
  uint64_t call = 0;        ///< unique in the process: the high 16 bits are the loop's number
  call_client_actor client; ///< gets exactly one `upstream_reply`, `upstream_failure` or
                            ///< `stream_end`, unless it cancels
  std::string request_id;
  std::string attempt_id; ///< sent as `x-sluice-attempt`
  std::string deployment; ///< id in the catalogue
  endpoint kind = endpoint::chat_completions;
  reply_mode mode = reply_mode::whole;
  bool usage_wanted = false; ///< 'stream': the client asked for the usage event; otherwise it is
                             ///< taken out of the stream
  shared_body body;          ///< JSON, already carrying the upstream's model name
  deadline until;
  std::string tenant; ///< whose it is: batches are fair between tenants
  urgency patience = urgency::interactive;
  merge_terms merge;
  std::string path; ///< below the API root, in place of the endpoint's own; usually empty
};

/// A provider: takes calls, holds connections. Stops after `drain` when its calls have ended or the
/// deadline passed.
using upstream_actor = caf::typed_actor<
    // Make this call.
    caf::reacts_to<upstream_call>,
    // The client took some of the stream.
    caf::reacts_to<stream_credit>,
    // The client is gone: end the call, close its connection.
    caf::reacts_to<cancel_call>,
    // Stop.
    caf::reacts_to<drain>>;

/// Accepts connections and answers requests on one I/O loop.
using http_host_actor = call_client_actor::extend<
    // Accept nothing new, finish what is in work, then stop.
    caf::reacts_to<drain>>;

/// Counts and logs.
using monitor_actor = caf::typed_actor<
    // What a loop has to tell. The answer is the number of records taken: the loop's credit for
    // more.
    caf::replies_to<loop_report>::with<uint32_t>,
    // A provider's pool and health.
    caf::reacts_to<upstream_report>,
    // The metrics as Prometheus text.
    caf::replies_to<metrics_query>::with<std::string>>;

template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, upstream_call& x) {
  return f(caf::meta::type_name("sluice::upstream_call"), x.call, x.client, x.request_id,
           x.attempt_id, x.deployment, x.kind, x.mode, x.usage_wanted, x.body, x.until, x.tenant,
           x.patience, x.merge, x.path);
}

} // namespace sluice

CAF_BEGIN_TYPE_ID_BLOCK(sluice, caf::first_custom_type_id)
CAF_ADD_TYPE_ID(sluice, (sluice::ec))
CAF_ADD_TYPE_ID(sluice, (sluice::route_query))
CAF_ADD_TYPE_ID(sluice, (sluice::candidate))
CAF_ADD_TYPE_ID(sluice, (sluice::route_decision))
CAF_ADD_TYPE_ID(sluice, (sluice::deployment_health))
CAF_ADD_TYPE_ID(sluice, (sluice::failure))
CAF_ADD_TYPE_ID(sluice, (sluice::fingerprint))
CAF_ADD_TYPE_ID(sluice, (sluice::merge_terms))
CAF_ADD_TYPE_ID(sluice, (sluice::call_share))
CAF_ADD_TYPE_ID(sluice, (sluice::upstream_call))
CAF_ADD_TYPE_ID(sluice, (sluice::upstream_reply))
CAF_ADD_TYPE_ID(sluice, (sluice::upstream_failure))
CAF_ADD_TYPE_ID(sluice, (sluice::stream_block))
CAF_ADD_TYPE_ID(sluice, (sluice::stream_end))
CAF_ADD_TYPE_ID(sluice, (sluice::stream_credit))
CAF_ADD_TYPE_ID(sluice, (sluice::cancel_call))
CAF_ADD_TYPE_ID(sluice, (sluice::request_record))
CAF_ADD_TYPE_ID(sluice, (sluice::loop_report))
CAF_ADD_TYPE_ID(sluice, (sluice::upstream_report))
CAF_ADD_TYPE_ID(sluice, (sluice::metrics_query))
CAF_ADD_TYPE_ID(sluice, (sluice::drain))
CAF_END_TYPE_ID_BLOCK(sluice)
