#pragma once

#include "runtime/ec.hpp"
#include "runtime/money.hpp"
#include "runtime/time.hpp"

#include <caf/all.hpp>

#include <chrono>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

/// The values that actors send each other. Every one is serialisable, so that an actor on another
/// node is the same call; the handles that take them stand in `runtime/actors.hpp`.
namespace sluice {

/// What is asked of a model. Append only.
/// `chat_batch` is only asked of upstreams, by the batcher: several chats in one call.
enum class endpoint : uint8_t { chat_completions, completions, embeddings, chat_batch };

/// The path below the API root, "chat/completions".
std::string_view path_of(endpoint x);

/// The OpenTelemetry `gen_ai.operation.name`: chat, text_completion, embeddings.
std::string_view operation_of(endpoint x);

using header_list = std::vector<std::pair<std::string, std::string>>;

/// What became of a question to the cache. Append only.
enum class cache_result : uint8_t {
  unasked, ///< the cache is off, or the request may not be answered from it
  miss,
  hot,     ///< L1: the same request, in memory
  similar, ///< L2: a request that asks the same in other words
  stored,  ///< L3: the same request, on the disk
  stale,   ///< L3 likewise, out of date: better than the failure of the provider
};

/// Why a request was made. Append only.
enum class request_origin : uint8_t {
  caller,
  refresh,  ///< of a kept answer whose time is, or is nearly, over
  prefetch, ///< of what is probably asked next
};
inline constexpr size_t request_origins = 3;

/// "caller", "refresh", "prefetch".
std::string_view to_string_view(request_origin x);

/// Whether the cache answered.
constexpr bool is_hit(cache_result x) {
  return x >= cache_result::hot;
}

/// "L1", "L2", "L3", "stale", "miss"; empty where it was not asked.
std::string_view level_name(cache_result x);

/// Asks the router who can answer.
struct route_query {
  std::string request_id;
  std::string tenant;
  std::string model; ///< as the caller named it
  endpoint kind = endpoint::chat_completions;
  int64_t input_tokens = 0;      ///< estimate
  int64_t output_tokens_max = 0; ///< as the caller limited it; 0 where it did not
};

/// One way to answer: a deployment and what it is expected to cost.
struct candidate {
  std::string deployment; ///< id in the catalogue
  nanousd estimate_max;   ///< upper bound where the caller limited its output, otherwise for the
                          ///< input alone
};

/// The router's answer: candidates, best first, never empty, and why.
struct route_decision {
  std::vector<candidate> candidates;
  std::string reason;
};

/// An upstream's word on a deployment's health, for the router.
struct deployment_health {
  std::string deployment;
  bool available = true;
};

/// Why a call or a request ended without an answer.
struct failure {
  ec code = ec::none;
  std::string message;         ///< for the caller; never a key, never a prompt
  std::string param;           ///< the offending field, where one is known
  int32_t upstream_status = 0; ///< HTTP status of the upstream; 0 where it gave none
  std::string upstream_body;   ///< its error body as it came, where it is an OpenAI error object
  std::chrono::milliseconds retry_after{-1}; ///< as the upstream asked; negative where it did not
  bool should_retry_said = false;            ///< the upstream sent x-should-retry
  bool should_retry = false;                 ///< what it said
  bool sent = true; ///< false only where no byte of the request can have reached the upstream
};

/// The 'whole' mode answers with one `upstream_reply`, the 'stream' mode with `stream_block`s and a
/// `stream_end`.
enum class reply_mode : uint8_t { whole, stream };

/// What is done at a provider. Append only.
enum class call_method : uint8_t {
  ask,    ///< POST of JSON: to a model, or to `upstream_call::path`
  upload, ///< POST of a form whose parts are divided by `form_boundary`
  get,    ///< without a body; in 'stream' mode the reply comes as it is, in pieces without events
  remove, ///< DELETE, without a body
};

/// Divides the parts of a form. Only JSON lines are uploaded, and none begins with two hyphens.
inline constexpr std::string_view form_boundary = "sluice-2c9f6a51e0b74d83";

/// How long a caller will wait for a fuller batch.
enum class urgency : uint8_t {
  interactive, ///< somebody waits: at most the batcher's own wait
  flexible,    ///< `service_tier: "flex"`: up to the deadline
  deferred,    ///< a job of `/v1/batches`: whenever there is capacity to spare
};

/// Whether a question may travel in one prompt with others of its tenant (prompt packing).
enum class packing : uint8_t { denied, allowed };

/// 128 bits that stand for a request: equal where the requests are.
struct fingerprint {
  uint64_t high = 0;
  uint64_t low = 0;

  friend constexpr auto operator<=>(const fingerprint&, const fingerprint&) = default;
  explicit constexpr operator bool() const { return (high | low) != 0; }
};

/// Whether a call may be answered with another caller's that is in flight.
struct merge_terms {
  fingerprint exact; ///< of everything that changes the answer, tenant included; zero: never share
  fingerprint scope; ///< the same without the last question; zero: only with an equal request
  std::string question; ///< the last question, where `scope` is set
};

/// Time that a call spent, as the upstream actor saw it.
struct call_timing {
  std::chrono::nanoseconds total{0}; ///< from taking the call until its end
  std::chrono::nanoseconds first_byte{
      0}; ///< from taking the call until the first byte of the answer's body
};

/// What a call had to do with others.
struct call_share {
  uint32_t batch_size = 1; ///< requests that travelled in the same upstream call
  bool joined = false;     ///< answered with the call of another request, which pays for it
  bool cost_known = false; ///< `cost` is this request's part of a call that several pay
  nanousd cost;
  uint32_t packed = 0;       ///< questions of the prompt that it was answered from; 0 for its own
  uint32_t packed_valid = 0; ///< of these, answered by it
  bool rerun = false;        ///< asked again alone, as a packed call gave it no valid answer
  int64_t input_saved = 0; ///< input tokens less than alone, as estimated; below zero where asking
                           ///< again cost more
};

/// The upstream's answer to a call in 'whole' mode: a 2xx with a JSON body.
struct upstream_reply {
  uint64_t call = 0;
  std::string body;
  header_list headers; ///< those of the upstream that callers know (rate limits, request id)
  token_usage usage;   ///< as we count it where it is not known; zero where nobody counted
  bool usage_known = false;
  call_timing timing;
  call_share share{};
};

/// The upstream refused, failed or broke off before the first content of its answer. Nothing has
/// reached the client.
struct upstream_failure {
  uint64_t call = 0;
  failure why;
  call_timing timing;
  /// Of a packed call that gave it no valid answer, before this failure: to be paid all the same.
  token_usage wasted{};
  nanousd wasted_cost{};
  bool joined = false; ///< another caller's call failed, which pays for it
};

/// Whole server-sent events, ready for the client, terminators included and `[DONE]` left out. The
/// first block comes when the first content is there.
struct stream_block {
  uint64_t call = 0;
  std::string events;
  uint32_t count = 0;  ///< events in the block
  header_list headers; ///< as in `upstream_reply`; in the first block only
  call_share share{};  ///< in the first block only
};

/// The stream is over; after content has been sent an error can only be told in the stream.
/// `why.code` is `none` where it ended well.
struct stream_end {
  uint64_t call = 0;
  failure why;
  token_usage usage;
  bool usage_known = false;
  call_timing timing;
  call_share share{};
};

/// The client took `bytes` of the stream: the upstream may read on.
struct stream_credit {
  uint64_t call = 0;
  uint64_t bytes = 0;
};

/// Nobody waits for the answer any more. The upstream answers nothing to it.
struct cancel_call {
  uint64_t call = 0;
};

/// How a request ended, for metrics and the request log. Carries no prompt, no completion and no
/// key.
struct request_record {
  wall_time at;
  std::string request_id;
  std::string tenant;
  std::string team;
  std::string user;
  std::string key_id;
  std::string method;         ///< HTTP method
  std::string route;          ///< path template ("/v1/chat/completions"); "other" for unknown paths
  std::string model;          ///< as asked; empty where the request was refused before it was read
  std::string deployment;     ///< that answered
  std::string provider;       ///< that answered
  std::string provider_kind;  ///< OpenTelemetry gen_ai.provider.name
  std::string upstream_model; ///< that answered
  uint16_t status = 0;        ///< HTTP status sent; 499 where the client had gone
  ec error = ec::none;
  uint8_t attempts = 0;   ///< upstream calls made
  uint8_t fallbacks = 0;  ///< deployments given up
  bool inference = false; ///< a request for a model, not a health check or a list
  bool streamed = false;
  token_usage usage;
  bool usage_known = false;
  nanousd cost;
  std::chrono::nanoseconds duration{0};   ///< from the last byte of the request until the last byte
                                          ///< of the reply was handed to its connection
  std::chrono::nanoseconds upstream{0};   ///< of that, waiting for upstreams and back-off
  std::chrono::nanoseconds first_byte{0}; ///< until the first byte of the reply was handed over
  uint64_t request_bytes = 0;
  uint64_t response_bytes = 0;
  uint32_t chunks = 0; ///< stream events forwarded
  call_share share{};
  bool handed_over = false; ///< a provider's batch endpoint answered: nobody waited for `duration`
  cache_result cache = cache_result::unasked;
  nanousd cache_saved{};          ///< what the answer cost that the cache gave again
  int64_t cache_saved_tokens = 0; ///< likewise, input and output
  fingerprint cache_scope{};      ///< the namespace of the cache; zero where there is none
  request_origin origin = request_origin::caller;
};

/// What one I/O loop has to tell since its last report.
struct loop_report {
  uint32_t loop = 0;
  std::vector<request_record> requests;
  uint64_t requests_dropped =
      0;                    ///< records given up since the last report because the monitor lagged
  uint32_t connections = 0; ///< open now
  uint32_t in_flight = 0;   ///< requests in work now
  uint64_t accepted = 0;    ///< connections accepted since the last report
  uint64_t refused = 0;     ///< connections refused since the last report
};

/// An upstream's pool and health, told about once a second while they change.
struct upstream_report {
  uint32_t loop = 0;
  std::string provider;
  uint32_t connections_idle = 0;
  uint32_t connections_busy = 0;
  uint32_t waiting = 0;  ///< calls that wait for a connection
  uint64_t connects = 0; ///< since the last report
  uint64_t connect_failures = 0;
  std::vector<std::pair<std::string, bool>>
      available; ///< deployment and whether its breaker lets calls through
};

/// What a merger has in flight and did, told about once a second while it changes.
struct merge_report {
  uint32_t loop = 0;
  uint32_t flights = 0; ///< upstream calls of its own under way
  uint32_t members = 0; ///< requests that wait for them
  uint64_t calls = 0;   ///< made since the last report
  uint64_t joined = 0;  ///< requests that joined a call since the last report
  uint64_t retried = 0; ///< calls made again for those who had joined one that failed, since then
};

/// A batcher's figures, told about once a second while they change.
struct batch_report {
  std::string deployment;
  endpoint kind = endpoint::embeddings;
  uint32_t waiting = 0;
  uint32_t in_flight = 0;               ///< calls
  uint32_t size_limit = 0;              ///< requests in a call at most, as the adjuster has it now
  uint32_t calls_limit = 0;             ///< calls side by side at most, as the adjuster has it now
  std::string calls_reason;             ///< why
  std::chrono::nanoseconds base{0};     ///< of T(n) = base + per_item · n; 0 while unknown
  std::chrono::nanoseconds per_item{0}; ///< likewise
  uint64_t calls = 0;                   ///< begun since the last report
  uint64_t requests = 0;                ///< in them
  uint64_t divided = 0;   ///< calls refused for one of their requests, and sent again in halves
  uint64_t overloads = 0; ///< calls that the upstream had no room for
  std::vector<std::pair<std::string, uint64_t>> decisions; ///< by reason, since the last report
  packing pack = packing::denied;                          ///< of a packer
  uint64_t reruns = 0; ///< requests asked again alone after a packed call, since the last report
};

/// What has become of lines of batches since the last report, by who executed them.
struct job_lines_report {
  std::string way; ///< "own", or the name of the provider whose batch endpoint did
  uint64_t answered = 0;
  uint64_t failed = 0;
  nanousd cost;
};

/// What the jobs hold and did, told about once a second while it changes.
struct jobs_report {
  std::vector<std::pair<std::string, uint32_t>> batches; ///< by status: those that are not over
  uint32_t lines_under_way = 0;                          ///< executed by ourselves
  uint32_t lines_handed_over = 0;                        ///< at providers, or on their way there
  std::vector<std::pair<std::string, uint64_t>> ended; ///< batches by status, since the last report
  std::vector<job_lines_report> lines;                 ///< since the last report
  uint64_t parts_handed_over = 0; ///< batches created at providers, since the last report
  uint64_t lines_taken_back = 0;  ///< not answered by a provider: we do it, since the last report
};

/// What a cache shard holds and did, told about once a second while it changes.
struct cache_report {
  uint32_t shard = 0;
  uint64_t entries = 0;
  uint64_t bytes = 0;
  uint64_t stored = 0;        ///< answers taken since the last report
  uint64_t refused = 0;       ///< of these, not kept: others are asked for more often
  uint64_t evicted = 0;       ///< to make room, since the last report
  uint64_t expired = 0;       ///< since the last report
  uint64_t warmed_used = 0;   ///< fetched in advance and asked for since, since the last report
  uint64_t warmed_unused = 0; ///< fetched in advance and dropped unasked, since the last report
};

/// What the cache has learnt of a namespace, by earlier processes as well.
struct namespace_report {
  fingerprint scope;
  uint64_t entries = 0;  ///< in L2
  uint64_t served = 0;   ///< by meaning
  uint64_t verified = 0; ///< would-be hits that were compared with the provider's answer
  uint64_t wrong = 0;    ///< of these
  double error_rate = 0; ///< of what is served now: estimate and interval of 95 %
  double error_rate_from = 0;
  double error_rate_to = 1;
  double probability_min = 1; ///< lowest that is served now; above 1 where nothing is
  double verified_share = 0;  ///< of would-be hits, now
};

/// What the keeper of the cache holds and did, told about once a second while it changes. Counts
/// are since its start.
struct keeper_report {
  uint64_t vectors = 0; ///< L2
  uint64_t vector_bytes = 0;
  uint64_t vectors_evicted = 0;
  uint64_t entries = 0; ///< L3
  uint64_t bytes = 0;
  uint64_t evicted = 0;
  uint64_t expired = 0;
  uint64_t damaged = 0;
  uint64_t waiting = 0;     ///< questions that wait to be read
  uint64_t shed = 0;        ///< questions that were not read, as too many waited
  uint64_t read = 0;        ///< questions read
  uint64_t failures = 0;    ///< of the disk
  uint64_t checks_same = 0; ///< answers compared by a model, by what it said
  uint64_t checks_different = 0;
  uint64_t checks_unknown = 0;
  uint64_t checks_declined = 0;             ///< compared without it
  std::vector<namespace_report> namespaces; ///< the most recently used
};

/// A batcher's own alarm clock.
struct batch_wake {
  uint64_t number = 0;
};

/// Asks for the metrics in Prometheus text format 0.0.4.
struct metrics_query {
  uint8_t unused = 0;
};

/// Asks an actor to finish what it has and take nothing new.
struct drain {
  deadline until;
};

} // namespace sluice
