#include "actors/batching/batch_adjuster.hpp"

#include <algorithm>

namespace sluice {

namespace {

using kind = batch_decision::kind;

/// After a reply that did not fit its batch: long enough that a provider without arrays costs one
/// wasted call in that time, short enough that a repaired one is used the same hour.
constexpr std::chrono::minutes alone_for{5};

/// A pause asked for by the upstream; more is left to the callers' own back-off.
constexpr std::chrono::milliseconds pause_max{1'000};

/// A wait is counted as so many times its length: what it is for is an estimate.
constexpr double caution = 2;

steady_time::duration ticks(seconds_f x) {
  return std::chrono::duration_cast<steady_time::duration>(x);
}

} // namespace

batch_adjuster::batch_adjuster(const adjuster_settings& settings)
    : settings_(settings), profile_(settings.wait_max), limit_(settings.calls_max),
      size_limit_(std::min(settings.size_start, settings.size_max)) {}

void batch_adjuster::arrived(steady_time now) {
  if (last_arrival_ != steady_time{})
    arrivals_apart_ = now - last_arrival_;
  last_arrival_ = now;
  profile_.arrived(now);
}

uint32_t batch_adjuster::size_limit(steady_time now) const {
  return now < alone_until_ ? 1 : size_limit_;
}

void batch_adjuster::finished(const finished_call& x, steady_time now) {
  seconds_f took = x.took;
  auto predicted = fit_.predict(x.items);
  auto slowness = fit_.known() && predicted.count() > 0 ? took / predicted : 0;
  limit_.completed({x.beside, slowness, x.more_wait});
  // A call that others were in the way of says nothing about its size.
  if (x.beside <= limit_.proven())
    fit_.add(x.items, took);
  // Latency grows by less than the size as long as there is a base to share: larger is better.
  if (!settings_.fixed && fit_.known() && x.items >= std::min<uint32_t>(size_limit_, 2))
    size_limit_ = std::min(settings_.size_max, size_limit_ * 2);
  profile_.returned(x.items, now);
  room_since_ = now;
}

void batch_adjuster::overloaded(steady_time now, std::chrono::milliseconds retry_after) {
  limit_.overloaded();
  if (retry_after.count() > 0)
    pause_until_ = std::max(pause_until_, now + std::min(retry_after, pause_max));
  room_since_ = now;
}

void batch_adjuster::too_large(uint32_t items) {
  size_limit_ = std::max<uint32_t>(1, std::min(size_limit_, items / 2));
}

void batch_adjuster::not_batchable(steady_time now) {
  alone_until_ = now + alone_for;
}

batch_decision batch_adjuster::decide_fixed(const batch_demand& demand, steady_time now) const {
  if (demand.in_flight > 0)
    return {kind::busy, 0, {}, "upstream busy"};
  auto due = demand.oldest + settings_.wait_max;
  if (demand.waiting >= settings_.size_max || now >= due)
    return {kind::dispatch, settings_.size_max, {}, "fixed"};
  return {kind::wait, 0, due, "fixed"};
}

batch_decision batch_adjuster::decide(const batch_demand& demand, steady_time now) {
  if (demand.waiting == 0)
    return {kind::idle, 0, {}, "nothing waits"};
  if (settings_.fixed)
    return decide_fixed(demand, now);
  if (demand.in_flight >= limit_.limit())
    return {kind::busy, 0, {}, "upstream busy"};
  if (now < pause_until_)
    return {kind::wait, 0, pause_until_, "upstream asked for a pause"};
  auto size = size_limit(now);
  if (demand.waiting >= size)
    return {kind::dispatch, size, {}, "full"};
  if (now < demand.patient_until)
    return {kind::wait, 0, demand.patient_until, "all have time"};
  auto saved_until = demand.oldest + settings_.wait_max;
  if (settings_.thrifty && size > 1 && demand.in_flight > 0 && now < saved_until &&
      arrivals_apart_ <= settings_.wait_max)
    return {kind::wait, 0, saved_until, "company is near"};
  auto best = best_wait(demand, now);
  if (best.wait.count() > 0)
    return {kind::wait, 0, now + ticks(best.wait), best.reason};
  return {kind::dispatch, size, {}, best.reason};
}

batch_adjuster::plan batch_adjuster::best_wait(const batch_demand& demand, steady_time now) const {
  if (!fit_.known() || size_limit(now) == 1)
    return {{}, "nothing to wait for"};
  auto patience =
      seconds_f{settings_.wait_max} - seconds_f{now - std::max(demand.oldest, room_since_)};
  auto size = static_cast<double>(size_limit(now));
  auto waiting = static_cast<double>(demand.waiting);
  plan best{{}, "nothing to wait for"};
  // The crowd: requests a second.
  auto best_rate = waiting / fit_.predict(waiting).count();
  for (size_t i = 0; i < arrival_profile::bins; ++i) {
    auto outlook = profile_.expect(i, now);
    if (outlook.wait.count() <= 0 || outlook.wait > patience ||
        outlook.crowd < arrival_profile::crowd_min)
      continue;
    auto then = std::min(size, waiting + outlook.expected);
    auto rate = then / (outlook.wait * caution + fit_.predict(then)).count();
    if (rate > best_rate) {
      best_rate = rate;
      best = {outlook.wait, "a crowd returns"};
    }
  }
  return best;
}

} // namespace sluice
