#include "actors/ledger/ledger_book.hpp"

#include "actors/ledger/budget_refusal.hpp"

#include <algorithm>
#include <limits>

namespace sluice {

using std::chrono::days;
using std::chrono::floor;
using std::chrono::sys_days;

namespace {

/// What accounts have that nothing limits: more than is ever spent, and so little that no sum of
/// two leaves the range.
constexpr nanousd unlimited{std::numeric_limits<int64_t>::max() / 4};

/// Owners and models whose accounts are remembered. Beyond it all are looked up anew: a kilobyte
/// each.
constexpr size_t cached_max = 10'000;

/// Charges of one's own node are told once.
struct own_charges final : charge_book {
  bool add(const settled_charge&) override { return true; }
};

own_charges every_charge;

bool is_hard(const ledger_account& x) {
  return x.limit.has_value() && x.action != budget_action::alert;
}

nanousd home_limit(const ledger_account& x) {
  return is_hard(x) ? *x.limit : unlimited;
}

escrow_share share_of(const ledger_account& x) {
  escrow_share result;
  result.granted = x.granted;
  result.returned = x.returned;
  result.settled = x.spent;
  result.grants = x.grants;
  return result;
}

escrow_state state_of(const ledger_account& x, std::map<charge_id, nanousd>&& open) {
  escrow_state result;
  result.granted = x.granted;
  result.returned = x.returned;
  result.spent = x.spent;
  result.grants = x.grants;
  result.open = std::move(open);
  return result;
}

std::string cache_key(const charge_owner& owner, const std::string& model) {
  std::string result;
  result.reserve(64);
  for (auto* x : {&owner.tenant, &owner.team, &owner.user, &owner.key_id, &model}) {
    result += *x;
    result += '\0';
  }
  return result;
}

/// Whether the account is one of those that `of` asks for.
bool matches(const ledger_account& x, const charge_owner& of) {
  auto fits = [](const std::string& has, const std::string& wanted) {
    return wanted.empty() || has.empty() || has == wanted;
  };
  auto named = of == charge_owner{} || x.scope == budget_scope::tenant ||
               (x.scope == budget_scope::team && !of.team.empty()) ||
               (x.scope == budget_scope::user && !of.user.empty()) ||
               (x.scope == budget_scope::key && !of.key_id.empty());
  return named && fits(x.owner.tenant, of.tenant) && fits(x.owner.team, of.team) &&
         fits(x.owner.user, of.user) && fits(x.owner.key_id, of.key_id);
}

} // namespace

struct ledger_book::account {
  ledger_account fixed; ///< its sums are those of `node`
  escrow_node node;
  escrow_home home;
  bool changed = false;

  account(const ledger_account& x, uint64_t node_id, std::map<charge_id, nanousd>&& open)
      : fixed(x), node(state_of(x, std::move(open))),
        home(home_limit(x), every_charge, {{node_id, share_of(x)}}) {}

  /// What could be set aside now.
  nanousd left() const { return node.available() + std::max(home.free(), nanousd{}); }

  ledger_account record() const {
    auto result = fixed;
    auto& state = node.state();
    result.granted = state.granted;
    result.returned = state.returned;
    result.spent = state.spent;
    result.grants = state.grants;
    return result;
  }

  account_view view() const {
    account_view result;
    result.scope = fixed.scope;
    result.owner = fixed.owner;
    result.model = fixed.model;
    result.period = fixed.period;
    result.period_name = period_name(fixed);
    result.zone = fixed.zone;
    result.begin = fixed.begin;
    result.end = fixed.end;
    result.limited = fixed.limit.has_value();
    result.limit = fixed.limit.value_or(nanousd{});
    result.action = fixed.action;
    result.spent = node.state().spent;
    result.open = node.reserved();
    result.overrun = fixed.overrun;
    result.charges = fixed.charges;
    return result;
  }

  /// Has the node ask its home for what it lacks.
  void fund(uint64_t node_id, nanousd most) {
    if (node.available() >= most)
      return;
    if (auto answer = home.on_request(node_id, node.ask(most - node.available())))
      node.on_grant(*answer);
  }

  void settle(uint64_t node_id, const charge_id& id, nanousd cost) {
    node.settle(id, cost);
    node.on_confirmed(home.on_settlement(node_id, node.report(1)));
  }
};

ledger_book::ledger_book(budget_rules rules, ledger_contents contents, wall_time now,
                         const token_limits::per_minute& tokens)
    : rules_(std::move(rules)), tokens_(tokens), node_(contents.node),
      incarnation_(contents.incarnation) {
  for (auto& x : contents.budgets)
    rules_.change({std::move(x), false});
  std::map<uint32_t, std::map<charge_id, nanousd>> open;
  for (auto& x : contents.open)
    for (auto number : x.accounts)
      open[number].emplace(x.id, x.most);
  for (auto& x : contents.accounts) {
    account_next_ = std::max(account_next_, x.number + 1);
    auto mine = open.extract(x.number);
    if (x.end > now || !mine.empty())
      restore(x, mine.empty() ? std::map<charge_id, nanousd>{} : std::move(mine.mapped()));
  }
  for (auto& x : contents.days)
    days_[x.day].sums = x;
  for (auto& x : contents.open) {
    ++day_of(x.reserved).open;
    open_sum_ += x.most;
    open_.emplace(x.id, x);
  }
  charge_outcome assumed;
  assumed.set(charge_flag::assumed);
  for (auto& x : contents.open)
    settle(x.id, assumed, now);
  turn(now);
}

ledger_book::~ledger_book() = default;

ledger_book::account& ledger_book::restore(const ledger_account& x,
                                           std::map<charge_id, nanousd>&& open) {
  auto made = std::make_unique<account>(x, node_, std::move(open));
  auto& result = *made;
  by_number_[x.number] = &result;
  accounts_[account_key(x)] = std::move(made);
  return result;
}

/// The account that a rule asks for, with what the rule says today.
ledger_book::account& ledger_book::find(const ledger_account& x) {
  auto found = accounts_.find(account_key(x));
  if (found == accounts_.end()) {
    auto fresh = x;
    fresh.number = account_next_++;
    auto& made = restore(fresh, {});
    change(made);
    return made;
  }
  auto& known = *found->second;
  if (known.fixed.limit != x.limit || known.fixed.action != x.action)
    limit(known, x);
  return known;
}

void ledger_book::limit(account& x, const ledger_account& as) {
  x.fixed.limit = as.limit;
  x.fixed.action = as.action;
  // What the node holds and does not need goes home, so that a lower limit counts at once.
  x.node.give_back(x.node.available());
  x.home.on_settlement(node_, x.node.report(0));
  x.home.set_limit(home_limit(x.fixed));
  // Of a higher limit the same shares are passed again.
  x.fixed.foreseen = false;
  auto passed = percents_passed(x.fixed.limit.value_or(unlimited), x.node.state().spent);
  x.fixed.alerted = std::min(x.fixed.alerted, passed.empty() ? 0 : passed.back());
  change(x);
}

void ledger_book::change(const budget_change& x, wall_time now) {
  rules_.change(x);
  cache_.clear();
  for (auto& [key, y] : accounts_) {
    if (now < y->fixed.begin || y->fixed.end <= now)
      continue;
    ledger_account none; // where no budget fits it any more it only counts
    auto fitting = rules_.accounts_of(y->fixed.owner, y->fixed.model, now);
    auto found = std::ranges::find(fitting, key, account_key);
    auto& as = found == fitting.end() ? none : *found;
    if (y->fixed.limit == as.limit && y->fixed.action == as.action)
      continue;
    limit(*y, as);
    warn(*y, now);
  }
  budget_changes_.push_back(x);
}

const ledger_book::account_list_t&
ledger_book::accounts_of(const charge_owner& owner, const std::string& model, wall_time now) {
  auto key = cache_key(owner, model);
  auto found = cache_.find(key);
  if (found != cache_.end() && found->second.begin <= now && now < found->second.end)
    return found->second.accounts;
  if (cache_.size() >= cached_max)
    cache_.clear();
  cached_accounts fresh;
  fresh.begin = wall_time::min();
  fresh.end = wall_time::max();
  for (auto& x : rules_.accounts_of(owner, model, now)) {
    fresh.accounts.push_back(&find(x));
    fresh.begin = std::max(fresh.begin, x.begin);
    fresh.end = std::min(fresh.end, x.end);
  }
  return (cache_[key] = std::move(fresh)).accounts;
}

/// The first hard account that has less than `most` left.
ledger_book::account* ledger_book::first_short(const account_list_t& of, nanousd most) const {
  for (auto* x : of)
    if (is_hard(x->fixed) && x->left() < most)
      return x;
  return nullptr;
}

/// Of the hard account that has the least left.
budget_standing ledger_book::standing(const account_list_t& of, wall_time now) {
  const account* tightest = nullptr;
  nanousd least;
  for (auto* x : of) {
    if (!is_hard(x->fixed))
      continue;
    auto left = x->left();
    if (!tightest || left < least) {
      tightest = x;
      least = left;
    }
  }
  budget_standing result;
  if (tightest) {
    result.limited = true;
    result.limit = *tightest->fixed.limit;
    result.remaining = std::max(least, nanousd{});
    result.reset = std::chrono::ceil<std::chrono::milliseconds>(tightest->fixed.end - now);
  }
  return result;
}

charge_verdict ledger_book::reserve(const charge_order& x, wall_time now) {
  auto& of = accounts_of(x.purpose.owner, x.purpose.model, now);
  auto most = std::max(x.most, nanousd{});
  charge_verdict result;
  result.call = x.call;
  if (auto* by = first_short(of, most)) {
    result.why = ec::budget_exceeded;
    result.message = budget_refusal(by->view(), by->left(), most);
    result.retry_after = std::chrono::duration_cast<std::chrono::milliseconds>(by->fixed.end - now);
    result.downgrade = by->fixed.action == budget_action::downgrade;
    result.budget = standing({by}, now);
    return result;
  }
  charge_id id{node_, incarnation_, charge_next_};
  // Last, for it is the limit that is over first: nobody asks again for what no budget covers.
  if (!tokens_.take(id, x, now, result)) {
    result.budget = standing(of, now);
    return result;
  }
  ++charge_next_;
  open_charge made{id, x.purpose, most, now, {}};
  for (auto* y : of) {
    y->fund(node_, most);
    y->node.reserve(made.id, most);
    made.accounts.push_back(y->fixed.number);
    change(*y);
  }
  ++day_of(now).open;
  open_sum_ += most;
  result.id = made.id;
  result.budget = standing(of, now);
  opened_.insert(made.id);
  open_.emplace(made.id, std::move(made));
  return result;
}

ec ledger_book::settle(const charge_id& id, charge_outcome x, wall_time now) {
  auto found = open_.extract(id);
  if (!found)
    return ec::not_found;
  tokens_.settle(id, x, now);
  auto& charge = found.mapped();
  open_sum_ = open_sum_ - charge.most;
  if (x.has(charge_flag::assumed))
    x.cost = charge.most;
  auto beyond = std::max(x.cost - charge.most, nanousd{});
  if (beyond > nanousd{})
    x.set(charge_flag::overrun);
  for (auto number : charge.accounts) {
    auto known = by_number_.find(number);
    if (known == by_number_.end()) { // the archive has lost it
      ++violations_;
      continue;
    }
    auto& of = *known->second;
    of.settle(node_, id, x.cost);
    of.fixed.overrun += beyond;
    ++of.fixed.charges;
    change(of);
    warn(of, now);
  }
  auto& day = day_of(charge.reserved);
  --day.open;
  ++day.sums.charges;
  day.sums.spent += x.cost;
  day.changed = true;
  // Opened and ended between two writes: then only its row is written.
  if (opened_.erase(id) == 0)
    ended_.push_back(id);
  rows_.push_back({std::move(charge), x, now});
  return ec::none;
}

ledger_book::day_state& ledger_book::day_of(wall_time at) {
  auto day = floor<days>(at);
  auto& result = days_[day];
  result.sums.day = day;
  return result;
}

void ledger_book::turn(wall_time now) {
  auto today = floor<days>(now);
  for (auto at = days_.begin(); at != days_.end() && at->first < today;) {
    if (at->second.open > 0) {
      ++at;
      continue;
    }
    at->second.sums.closed = true;
    closed_.push_back(at->second.sums);
    at = days_.erase(at);
  }
  std::erase_if(accounts_, [&](auto& entry) {
    auto& x = *entry.second;
    auto over = x.fixed.end <= now && x.node.state().open.empty() && !x.changed;
    if (over)
      by_number_.erase(x.fixed.number);
    return over;
  });
  std::erase_if(cache_, [&](auto& entry) { return entry.second.end <= now; });
}

void ledger_book::change(account& x) {
  if (x.changed)
    return;
  x.changed = true;
  changed_.push_back(&x);
}

void ledger_book::warn(account& x, wall_time now) {
  if (!x.fixed.limit)
    return;
  auto limit = *x.fixed.limit;
  for (auto percent : percents_passed(limit, x.node.state().spent))
    if (percent > x.fixed.alerted) {
      x.fixed.alerted = percent;
      alarms_.push_back({x.view(), percent, {}});
    }
  if (x.fixed.foreseen || x.node.state().spent >= limit)
    return;
  if (auto foreseen = foreseen_spending(x.fixed.begin, x.fixed.end, x.node.state().spent, now);
      foreseen > limit) {
    x.fixed.foreseen = true;
    alarms_.push_back({x.view(), 0, foreseen});
  }
}

ledger_batch ledger_book::take_changes(wall_time now) {
  ledger_batch result;
  result.now = now;
  for (auto& id : opened_)
    result.opened.push_back(open_.at(id));
  opened_.clear();
  result.ended = std::exchange(ended_, {});
  result.rows = std::exchange(rows_, {});
  for (auto* x : std::exchange(changed_, {})) {
    x->changed = false;
    // Both sides must say the same, and never give out what there is not.
    auto& state = x->node.state();
    auto held = x->node.available() + x->node.reserved() + x->fixed.overrun;
    if (x->home.spent() != state.spent || held < nanousd{} ||
        state.granted - state.returned >
            std::max(home_limit(x->fixed), state.spent + x->node.reserved()))
      ++violations_;
    result.accounts.push_back(x->record());
  }
  result.budgets = std::exchange(budget_changes_, {});
  for (auto& [day, x] : days_)
    if (std::exchange(x.changed, false))
      result.days.push_back(x.sums);
  for (auto& x : std::exchange(closed_, {}))
    result.days.push_back(std::move(x));
  return result;
}

std::vector<account_view> ledger_book::accounts(const charge_owner& owner) const {
  std::vector<account_view> result;
  for (auto& [key, x] : accounts_)
    if (matches(x->fixed, owner))
      result.push_back(x->view());
  return result;
}

std::vector<account_view> ledger_book::tenants() const {
  std::vector<account_view> result;
  for (auto& [key, x] : accounts_)
    if (x->fixed.scope == budget_scope::tenant && x->fixed.model.empty())
      result.push_back(x->view());
  return result;
}

} // namespace sluice
