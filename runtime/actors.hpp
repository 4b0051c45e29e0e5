#pragma once

#include "runtime/inspect.hpp"
#include "runtime/job_messages.hpp"
#include "runtime/messages.hpp"
#include "runtime/shared_body.hpp"
#include "runtime/store_messages.hpp"

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
  uint64_t call = 0;        ///< unique in the process: the high 16 bits are the loop's number, and
                            ///< bit 47 is set in the calls of that loop's merger
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
  packing pack = packing::denied; ///< the caller lets it travel in one prompt with others
  call_method method = call_method::ask;
  int64_t output_tokens_max = 0; ///< of all answers together: a stream beyond it is cut; 0 where
                                 ///< nobody pays for its tokens, so that they are not counted
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

/// Lets equal requests that are in flight together share one upstream call. To those before it it
/// is an upstream, to the upstream (or batcher) behind it a client.
using merger_actor = caf::typed_actor<
    // Answer this: with the answer of an equal call that is under way, or with a call of your own.
    caf::reacts_to<upstream_call>,
    // A member's client took some of its stream.
    caf::reacts_to<stream_credit>,
    // A member is gone: the call goes on for the others, and ends with the last.
    caf::reacts_to<cancel_call>,
    // Stop when nothing is in flight any more.
    caf::reacts_to<drain>,
    // The answer of a call of its own: for all who share it.
    caf::reacts_to<upstream_reply>,
    // A call of its own failed: for the one who led it, or for all.
    caf::reacts_to<upstream_failure>,
    // Some of the stream: for all who share it, each as fast as it takes it.
    caf::reacts_to<stream_block>,
    // The stream is over.
    caf::reacts_to<stream_end>>;

/// Collects requests that may share an upstream call. Like a merger it stands between a caller and
/// an upstream; calls in 'stream' mode it only passes on.
using batcher_actor = merger_actor::extend<
    // It is time to look again.
    caf::reacts_to<batch_wake>>;

/// Waits for the cache's word on lookups.
using cache_client_actor = caf::typed_actor<
    // What the cache has.
    caf::reacts_to<cache_verdict>>;

/// Is this request's answer kept?
struct cache_lookup {
  uint64_t call = 0;                 ///< as the client numbers it
  cache_client_actor client;         ///< gets exactly one `cache_verdict`
  fingerprint key;                   ///< of the request and of the way it wants its answer
  std::chrono::seconds age_max{-1};  ///< older answers are a miss; negative where any age will do
  std::chrono::seconds stale_max{0}; ///< what is out of date by less will do
};

/// Keeps the answers of the requests that fall to it.
using cache_shard_actor = caf::typed_actor<
    // Is there an answer to this?
    caf::reacts_to<cache_lookup>,
    // Keep this.
    caf::reacts_to<cache_fill>,
    // Forget these. The answer is how many there were.
    caf::replies_to<cache_purge>::with<uint64_t>,
    // Stop.
    caf::reacts_to<drain>>;

/// Is there an answer to this on the disk, or to a question that means the same?
struct kept_lookup {
  uint64_t call = 0;         ///< as the client numbers it
  cache_client_actor client; ///< gets one `cache_verdict`, and one before it that says `more`
                             ///< where it need not wait
  fingerprint key;           ///< as in `cache_lookup`
  fingerprint scope;         ///< the namespace; zero where only the same request will do
  std::string question;      ///< where `scope` is set
  std::string tenant;        ///< likewise: whose question it is
  std::chrono::seconds age_max{-1};  ///< as in `cache_lookup`
  bool patient = false;              ///< no first word: the client makes no call of its own
  bool stale = false;                ///< what is out of date will do, too
  std::chrono::seconds stale_max{0}; ///< as in `cache_lookup`
  double error_rate_max = -1;        ///< of the namespace; negative for the cache's own
};

/// Keeps answers for long, and knows which questions mean the same.
using cache_keeper_actor = caf::typed_actor<
    // Is there an answer to this?
    caf::reacts_to<kept_lookup>,
    // Keep this.
    caf::reacts_to<answer_fill>,
    // Forget these. The answer is how many there were.
    caf::replies_to<cache_purge>::with<uint64_t>,
    // Stop.
    caf::reacts_to<drain>>;

/// Asks requests in advance.
using prefetch_client_actor = caf::typed_actor<
    // Ask this.
    caf::reacts_to<prefetch_order>>;

/// A request that was answered and whose answer may be given again.
struct asked_note {
  prefetch_client_actor client; ///< gets the orders that follow from it
  std::string tenant;
  std::string asker; ///< whose questions follow one another: a key, or a user of one
  std::string key_id;
  fingerprint key; ///< as in `cache_fill`
  endpoint kind = endpoint::chat_completions;
  shared_body body;
  nanousd cost; ///< of its answer
};

/// Learns what is usually asked after what.
using prefetcher_actor = caf::typed_actor<
    // This was asked and answered.
    caf::reacts_to<asked_note>,
    // Stop.
    caf::reacts_to<drain>>;

/// Says of two answers whether they say the same, by asking a model.
using answer_checker_actor = call_client_actor::extend<
    // Do these? Never fails: what goes wrong is an outcome.
    caf::replies_to<answer_check>::with<check_result>,
    // Give up what is under way, then stop.
    caf::reacts_to<drain>>;

/// Makes forms of texts, so that they can be compared by meaning.
using text_reader_actor = caf::typed_actor<
    // Read these. Fails with what kept it from it.
    caf::replies_to<reading_order>::with<text_reading>,
    // Give up what is under way, then stop.
    caf::reacts_to<drain>>;

/// Makes them with a provider's model.
using embedder_actor = call_client_actor::extend_with<text_reader_actor>;

/// Has charges made for it.
using ledger_client_actor = caf::typed_actor<
    // What has become of its orders.
    caf::reacts_to<ledger_verdicts>>;

/// Charges to make and to end.
struct ledger_orders {
  ledger_client_actor client; ///< gets one verdict for each, in one message or several
  std::vector<charge_order> reserve;
  std::vector<charge_end> settle; ///< before those that are reserved
};

/// Keeps what everybody may spend and has spent. What it says is on the disk.
using ledger_actor = caf::typed_actor<
    // Make and end these charges.
    caf::reacts_to<ledger_orders>,
    // How do these accounts stand?
    caf::replies_to<account_query>::with<account_list>,
    // Which budgets are there?
    caf::replies_to<budget_query>::with<budget_list>,
    // Another budget from now on. Fails with `storage_failed`.
    caf::replies_to<budget_change>::with<budget_list>,
    // Write down what came before, then stop.
    caf::reacts_to<drain>>;

/// Accepts connections and answers requests on one I/O loop.
using http_host_actor = call_client_actor::extend<
    // What the ledger says of charges of requests in work.
    caf::reacts_to<ledger_verdicts>,
    // What the cache has for a request in work.
    caf::reacts_to<cache_verdict>,
    // Ask this in advance.
    caf::reacts_to<prefetch_order>,
    // Accept nothing new, finish what is in work, then stop.
    caf::reacts_to<drain>>;

/// Keeps what outlives the process.
using store_actor = caf::typed_actor<
    // Make these changes together. The answer comes when they are on the disk; after a failure
    // every later write fails as well.
    caf::replies_to<store_write>::with<store_written>,
    // What stands under this key? Sees what is on the disk, not what waits to be written.
    caf::replies_to<store_read>::with<store_value>,
    // What stands under keys like these?
    caf::replies_to<store_scan>::with<store_page>,
    // Stop when all that came before has been answered.
    caf::reacts_to<drain>>;

/// Keeps files and executes batches when there is time. Everything that it answers is on the disk.
using jobs_actor = call_client_actor::extend<
    // Keep this. Fails with `body_too_large`, `invalid_value` or `storage_full`.
    caf::replies_to<file_upload>::with<file_object>,
    // One file; `not_found` for those of other tenants too.
    caf::replies_to<file_query>::with<file_object>,
    // The files of a tenant.
    caf::replies_to<file_list_query>::with<file_page>,
    // Some of a file's bytes.
    caf::replies_to<file_content_query>::with<file_content>,
    // Forget a file. Fails with `conflict` while a batch reads it.
    caf::replies_to<file_removal>::with<file_object>,
    // Start a batch. Fails with `not_found`, `invalid_value`, `storage_full` or `overloaded`.
    caf::replies_to<batch_creation>::with<batch_object>,
    // One batch.
    caf::replies_to<batch_query>::with<batch_object>,
    // The batches of a tenant.
    caf::replies_to<batch_list_query>::with<batch_page>,
    // Execute no further line of a batch. Fails with `conflict` where it is over.
    caf::replies_to<batch_cancellation>::with<batch_object>,
    // Start no line, let those under way end, then stop.
    caf::reacts_to<drain>>;

/// Counts and logs.
using monitor_actor = caf::typed_actor<
    // What a loop has to tell. The answer is the number of records taken: the loop's credit for
    // more.
    caf::replies_to<loop_report>::with<uint32_t>,
    // A provider's pool and health.
    caf::reacts_to<upstream_report>,
    // What a merger has in flight.
    caf::reacts_to<merge_report>,
    // What a batcher does and why.
    caf::reacts_to<batch_report>,
    // What the jobs hold and did.
    caf::reacts_to<jobs_report>,
    // What a cache shard holds and did.
    caf::reacts_to<cache_report>,
    // What the cache's keeper holds and did.
    caf::reacts_to<keeper_report>,
    // What the ledger holds and did.
    caf::reacts_to<ledger_report>,
    // The metrics as Prometheus text.
    caf::replies_to<metrics_query>::with<std::string>>;

template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, cache_lookup& x) {
  return f(caf::meta::type_name("sluice::cache_lookup"), x.call, x.client, x.key, x.age_max,
           x.stale_max);
}

template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, ledger_orders& x) {
  return f(caf::meta::type_name("sluice::ledger_orders"), x.client, x.reserve, x.settle);
}

template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, asked_note& x) {
  return f(caf::meta::type_name("sluice::asked_note"), x.client, x.tenant, x.asker, x.key_id, x.key,
           x.kind, x.body, x.cost);
}

template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, kept_lookup& x) {
  return f(caf::meta::type_name("sluice::kept_lookup"), x.call, x.client, x.key, x.scope,
           x.question, x.tenant, x.age_max, x.patient, x.stale, x.stale_max, x.error_rate_max);
}

template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, upstream_call& x) {
  return f(caf::meta::type_name("sluice::upstream_call"), x.call, x.client, x.request_id,
           x.attempt_id, x.deployment, x.kind, x.mode, x.usage_wanted, x.body, x.until, x.tenant,
           x.patience, x.merge, x.path, x.pack, x.method, x.output_tokens_max);
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
CAF_ADD_TYPE_ID(sluice, (sluice::merge_report))
CAF_ADD_TYPE_ID(sluice, (sluice::batch_report))
CAF_ADD_TYPE_ID(sluice, (sluice::batch_wake))
CAF_ADD_TYPE_ID(sluice, (sluice::metrics_query))
CAF_ADD_TYPE_ID(sluice, (sluice::drain))
CAF_ADD_TYPE_ID(sluice, (sluice::store_change))
CAF_ADD_TYPE_ID(sluice, (sluice::store_write))
CAF_ADD_TYPE_ID(sluice, (sluice::store_written))
CAF_ADD_TYPE_ID(sluice, (sluice::store_read))
CAF_ADD_TYPE_ID(sluice, (sluice::store_value))
CAF_ADD_TYPE_ID(sluice, (sluice::store_scan))
CAF_ADD_TYPE_ID(sluice, (sluice::store_entry))
CAF_ADD_TYPE_ID(sluice, (sluice::store_page))
CAF_ADD_TYPE_ID(sluice, (sluice::file_object))
CAF_ADD_TYPE_ID(sluice, (sluice::file_upload))
CAF_ADD_TYPE_ID(sluice, (sluice::file_query))
CAF_ADD_TYPE_ID(sluice, (sluice::file_removal))
CAF_ADD_TYPE_ID(sluice, (sluice::file_list_query))
CAF_ADD_TYPE_ID(sluice, (sluice::file_page))
CAF_ADD_TYPE_ID(sluice, (sluice::file_content_query))
CAF_ADD_TYPE_ID(sluice, (sluice::file_content))
CAF_ADD_TYPE_ID(sluice, (sluice::batch_error))
CAF_ADD_TYPE_ID(sluice, (sluice::job_owner))
CAF_ADD_TYPE_ID(sluice, (sluice::batch_object))
CAF_ADD_TYPE_ID(sluice, (sluice::batch_creation))
CAF_ADD_TYPE_ID(sluice, (sluice::batch_query))
CAF_ADD_TYPE_ID(sluice, (sluice::batch_cancellation))
CAF_ADD_TYPE_ID(sluice, (sluice::batch_list_query))
CAF_ADD_TYPE_ID(sluice, (sluice::batch_page))
CAF_ADD_TYPE_ID(sluice, (sluice::job_lines_report))
CAF_ADD_TYPE_ID(sluice, (sluice::jobs_report))
CAF_ADD_TYPE_ID(sluice, (sluice::cached_answer))
CAF_ADD_TYPE_ID(sluice, (sluice::cache_lookup))
CAF_ADD_TYPE_ID(sluice, (sluice::cache_verdict))
CAF_ADD_TYPE_ID(sluice, (sluice::cache_fill))
CAF_ADD_TYPE_ID(sluice, (sluice::cache_report))
CAF_ADD_TYPE_ID(sluice, (sluice::kept_lookup))
CAF_ADD_TYPE_ID(sluice, (sluice::answer_fill))
CAF_ADD_TYPE_ID(sluice, (sluice::cache_purge))
CAF_ADD_TYPE_ID(sluice, (sluice::prefetch_order))
CAF_ADD_TYPE_ID(sluice, (sluice::asked_note))
CAF_ADD_TYPE_ID(sluice, (sluice::answer_check))
CAF_ADD_TYPE_ID(sluice, (sluice::check_result))
CAF_ADD_TYPE_ID(sluice, (sluice::reading_order))
CAF_ADD_TYPE_ID(sluice, (sluice::text_form))
CAF_ADD_TYPE_ID(sluice, (sluice::text_reading))
CAF_ADD_TYPE_ID(sluice, (sluice::namespace_report))
CAF_ADD_TYPE_ID(sluice, (sluice::keeper_report))
CAF_ADD_TYPE_ID(sluice, (sluice::charge_id))
CAF_ADD_TYPE_ID(sluice, (sluice::charge_owner))
CAF_ADD_TYPE_ID(sluice, (sluice::charge_purpose))
CAF_ADD_TYPE_ID(sluice, (sluice::charge_outcome))
CAF_ADD_TYPE_ID(sluice, (sluice::charge_order))
CAF_ADD_TYPE_ID(sluice, (sluice::charge_verdict))
CAF_ADD_TYPE_ID(sluice, (sluice::charge_end))
CAF_ADD_TYPE_ID(sluice, (sluice::charge_ended))
CAF_ADD_TYPE_ID(sluice, (sluice::ledger_orders))
CAF_ADD_TYPE_ID(sluice, (sluice::ledger_verdicts))
CAF_ADD_TYPE_ID(sluice, (sluice::account_view))
CAF_ADD_TYPE_ID(sluice, (sluice::account_query))
CAF_ADD_TYPE_ID(sluice, (sluice::account_list))
CAF_ADD_TYPE_ID(sluice, (sluice::ledger_report))
CAF_ADD_TYPE_ID(sluice, (sluice::budget_rule))
CAF_ADD_TYPE_ID(sluice, (sluice::budget_change))
CAF_ADD_TYPE_ID(sluice, (sluice::budget_query))
CAF_ADD_TYPE_ID(sluice, (sluice::budget_list))
CAF_END_TYPE_ID_BLOCK(sluice)
