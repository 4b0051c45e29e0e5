#pragma once

#include "runtime/cache_messages.hpp"
#include "runtime/ledger_messages.hpp"
#include "runtime/messages.hpp"

#include <caf/all.hpp>

/// How the messages are written to the wire. The order of the fields is the protocol: append only.
namespace sluice {

#define SLUICE_INSPECT(type, ...)                                                                  \
  template <class Inspector>                                                                       \
  typename Inspector::result_type inspect(Inspector& f, type& x) {                                 \
    return f(caf::meta::type_name("sluice::" #type), __VA_ARGS__);                                 \
  }

SLUICE_INSPECT(nanousd, x.value)
SLUICE_INSPECT(token_usage, x.input, x.cache_read, x.cache_write, x.output, x.reasoning)
SLUICE_INSPECT(route_query, x.request_id, x.tenant, x.model, x.kind, x.input_tokens,
               x.output_tokens_max)
SLUICE_INSPECT(candidate, x.deployment, x.estimate_max)
SLUICE_INSPECT(route_decision, x.candidates, x.reason)
SLUICE_INSPECT(deployment_health, x.deployment, x.available)
SLUICE_INSPECT(failure, x.code, x.message, x.param, x.upstream_status, x.upstream_body,
               x.retry_after, x.should_retry_said, x.should_retry, x.sent)
SLUICE_INSPECT(call_timing, x.total, x.first_byte)
SLUICE_INSPECT(fingerprint, x.high, x.low)
SLUICE_INSPECT(merge_terms, x.exact, x.scope, x.question)
SLUICE_INSPECT(call_share, x.batch_size, x.joined, x.cost_known, x.cost, x.packed, x.packed_valid,
               x.rerun, x.input_saved)
SLUICE_INSPECT(upstream_reply, x.call, x.body, x.headers, x.usage, x.usage_known, x.timing, x.share)
SLUICE_INSPECT(upstream_failure, x.call, x.why, x.timing, x.wasted, x.wasted_cost, x.joined)
SLUICE_INSPECT(stream_block, x.call, x.events, x.count, x.headers, x.share)
SLUICE_INSPECT(stream_end, x.call, x.why, x.usage, x.usage_known, x.timing, x.share)
SLUICE_INSPECT(stream_credit, x.call, x.bytes)
SLUICE_INSPECT(cancel_call, x.call)
SLUICE_INSPECT(request_record, x.at, x.request_id, x.tenant, x.team, x.user, x.key_id, x.method,
               x.route, x.model, x.deployment, x.provider, x.provider_kind, x.upstream_model,
               x.status, x.error, x.attempts, x.fallbacks, x.inference, x.streamed, x.usage,
               x.usage_known, x.cost, x.duration, x.upstream, x.first_byte, x.request_bytes,
               x.response_bytes, x.chunks, x.share, x.handed_over, x.cache, x.cache_saved,
               x.cache_saved_tokens, x.cache_scope, x.origin)
SLUICE_INSPECT(loop_report, x.loop, x.requests, x.requests_dropped, x.connections, x.in_flight,
               x.accepted, x.refused)
SLUICE_INSPECT(upstream_report, x.loop, x.provider, x.connections_idle, x.connections_busy,
               x.waiting, x.connects, x.connect_failures, x.available)
SLUICE_INSPECT(merge_report, x.loop, x.flights, x.members, x.calls, x.joined, x.retried)
SLUICE_INSPECT(batch_report, x.deployment, x.kind, x.waiting, x.in_flight, x.size_limit,
               x.calls_limit, x.calls_reason, x.base, x.per_item, x.calls, x.requests, x.divided,
               x.overloads, x.decisions, x.pack, x.reruns)
SLUICE_INSPECT(job_lines_report, x.way, x.answered, x.failed, x.cost)
SLUICE_INSPECT(jobs_report, x.batches, x.lines_under_way, x.lines_handed_over, x.ended, x.lines,
               x.parts_handed_over, x.lines_taken_back)
SLUICE_INSPECT(cached_answer, x.content, x.events, x.deployment, x.usage, x.usage_known, x.cost)
SLUICE_INSPECT(cache_verdict, x.call, x.result, x.answer, x.age, x.expires, x.key, x.similarity,
               x.probability, x.more)
SLUICE_INSPECT(cache_fill, x.key, x.answer, x.ttl, x.age, x.tenant, x.warmed)
SLUICE_INSPECT(answer_fill, x.key, x.scope, x.question, x.tenant, x.answer, x.ttl)
SLUICE_INSPECT(cache_purge, x.tenant)
SLUICE_INSPECT(prefetch_order, x.key_id, x.kind, x.key, x.body, x.cost)
SLUICE_INSPECT(answer_check, x.ticket, x.tenant, x.question, x.kept, x.fresh)
SLUICE_INSPECT(check_result, x.ticket, x.outcome)
SLUICE_INSPECT(reading_order, x.tenant, x.texts)
SLUICE_INSPECT(text_form, x.vector, x.facts)
SLUICE_INSPECT(text_reading, x.forms)
SLUICE_INSPECT(cache_report, x.shard, x.entries, x.bytes, x.stored, x.refused, x.evicted, x.expired,
               x.warmed_used, x.warmed_unused)
SLUICE_INSPECT(namespace_report, x.scope, x.entries, x.served, x.verified, x.wrong, x.error_rate,
               x.error_rate_from, x.error_rate_to, x.probability_min, x.verified_share)
SLUICE_INSPECT(keeper_report, x.vectors, x.vector_bytes, x.vectors_evicted, x.entries, x.bytes,
               x.evicted, x.expired, x.damaged, x.waiting, x.shed, x.read, x.failures,
               x.checks_same, x.checks_different, x.checks_unknown, x.checks_declined, x.namespaces)
SLUICE_INSPECT(charge_id, x.node, x.incarnation, x.number)
SLUICE_INSPECT(charge_owner, x.tenant, x.team, x.user, x.key_id)
SLUICE_INSPECT(charge_purpose, x.owner, x.request_id, x.attempt, x.route, x.model, x.deployment,
               x.price_version)
SLUICE_INSPECT(charge_outcome, x.usage, x.cost, x.counterfactual, x.flags)
SLUICE_INSPECT(charge_order, x.call, x.purpose, x.most, x.tokens)
SLUICE_INSPECT(token_allowance, x.limit, x.remaining, x.reset)
SLUICE_INSPECT(budget_standing, x.limited, x.limit, x.remaining, x.reset)
SLUICE_INSPECT(charge_verdict, x.call, x.id, x.why, x.message, x.retry_after, x.downgrade, x.budget,
               x.tokens)
SLUICE_INSPECT(charge_end, x.call, x.id, x.outcome)
SLUICE_INSPECT(charge_ended, x.call, x.why)
SLUICE_INSPECT(ledger_verdicts, x.reserved, x.settled)
SLUICE_INSPECT(account_view, x.scope, x.owner, x.model, x.period, x.period_name, x.zone, x.begin,
               x.end, x.limited, x.limit, x.action, x.spent, x.open, x.overrun, x.charges)
SLUICE_INSPECT(account_query, x.owner)
SLUICE_INSPECT(account_list, x.accounts)
SLUICE_INSPECT(budget_rule, x.scope, x.name, x.tenant, x.model, x.period, x.zone, x.action,
               x.limited, x.limit, x.at_run_time)
SLUICE_INSPECT(budget_change, x.rule, x.undo)
SLUICE_INSPECT(budget_query, x.unused)
SLUICE_INSPECT(budget_list, x.budgets, x.accounts)
SLUICE_INSPECT(ledger_report, x.accounts, x.open, x.open_sum, x.rows, x.commits, x.refused,
               x.assumed, x.violations, x.clock_doubted, x.failed, x.refused_tokens, x.alarms)
SLUICE_INSPECT(batch_wake, x.number)
SLUICE_INSPECT(metrics_query, x.unused)
SLUICE_INSPECT(drain, x.until)

#undef SLUICE_INSPECT

} // namespace sluice
