#include "actors/batching/batcher_actor.hpp"
#include "actors/batching/pack_format.hpp"

namespace sluice {

namespace {

/// Packed calls in a row without one valid answer after which a deployment is taken not to do
/// packs at all: one can be bad luck, and each is paid for.
constexpr uint32_t useless_packs_max = 3;

} // namespace

/// Answers the members of a packed call, and asks again alone for those that it did not answer.
void batcher_state::split_pack(call&& of, upstream_reply& x) {
  std::vector<batch_terms> terms;
  for (auto& member : of.members)
    terms.push_back(member.terms);
  auto parts = split_packed({x.body, x.usage, x.usage_known, settings.price}, terms);
  uint32_t valid = 0;
  for (auto& part : parts)
    valid += part.why.code == ec::none ? 1 : 0;
  pack_ended(valid > 0);
  std::vector<batch_request> again;
  for (size_t i = 0; i < of.members.size(); ++i) {
    auto& who = of.members[i];
    auto& part = parts[i];
    if (part.why.code != ec::none) {
      who.lost = batch_request::lost_part{part.usage, part.cost, part.cost_known};
      again.push_back(std::move(who));
      continue;
    }
    if (!who.call.client)
      continue;
    auto saved = part.input_saved;
    auto reply = reply_of(of, i, std::move(part), x);
    reply.share.packed = reply.share.batch_size;
    reply.share.packed_valid = valid;
    reply.share.input_saved = saved;
    self->send(who.call.client, std::move(reply));
  }
  ask_again(std::move(again));
}

/// All at once, past the limit of calls: they have waited for a whole call already.
void batcher_state::ask_again(std::vector<batch_request>&& each) {
  auto now = self->clock().now();
  for (auto& x : each) {
    if (!x.call.client)
      continue;
    ++figures.reruns;
    if (!x.lost) // nothing was paid for the refusal of the packed call
      x.lost.emplace();
    std::vector<batch_request> one;
    one.push_back(std::move(x));
    begin(std::move(one), now);
  }
}

void batcher_state::pack_ended(bool useful) {
  useless_packs = useful ? 0 : useless_packs + 1;
  if (useless_packs < useless_packs_max)
    return;
  useless_packs = 0;
  adjuster->not_batchable(self->clock().now());
}

/// The upstream's reply as it came. Who was asked again pays for its part of the packed call, too.
void batcher_state::answer_alone(batch_request&& who, upstream_reply& x) {
  if (!who.call.client)
    return;
  x.call = who.call.call;
  if (auto& lost = who.lost) {
    auto own = x.usage_known && settings.price ? cost(x.usage, *settings.price) : std::nullopt;
    x.share.cost = lost->cost + own.value_or(nanousd{});
    x.share.cost_known = lost->cost_known || own.has_value();
    x.usage = x.usage + lost->usage;
    x.share.rerun = true;
    x.share.input_saved = -lost->usage.input_total();
  }
  self->send(who.call.client, std::move(x));
}

} // namespace sluice
