#include "actors/ledger/token_limits.hpp"

namespace sluice {

namespace {

/// What a charge used of the tokens that it had taken.
int64_t used_of(const charge_outcome& x, int64_t taken) {
  if (x.has(charge_flag::unsent) || x.has(charge_flag::joined))
    return 0;
  if (x.has(charge_flag::assumed))
    return taken;
  auto used = x.usage.input_total() + x.usage.output_total();
  // An answer has tokens, whether somebody counted them or not.
  return used == 0 && !x.has(charge_flag::failed) ? taken : used;
}

std::string refusal(const token_bucket& by, int64_t tokens) {
  auto limit = std::to_string(by.per_minute()) + " tokens per minute";
  auto wanted = std::to_string(tokens);
  auto result = by.fits(tokens) ? "Rate limit reached for this key: " + limit + ". " +
                                      std::to_string(by.allowance().remaining) +
                                      " are left, and this request may use " + wanted + "."
                                : "This request may use " + wanted +
                                      " tokens, more than this key's limit of " + limit + ".";
  return result + " A lower max_tokens lowers that.";
}

} // namespace

token_limits::token_limits(const per_minute& limits) {
  for (auto& [key, limit] : limits)
    buckets_.emplace(key, token_bucket{limit});
}

bool token_limits::take(const charge_id& id, const charge_order& order, wall_time now,
                        charge_verdict& verdict) {
  if (order.tokens <= 0 || buckets_.empty())
    return true;
  auto found = buckets_.find(order.purpose.owner.key_id);
  if (found == buckets_.end())
    return true;
  auto& bucket = found->second;
  auto done = bucket.take(order.tokens, now);
  verdict.tokens = bucket.allowance();
  if (done) {
    taken_.emplace(id, taken{&bucket, order.tokens});
    return true;
  }
  verdict.why = ec::rate_limited;
  verdict.message = refusal(bucket, order.tokens);
  if (bucket.fits(order.tokens))
    verdict.retry_after = bucket.wait_for(order.tokens);
  return false;
}

void token_limits::settle(const charge_id& id, const charge_outcome& x, wall_time now) {
  if (auto found = taken_.extract(id)) {
    auto& [from, tokens] = found.mapped();
    from->give_back(tokens - used_of(x, tokens), now);
  }
}

} // namespace sluice
