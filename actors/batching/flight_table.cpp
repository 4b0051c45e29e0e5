#include "actors/batching/flight_table.hpp"

#include <algorithm>
#include <cassert>

namespace sluice {

namespace {

/// Flights kept to be used again: as many as usually are in flight, at half a kilobyte.
constexpr size_t landed_max = 64;

/// Questions looked at for one that is the same; bounds what a crowd in one scope costs.
constexpr size_t similar_looked_at_max = 64;

/// What is told to who does not pay: nor did it save anything.
call_share share_of_joiner(const call_share& x) {
  call_share result;
  result.batch_size = x.batch_size;
  result.packed = x.packed;
  result.packed_valid = x.packed_valid;
  result.joined = result.cost_known = true;
  return result;
}

bool shares(const merge_terms& x) {
  return static_cast<bool>(x.exact);
}

} // namespace

bool concerns_all(const failure& why) {
  if (why.retry_after.count() >= 0 || (why.should_retry_said && !why.should_retry))
    return true;
  switch (why.code) {
  case ec::upstream_rejected:     // about the request, which is everybody's
  case ec::upstream_rate_limited: // a call at once would be the next one too many
  case ec::upstream_unavailable:
  case ec::overloaded:
  case ec::shutting_down:
    return true;
  default:
    return false;
  }
}

/// A request that waits for a flight.
struct flight_table::member {
  uint64_t call = 0; ///< as its client counts
  call_client_actor client;
  std::unique_ptr<upstream_call> whole; ///< of a joiner, to be made where its leader's fails
  steady_time joined;
  bool leads = false;
  uint64_t sent = 0;  ///< bytes of the stream given to it
  uint64_t taken = 0; ///< of these, passed on by its client
  size_t next = 0;    ///< block that it gets next, counted from the stream's first
};

/// What calls have to have in common.
struct flight_terms {
  /// Takes them from `x`; in place, for strings that are used again take no memory.
  void read(const upstream_call& x) {
    deployment = x.deployment;
    path = x.path;
    merge = x.merge;
    kind = x.kind;
    mode = x.mode;
    usage_wanted = x.usage_wanted;
    patience = x.patience;
    pack = x.pack;
  }

  std::string deployment;
  std::string path;
  merge_terms merge;
  endpoint kind{};
  reply_mode mode{};
  bool usage_wanted = false;
  urgency patience{};
  packing pack{};
};

struct flight_table::flight {
  uint64_t own = 0;
  flight_terms terms;
  std::vector<member> members;
  bool open = true;   ///< may be joined
  bool again = false; ///< made for the joiners of one that failed
  bool paid = false;  ///< one member has been told the end as its payer
  // Of streams.
  header_list headers;
  call_share share;
  std::vector<stream_block> blocks; ///< from the one numbered `blocks_from`
  size_t blocks_from = 0;
  size_t blocks_gone = 0; ///< before this one they are empty
  uint64_t received = 0;
  uint64_t kept = 0; ///< bytes in `blocks`
  uint64_t credited = 0;
  bool begun = false;
  std::optional<stream_end> end;
  steady_time ended_at{};

  size_t blocks_end() const { return blocks_from + blocks.size(); }
  stream_block& block(size_t number) { return blocks[number - blocks_from]; }

  /// The time that the call took for `who`: the upstream's word for who waited all the while.
  call_timing timing(const member& who, const call_timing& came, steady_time at) const {
    if (who.leads && !again)
      return came;
    auto first_byte_at = at - std::max(came.total - came.first_byte, std::chrono::nanoseconds{0});
    return {at - who.joined, std::max(first_byte_at - who.joined, std::chrono::nanoseconds{0})};
  }
};

flight_table::flight_table(const flight_settings& settings, uint64_t first_call,
                           std::unique_ptr<const equivalence> judge)
    : settings_(settings), judge_(std::move(judge)), next_call_(first_call), flights_(&entries_),
      members_(&entries_), equal_(&entries_), similar_(&entries_) {}

flight_table::~flight_table() = default;

flight_table::flight* flight_table::find(uint64_t own) const {
  auto found = flights_.find(own);
  return found == flights_.end() ? nullptr : found->second.get();
}

flight_table::counts flight_table::take_counts() {
  return std::exchange(counts_, {});
}

// -- joining ----------------------------------------------------------------------------------

flight_table::flight* flight_table::joinable(const upstream_call& call) const {
  auto fits = [&](const flight& x) {
    // Who can wait may join who cannot, never the other way round.
    return x.terms.deployment == call.deployment && x.terms.kind == call.kind &&
           x.terms.mode == call.mode && x.terms.usage_wanted == call.usage_wanted &&
           x.terms.path == call.path && x.terms.pack == call.pack &&
           x.terms.patience <= call.patience;
  };
  for (auto [i, end] = equal_.equal_range(call.merge.exact); i != end; ++i)
    if (fits(*i->second))
      return i->second;
  if (!settings_.similar || !judge_ || !call.merge.scope)
    return nullptr;
  size_t looked_at = 0;
  for (auto [i, end] = similar_.equal_range(call.merge.scope);
       i != end && looked_at < similar_looked_at_max; ++i, ++looked_at)
    if (fits(*i->second) && judge_->similarity(i->second->terms.merge.question,
                                               call.merge.question) >= settings_.similarity_min)
      return i->second;
  return nullptr;
}

bool flight_table::take(upstream_call& call, steady_time now, flight_orders& out) {
  if (shares(call.merge))
    if (auto* to = joinable(call)) {
      join(*to, std::move(call), now, out);
      return false;
    }
  member leader;
  leader.call = call.call;
  leader.client = std::move(call.client);
  leader.joined = now;
  leader.leads = true;
  start(call, now).members.push_back(std::move(leader));
  return true;
}

void flight_table::join(flight& to, upstream_call&& call, steady_time now, flight_orders& out) {
  ++counts_.joined;
  members_.emplace(call.call, &to);
  auto& added = to.members.emplace_back();
  added.call = call.call;
  added.client = std::move(call.client);
  added.whole = std::make_unique<upstream_call>(std::move(call));
  added.joined = now;
  if (to.members.size() >= settings_.joiners_max)
    close(to);
  if (to.begun) {
    pour(to, added, out);
    trim(to);
  }
}

std::unique_ptr<flight_table::flight> flight_table::make_flight(uint64_t own,
                                                                const upstream_call& call) {
  auto result = std::unique_ptr<flight>{};
  if (landed_.empty()) {
    result = std::make_unique<flight>();
  } else {
    result = std::move(landed_.back());
    landed_.pop_back();
  }
  result->own = own;
  result->terms.read(call);
  result->open = true;
  result->again = result->paid = false;
  return result;
}

/// Makes a flight of a call, without members; its first leads it.
flight_table::flight& flight_table::start(upstream_call& call, steady_time now) {
  auto own = next_call_++;
  auto& x = *flights_.emplace(own, make_flight(own, call)).first->second;
  members_.emplace(call.call, &x);
  call.call = own;
  call.client = nullptr;
  // Who can wait until its deadline would be made to wait longer.
  if (call.patience == urgency::interactive)
    call.until.at = std::max(call.until.at, now + settings_.time_max);
  ++counts_.calls;
  x.open = shares(x.terms.merge) && settings_.joiners_max > 1;
  if (!x.open)
    return x;
  equal_.emplace(x.terms.merge.exact, &x);
  if (settings_.similar && x.terms.merge.scope)
    similar_.emplace(x.terms.merge.scope, &x);
  return x;
}

/// Makes the call of one that failed again, for those who had joined it.
void flight_table::start_again(std::vector<member>&& who, steady_time now, flight_orders& out) {
  ++counts_.retried;
  auto& again = *who.front().whole;
  auto& x = start(again, now);
  out.calls.push_back(std::move(again));
  x.again = true;
  x.members = std::move(who);
  x.members.front().leads = true;
  for (auto& each : x.members)
    members_.insert_or_assign(each.call, &x);
  if (x.members.size() >= settings_.joiners_max)
    close(x);
}

/// Nobody joins it any more.
void flight_table::close(flight& x) {
  if (!std::exchange(x.open, false))
    return;
  auto remove = [&](index& from, const fingerprint& key) {
    for (auto [i, end] = from.equal_range(key); i != end; ++i)
      if (i->second == &x) {
        from.erase(i);
        return;
      }
  };
  remove(equal_, x.terms.merge.exact);
  if (settings_.similar && x.terms.merge.scope)
    remove(similar_, x.terms.merge.scope);
}

void flight_table::erase(flight& x) {
  close(x);
  for (auto& each : x.members)
    members_.erase(each.call);
  bytes_kept_ -= x.kept;
  auto at = flights_.find(x.own);
  x.members.clear();
  auto is_as_made = !x.begun && !x.end; // but for what `make_flight` sets
  if (is_as_made && landed_.size() < landed_max)
    landed_.push_back(std::move(at->second));
  flights_.erase(at);
}

void flight_table::leave(flight& x, size_t place) {
  members_.erase(x.members[place].call);
  x.members.erase(x.members.begin() + static_cast<std::ptrdiff_t>(place));
}

void flight_table::cancel(uint64_t call, flight_orders& out) {
  auto found = members_.find(call);
  if (found == members_.end())
    return;
  auto& x = *found->second;
  auto who = std::find_if(x.members.begin(), x.members.end(),
                          [&](auto& each) { return each.call == call; });
  assert(who != x.members.end());
  leave(x, static_cast<size_t>(who - x.members.begin()));
  if (x.members.empty()) {
    if (!x.end)
      out.notes.push_back({x.terms.deployment, x.terms.kind, cancel_call{x.own}, x.terms.pack});
    return erase(x);
  }
  settle(x, out); // it may have been the one that held the stream back
  trim(x);
}

// -- whole answers and failures ---------------------------------------------------------------

std::optional<flight_table::alone> flight_table::land_alone(uint64_t own) {
  auto* x = find(own);
  // Whose call was made again has waited for longer than the upstream says.
  if (!x || x->members.size() != 1 || !x->members.front().leads || x->again)
    return std::nullopt;
  auto& who = x->members.front();
  alone result{who.call, std::move(who.client)};
  erase(*x);
  return result;
}

void flight_table::replied(upstream_reply&& came, steady_time now, flight_orders& out) {
  auto* x = find(came.call);
  if (!x)
    return;
  for (size_t i = 0; i < x->members.size(); ++i) {
    auto& who = x->members[i];
    auto timing = x->timing(who, came.timing, now);
    auto reply = i + 1 < x->members.size() ? came : std::move(came);
    reply.call = who.call;
    reply.timing = timing;
    if (i > 0) // the first pays, whether it led the call or its leader left
      reply.share = share_of_joiner(reply.share);
    out.answers.push_back({std::move(who.client), std::move(reply)});
  }
  erase(*x);
}

void flight_table::failed(upstream_failure&& came, steady_time now, flight_orders& out) {
  auto* x = find(came.call);
  if (!x)
    return;
  if (x->begun) // cannot be: after content a stream has an end
    return ended({came.call, std::move(came.why), {}, false, came.timing}, now, out);
  auto all = x->again || concerns_all(came.why);
  std::vector<member> rest;
  auto paid = false;
  for (auto& who : x->members) {
    if (!all && !who.leads) {
      rest.push_back(std::move(who));
      continue;
    }
    upstream_failure told{who.call, came.why, x->timing(who, came.timing, now)};
    told.wasted = std::exchange(came.wasted, {}); // the first pays
    told.wasted_cost = std::exchange(came.wasted_cost, {});
    told.joined = std::exchange(paid, true);
    out.answers.push_back({who.client, std::move(told)});
    members_.erase(who.call);
  }
  x->members.clear();
  erase(*x);
  if (rest.empty())
    return;
  start_again(std::move(rest), now, out);
}

// -- streams ----------------------------------------------------------------------------------

void flight_table::streamed(stream_block&& came, flight_orders& out) {
  auto* x = find(came.call);
  if (!x || x->end)
    return;
  if (!x->begun) {
    x->begun = true;
    x->headers = std::move(came.headers);
    x->share = came.share;
  }
  x->received += came.events.size();
  x->kept += came.events.size();
  bytes_kept_ += came.events.size();
  x->blocks.push_back(std::move(came));
  if (x->received > settings_.replay_bytes_max || bytes_kept_ > settings_.replay_bytes_total_max)
    close(*x);
  pour_all(*x, out);
}

void flight_table::ended(stream_end&& came, steady_time now, flight_orders& out) {
  auto* x = find(came.call);
  if (!x || x->end)
    return;
  close(*x);
  x->end = std::move(came);
  x->ended_at = now;
  pour_all(*x, out);
}

/// Gives `to` what it has not got yet, as far as its window goes; and the end, when it has all.
void flight_table::pour(flight& x, member& to, flight_orders& out) {
  auto more = [&] {
    return to.next < x.blocks_end() && to.sent - to.taken < settings_.stream_window;
  };
  if (more()) {
    stream_block some;
    some.call = to.call;
    if (to.next == 0) {
      some.headers = x.headers;
      some.share = x.share;
      some.share.joined = !to.leads;
    }
    // Nobody else will want it: the usual case of a stream that is alone and cannot be joined.
    auto last = !x.open && x.members.size() == 1;
    for (; more(); ++to.next) {
      auto& block = x.block(to.next);
      to.sent += block.events.size();
      some.count += block.count;
      if (some.events.empty() && last) {
        x.kept -= block.events.size();
        bytes_kept_ -= block.events.size();
        some.events = std::move(block.events);
        block.events.clear();
      } else {
        some.events += block.events;
      }
    }
    out.answers.push_back({to.client, std::move(some)});
  }
  if (!x.end || to.next < x.blocks_end())
    return;
  auto last_word = *x.end;
  last_word.call = to.call;
  last_word.timing = x.timing(to, x.end->timing, x.ended_at);
  // Somebody has to pay, and only who is told the end can: the first to get there.
  if (std::exchange(x.paid, true))
    last_word.share = share_of_joiner(last_word.share);
  out.answers.push_back({to.client, std::move(last_word)});
}

void flight_table::pour_all(flight& x, flight_orders& out) {
  for (auto& each : x.members)
    pour(x, each, out);
  if (!x.end)
    return trim(x);
  for (size_t i = x.members.size(); i-- > 0;)
    if (x.members[i].next == x.blocks_end())
      leave(x, i);
  if (x.members.empty())
    return erase(x);
  trim(x);
}

/// Drops what everybody has, where nobody may join any more.
void flight_table::trim(flight& x) {
  if (x.open)
    return;
  auto behind = x.blocks_end();
  for (auto& each : x.members)
    behind = std::min(behind, each.next);
  for (; x.blocks_gone < behind; ++x.blocks_gone) {
    auto& block = x.block(x.blocks_gone);
    x.kept -= block.events.size();
    bytes_kept_ -= block.events.size();
    block.events = {};
  }
  // By halves, so that moving the rest costs no more than it gains.
  auto gone = x.blocks_gone - x.blocks_from;
  if (gone * 2 < x.blocks.size())
    return;
  x.blocks.erase(x.blocks.begin(), x.blocks.begin() + static_cast<std::ptrdiff_t>(gone));
  x.blocks_from = x.blocks_gone;
}

/// Lets the upstream go on: as the fastest member takes it, while the slowest is no further behind
/// than what may be kept.
void flight_table::settle(flight& x, flight_orders& out) {
  if (x.terms.mode != reply_mode::stream || x.end)
    return;
  uint64_t fastest = 0;
  auto slowest = x.received;
  for (auto& each : x.members) {
    fastest = std::max(fastest, each.taken);
    slowest = std::min(slowest, each.taken);
  }
  auto most = std::min(fastest, slowest + settings_.replay_bytes_max);
  if (most <= x.credited)
    return;
  out.notes.push_back(
      {x.terms.deployment, x.terms.kind, stream_credit{x.own, most - x.credited}, x.terms.pack});
  x.credited = most;
}

void flight_table::credit(const stream_credit& came, flight_orders& out) {
  auto found = members_.find(came.call);
  if (found == members_.end())
    return;
  auto& x = *found->second;
  auto who = std::find_if(x.members.begin(), x.members.end(),
                          [&](auto& each) { return each.call == came.call; });
  assert(who != x.members.end());
  who->taken = std::min(who->taken + came.bytes, who->sent);
  settle(x, out);
  pour(x, *who, out);
  if (!x.end || who->next < x.blocks_end())
    return trim(x);
  leave(x, static_cast<size_t>(who - x.members.begin()));
  if (x.members.empty())
    return erase(x);
  trim(x);
}

} // namespace sluice
