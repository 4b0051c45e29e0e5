#pragma once

#include "runtime/catalogue.hpp"
#include "runtime/charge.hpp"
#include "runtime/secret.hpp"
#include "runtime/time_zone.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

/// The settings of a node as values. `runtime/configuration_file.hpp` reads them from YAML; every
/// default has its reason here.
namespace sluice {

struct listen_settings {
  /// An IP address. Loopback, for without keys nobody else may ask.
  std::string address = "127.0.0.1";
  /// What local gateways commonly use; 0 lets the system choose.
  uint16_t port = 8080;
};

struct limit_settings {
  /// nginx allows 8 KiB a line; cookies and trace headers of proxies fit twice.
  uint32_t header_bytes_max = 16 * 1024;
  /// Twice what browsers and SDKs behind two proxies send.
  uint32_t header_count_max = 100;
  /// Images travel in bodies as base64.
  uint64_t body_bytes_max = 32 * 1024 * 1024;
  /// From the first byte of a request; slow-loris holds a slot no longer.
  std::chrono::milliseconds header_timeout{10'000};
  /// 32 MiB at 4.5 Mbit/s.
  std::chrono::milliseconds body_timeout{60'000};
  /// Keep-alive: above the 60 s of common load balancers, so that they close first.
  std::chrono::milliseconds idle_timeout{75'000};
  /// A client that takes not one byte for so long is gone.
  std::chrono::milliseconds write_timeout{60'000};
  /// About 20 KiB each when idle: 200 MB.
  uint32_t connections_max = 10'000;
  /// One application host with a generous pool; a proxy in front needs more.
  uint32_t connections_per_address_max = 1'000;
  /// Requests in work on the node; beyond it 429 before any work is done.
  uint32_t in_flight_max = 2'000;
  /// The deadline of a request: the OpenAI SDK's own default.
  std::chrono::milliseconds request_timeout{600'000};
  /// Bytes read ahead of the request in work on one connection (pipelining); then reading pauses.
  /// Several usual requests.
  uint64_t read_ahead_bytes_max = 64 * 1024;
  /// Request bodies held at once on the node; beyond it 429. Thirty-two of the largest, or a
  /// million usual ones.
  uint64_t bodies_bytes_max = 1024 * 1024 * 1024;
  /// Of one stream, between upstream and a slow client: seconds of the fastest models' output.
  uint64_t stream_buffer_bytes_max = 256 * 1024;
  /// An upstream's whole reply: 2,048 embeddings of 3,072 numbers as text are 50 MB.
  uint64_t reply_bytes_max = 64 * 1024 * 1024;
};

/// How the calls to one provider behave in time.
struct upstream_timeouts {
  /// TCP and TLS together; the OpenAI SDK's own default.
  std::chrono::milliseconds connect{5'000};
  /// Reasoning models think for minutes before they say a word.
  std::chrono::milliseconds first_byte{300'000};
  /// Between two reads of an answer that has begun: models pause for seconds, not for a minute.
  std::chrono::milliseconds idle{60'000};
};

struct retry_settings {
  /// Calls at one deployment: the first and two retries, as the SDKs do.
  uint32_t attempts_max = 3;
  /// Half of the SDK's 0.5 s, for the gateway is nearer.
  std::chrono::milliseconds backoff_base{250};
  /// The SDK's own.
  std::chrono::milliseconds backoff_max{8'000};
  /// An upstream that asks for more is left for the next deployment: a caller waits so long, and
  /// hardly longer.
  std::chrono::milliseconds retry_after_max{20'000};
};

struct breaker_settings {
  /// Failed calls in a row that open the breaker: one flaky minute, not one flaky call.
  uint32_t failures = 5;
  /// Then one call is let through to try. Long enough that a failing provider is left alone, short
  /// enough that nobody has to reset it by hand.
  std::chrono::milliseconds open_for{5'000};
};

/// Which requests may travel to a provider in one call, and how full a call may be.
struct batching_settings {
  /// Arrays of inputs are part of OpenAI's API; a provider that refuses them gets one at a time.
  bool embeddings = true;
  /// Arrays of prompts likewise, though few compatible servers have the endpoint at all.
  bool completions = true;
  /// Path below the base URL that takes several chats at once; empty for none, as no provider of
  /// today has one that answers at once. `sluice sim` serves "chat/completions/batch".
  std::string chat_path;
  /// Requests in a call at most: beyond 32 the reference upstream gains under a fifth, and a failed
  /// call harms more callers.
  uint32_t size_max = 32;
  /// Of a call's inputs together: OpenAI takes 300,000 a call for embeddings.
  uint64_t tokens_max = 300'000;
  /// Of a call's bodies together: a chat with images is better alone.
  uint64_t bytes_max = 4 * 1024 * 1024;
  /// Requests that may wait in one batcher; beyond it they are refused as overloaded. As many as
  /// may be in work on the node, since all may be for one model.
  uint32_t queue_max = 2'000;
  /// Calls under way at once, of one model and endpoint; the adjuster finds how many help.
  uint32_t calls_max = 64;
  /// Questions in one prompt at most, of those who allow it; 1 for none. Seven eighths of what can
  /// be saved are saved by 8, and the more there are the likelier a model mixes them up.
  uint32_t pack_size_max = 8;
};

/// A provider's own `/files` and `/batches`, which execute the lines of our batches at a lower
/// price.
struct batch_endpoint_settings {
  /// Not every provider has them, and a line may come back a day later.
  bool enabled = false;
  /// Off the price of the deployment: what OpenAI, Anthropic and Google give.
  uint32_t discount_percent = 50;
  /// Between two looks at a batch there. It takes minutes at best, often hours.
  std::chrono::milliseconds poll_interval{60'000};
  /// Lines of a part, which is a batch there. So few that a part which fails as a whole costs
  /// little and one lookup of its lines stays small; OpenAI takes 50,000.
  uint32_t lines_max = 5'000;
  /// Of a part's file, which is held in memory while it is sent; OpenAI takes 200 MB.
  uint64_t bytes_max = 8 * 1024 * 1024;
  /// Parts there at once; the others wait. Providers limit the tokens that are queued, and refuse
  /// what is beyond.
  uint32_t parts_max = 8;
};

struct provider_settings {
  std::string name;
  std::string kind;          ///< "openai" or "simulated"
  std::string provider_kind; ///< gen_ai.provider.name in metrics
  std::string base_url;      ///< "https://api.openai.com/v1"; kind openai only
  secret api_key;            ///< sent as a bearer token; may be empty
  std::vector<std::pair<std::string, std::string>> headers; ///< sent with every call
  /// On one loop; calls beyond it wait in a queue. A quarter of `in_flight_max`, so that one slow
  /// provider does not take all there is.
  uint32_t connections_max = 512;
  /// Calls that may wait for a connection; beyond it the call fails as overloaded. Twice the
  /// connections: the last in line waits for two calls before its own.
  uint32_t queue_max = 1'024;
  /// Kept idle; below the 60 s after which common servers close.
  std::chrono::milliseconds connection_idle_max{55'000};
  upstream_timeouts timeouts;
  retry_settings retry;
  breaker_settings breaker;
  batching_settings batching;
  batch_endpoint_settings batch_endpoint;
  std::string ca_file; ///< PEM; empty for the system's authorities
};

/// Latency and faults of the simulated provider: a call of n prompts takes (base + per_prompt · n +
/// per_output_token · tokens) · scale. It is instant unless it is told otherwise: who tries the
/// gateway wants to see the gateway.
struct simulation_settings {
  std::chrono::microseconds call_base{0};
  std::chrono::microseconds per_prompt{0};
  std::chrono::microseconds per_output_token{0};
  /// Calls served at once; 0 for no limit.
  uint32_t slots = 0;
  /// Calls that wait for a slot; beyond it 429. More than any load here sends, so that only a test
  /// that lowers it meets it.
  uint32_t queue_max = 10'000;
  /// Of the clock: 0.01 makes 275 ms take 2.75 ms.
  double scale = 1.0;
  /// The same seed gives the same answers, delays and faults.
  uint64_t seed = 1;
  std::vector<std::string> fault_rules; ///< see docs/simulator.md
  std::string usage_log;                ///< file of JSON lines, one a call; empty for none
};

struct key_settings {
  std::string id;     ///< shown in logs and metrics
  std::string sha256; ///< of the key, 64 hexadecimal digits in lower case
  std::string tenant;
  std::string team;
  std::string user;
  std::string tier = "standard";    ///< a label for now: nothing is decided by it yet
  std::vector<std::string> models;  ///< allowed; empty for all
  uint32_t requests_per_minute = 0; ///< 0 for no limit
  uint32_t tokens_per_minute = 0;   ///< likewise
  /// May do to all tenants what others may do to their own: an operator's key.
  bool admin = false;
};

struct log_settings {
  std::string format = "console"; ///< "console" or "json"; people read first, collectors later
  std::string level = "info";     ///< trace, debug, info, warn, error, off
  std::string file;               ///< empty for standard error, where containers are listened to
  bool requests = true;           ///< one line a request
};

/// Settings with names and defaults fixed by existing deployments; later parts read them.
struct optimizer_settings {
  uint32_t batch_size = 8;                          ///< BATCH_SIZE
  std::chrono::microseconds batch_wait_max{80'000}; ///< MAX_WAIT_TIME
  uint64_t cache_size = 1'000;                      ///< CACHE_SIZE, entries
  double similarity_threshold = 0.85;               ///< SIMILARITY_THRESHOLD, 0 to 1
  double cost_priority = 0.7;                       ///< COST_PRIORITY, 0 to 1
  nanousd daily_budget{100'000'000'000};            ///< DAILY_BUDGET, USD
};

/// Which requests share the answer to one that is already in flight (single-flight).
struct merging_settings {
  bool enabled = true;
  /// A request that asks for a higher temperature wants an answer of its own, as sampling for
  /// self-consistency does. Below, two answers to the same request say the same.
  double temperature_max = 0.3;
  /// Also share between questions that differ in case, spacing and closing punctuation alone.
  bool similar = false;
  /// What is kept of a stream for those who join late. Beyond it nobody joins any more: longer
  /// than any model's answer.
  uint64_t replay_bytes_max = 4 * 1024 * 1024;
  /// Requests that share one call at most, so that one failure is not everybody's.
  uint32_t joiners_max = 256;
};

/// Answers on the disk (L3), in a database of their own that may be thrown away.
struct archive_settings {
  /// A folder; empty for `cache` in the storage's folder. Where that is empty, too, there is no L3.
  std::string path;
  /// Before compression; 0 for no L3. Ten times what L1 holds by default: some hundred thousand
  /// answers.
  uint64_t bytes_max = 2560ULL * 1024 * 1024;
};

/// A provider's embeddings in place of the node's own encoder.
struct embeddings_settings {
  /// A model of this node that embeds; empty for the node's own encoder, as this costs money and
  /// time and shows a provider what is asked.
  std::string model;
  uint32_t dimensions = 0; ///< numbers in its vectors
  /// Cosine from which two answers say the same. Models differ: those whose vectors all lie close
  /// together want more. Too low, wrong answers pass for right ones, so this is near the top.
  double answers_agree = 0.95;
  /// What its calls may cost on a day, midnight to midnight UTC. Somebody has to say how much.
  nanousd daily_budget{};
};

/// Answers to questions that ask the same in other words (L2). Needs the archive.
struct similar_settings {
  /// A wrong answer is worse than a slow one; so the operator says that the risk is taken.
  bool enabled = false;
  /// Highest share of wrong answers among those given by meaning, in each namespace.
  double error_rate_max = 0.01;
  /// Questions that are compared with; 2 KB each.
  uint64_t entries_max = 20'000;
  /// A folder with the embedding model; empty for where `make` puts it, below the working folder.
  std::string model;
  /// Numbers of the model: "fp32" as it was made, or "int8", which is faster and a little less
  /// exact.
  std::string precision = "fp32";
  embeddings_settings embeddings;
  /// A model of this node that says whether two answers say the same; empty for texts and vectors
  /// alone, as it costs money and is shown what it compares.
  std::string checker;
  /// What its calls may cost on a day, midnight to midnight UTC. Somebody has to say how much.
  nanousd checker_budget{};
};

/// Answers that are fetched before anybody asks for them.
struct warming_settings {
  /// A hit in the last so many percent of an answer's time has it fetched anew meanwhile; 0 for
  /// never. It costs a call that nobody may profit from, so the operator says so.
  uint32_t refresh_ahead_percent = 0;
  /// Whether what a tenant usually asks next is asked in advance.
  bool prefetch = false;
  /// What both may cost on a day (UTC); nothing until the operator says how much.
  nanousd daily_budget{};
};

/// What the cache does otherwise for some requests. What is not said is as for all.
struct cache_policy {
  std::string tenant; ///< empty for every one
  std::string model;  ///< as callers name it; empty for every one
  std::optional<bool> enabled;
  std::optional<std::chrono::seconds> ttl;
  std::optional<std::chrono::seconds> stale_while_revalidate;
  std::optional<bool> similar;
  std::optional<double> error_rate_max;
  /// Whether a question's meaning may be looked at whatever was said before it in its conversation.
  std::optional<bool> any_conversation;
};

/// Answers kept for who asks the same again. `optimizer.cache_size` bounds their number.
struct cache_settings {
  /// Whoever asks again may want another answer; so the operator says that the same will do.
  bool enabled = false;
  /// Parts of the cache, each on a loop, with the requests that fall to it; 0 for one a loop.
  uint32_t shards = 0;
  /// Of all answers and what they need beside: a thousand answers of usual length take a
  /// hundredth.
  uint64_t bytes_max = 256 * 1024 * 1024;
  /// Of one answer; longer ones are files that somebody keeps anyway.
  uint64_t entry_bytes_max = 1024 * 1024;
  /// How long an answer is given again: facts change, and a day is what people expect of news.
  std::chrono::seconds ttl{24 * 3600};
  /// Times differ by as much, so that what was filled together does not expire together.
  uint32_t ttl_jitter_percent = 10;
  /// How long beyond its time an answer is kept, to be given, marked as stale, where no provider
  /// can give a fresh one: as long as providers are usually down.
  std::chrono::seconds stale_if_error{3600};
  /// How long beyond its time an answer is still given, marked as stale, while it is fetched anew
  /// (RFC 5861, section 3). None by default: what is out of date is what the operator said.
  std::chrono::seconds stale_while_revalidate{0};
  archive_settings archive;
  similar_settings similar;
  warming_settings warming;
  std::vector<cache_policy> policies; ///< the first that fits a request counts
};

/// Where a node keeps what outlives it.
struct storage_settings {
  /// A folder. Beside the program, for who tries it; empty keeps nothing, and there are no files
  /// and no batches then.
  std::string path = "data";
  /// Blocks of files read lately: a second of downloads. It is memory that a gateway which keeps
  /// little never fills.
  uint64_t cache_bytes = 16 * 1024 * 1024;
};

/// Deferred jobs: `/v1/files` and `/v1/batches`.
struct jobs_settings {
  /// Lines under way at once. Jobs use what is left over: so few never crowd a provider, and a
  /// thousand lines of two seconds are done in ten minutes.
  uint32_t calls_max = 4;
  /// No line is started while more than this share of `limits.in_flight_max` is in work: half of a
  /// node is kept for those who wait.
  uint32_t interactive_percent_max = 50;
  /// OpenAI's limit for a batch's input. `limits.body_bytes_max` bounds an upload, too.
  uint64_t file_bytes_max = 200'000'000;
  /// OpenAI's limit.
  uint32_t lines_max = 50'000;
  /// Of one line: images travel in it as base64. A line is held in memory while it is executed.
  uint64_t line_bytes_max = 8 * 1024 * 1024;
  /// Batches of a tenant that are not over; beyond it creating one is refused. Each costs a few
  /// kilobytes of memory, and a page of its lines while they are executed.
  uint32_t batches_per_tenant_max = 100;
  /// Of all files of a node; beyond it uploads and batches are refused. A small disk's share.
  uint64_t storage_bytes_max = 10ULL * 1024 * 1024 * 1024;
};

/// What somebody may spend. Where several fit a request, all have to cover it.
struct budget_settings {
  budget_scope scope = budget_scope::tenant;
  std::string name;   ///< of the tenant, team, user or key; "*" for each one of its own
  std::string tenant; ///< of a team, user or key: whose it is; empty for whoever's
  std::string model;  ///< as callers name it; empty for all
  nanousd limit;
  period_kind period = period_kind::day;
  time_zone zone; ///< in which the period begins at midnight
  budget_action action = budget_action::refuse;
};

struct configuration {
  listen_settings listen;
  limit_settings limits;
  /// Loops; 0 for one a core, as each loop is one thread that never blocks.
  uint32_t io_threads = 0;
  /// What Kubernetes gives before it kills.
  std::chrono::milliseconds shutdown_grace{30'000};
  std::vector<provider_settings> providers;
  std::vector<model> models;
  std::vector<key_settings> keys; ///< empty: open, on loopback only
  simulation_settings simulation;
  storage_settings storage;
  jobs_settings jobs;
  log_settings log;
  optimizer_settings optimizer;
  /// Beside them `optimizer.daily_budget`, for each tenant that has no budget for all models.
  std::vector<budget_settings> budgets;
  merging_settings merging;
  cache_settings cache;
  /// What the operator should hear at start: open access, simulated upstream, unknown prices.
  std::vector<std::string> notices;
};

} // namespace sluice
