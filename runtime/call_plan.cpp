#include "runtime/call_plan.hpp"

#include <algorithm>

namespace sluice {

namespace {

using kind = next_step::kind;

/// Whether the same deployment may answer the same request later.
enum class remedy : uint8_t { same_later, another, none };

struct verdict {
  remedy what;
  std::string_view reason;
};

verdict judge(const failure& why) {
  auto told_not_to = why.should_retry_said && !why.should_retry;
  switch (why.code) {
  case ec::upstream_rate_limited:
    return {told_not_to ? remedy::another : remedy::same_later, "rate limited"};
  case ec::upstream_failed:
    return {told_not_to ? remedy::another : remedy::same_later, "failed"};
  case ec::upstream_bad_response:
    return {told_not_to ? remedy::another : remedy::same_later, "bad response"};
  case ec::upstream_unreachable:
    return {remedy::same_later, "unreachable"};
  case ec::upstream_stream_cut:
    return {remedy::same_later, "cut before its first content"};
  case ec::upstream_timeout: // it is slow: waiting a second time as long seldom helps
    return {remedy::another, "timed out"};
  case ec::upstream_unavailable:
    return {remedy::another, "unavailable"};
  case ec::overloaded:
    return {remedy::another, "too many calls waiting"};
  case ec::upstream_rejected:
    if (why.should_retry_said && why.should_retry)
      return {remedy::same_later, "rejected, but told to retry"};
    // Our credentials, or a model that this provider does not have: another may answer. The
    // request's own faults go back.
    if (why.upstream_status == 401 || why.upstream_status == 403 || why.upstream_status == 404)
      return {remedy::another, "refused by the provider"};
    return {remedy::none, "rejected"};
  default:
    return {remedy::none, "not retryable"};
  }
}

std::chrono::milliseconds backoff(uint32_t attempts, const retry_settings& settings,
                                  uint64_t random) {
  auto ceiling = settings.backoff_base.count();
  for (uint32_t i = 1; i < attempts && ceiling < settings.backoff_max.count(); ++i)
    ceiling *= 2;
  ceiling = std::min(ceiling, settings.backoff_max.count());
  return std::chrono::milliseconds{
      static_cast<int64_t>(random % (static_cast<uint64_t>(ceiling) + 1))};
}

} // namespace

next_step after_failure(const failure& why, const call_progress& progress,
                        const retry_settings& settings, deadline until, steady_time now,
                        uint64_t random) {
  auto opinion = judge(why);
  auto another = [&]() -> next_step {
    if (progress.candidate + 1 < progress.candidates && !until.passed(now))
      return {kind::fallback, {}, opinion.reason};
    return {kind::give_up, {}, opinion.reason};
  };
  if (opinion.what == remedy::none)
    return {kind::give_up, {}, opinion.reason};
  if (opinion.what == remedy::another || progress.attempts_here >= settings.attempts_max)
    return another();
  auto delay = why.retry_after.count() >= 0 ? why.retry_after
                                            : backoff(progress.attempts_here, settings, random);
  if (delay > settings.retry_after_max || now + delay >= until.at)
    return another();
  return {kind::retry, delay, opinion.reason};
}

} // namespace sluice
