#include "actors/ledger/budget_rules.hpp"

#include <algorithm>

namespace sluice {

namespace {

const std::string& name_of(const charge_owner& owner, budget_scope scope) {
  switch (scope) {
  case budget_scope::tenant:
    return owner.tenant;
  case budget_scope::team:
    return owner.team;
  case budget_scope::user:
    return owner.user;
  case budget_scope::key:
    break;
  }
  return owner.key_id;
}

/// Whoever has no team has no budget of a team.
bool fits(const budget_rule& x, const charge_owner& owner, const std::string& model) {
  auto& name = name_of(owner, x.scope);
  auto named = x.name == "*" ? !name.empty() : x.name == name;
  return named && (x.tenant.empty() || x.tenant == owner.tenant) &&
         (x.model.empty() || x.model == model);
}

/// The owner as an account of this scope has it.
charge_owner owner_of(const charge_owner& owner, budget_scope scope) {
  charge_owner result;
  result.tenant = owner.tenant;
  if (scope == budget_scope::team)
    result.team = owner.team;
  if (scope == budget_scope::user)
    result.user = owner.user;
  if (scope == budget_scope::key)
    result.key_id = owner.key_id;
  return result;
}

bool same(const ledger_account& a, const ledger_account& b) {
  return a.scope == b.scope && a.owner == b.owner && a.model == b.model && a.period == b.period &&
         a.zone == b.zone && a.begin == b.begin;
}

/// Of two budgets for one account both have to hold: the lower one does, and a hard one is never
/// made soft.
void join(ledger_account& x, const ledger_account& other) {
  if (!other.limit)
    return;
  auto soft = [](const ledger_account& y) { return !y.limit || y.action == budget_action::alert; };
  if (soft(x) != soft(other) ? soft(x) : !x.limit || *other.limit < *x.limit) {
    x.limit = other.limit;
    x.action = other.action;
  }
}

} // namespace

budget_rules::budget_rules(std::vector<budget_settings> budgets, nanousd daily) : daily_(daily) {
  for (auto& x : budgets)
    configured_.push_back({{x.scope, x.name, x.tenant, x.model, x.period, x.zone.name(), x.action,
                            true, x.limit, false},
                           x.zone});
  count_anew();
}

void budget_rules::count_anew() {
  budgets_ = set_;
  for (auto& x : configured_)
    if (std::ranges::none_of(set_, [&](auto& y) { return y.rule.same_place(x.rule); }))
      budgets_.push_back(x);
  std::ranges::stable_sort(budgets_, {}, [](auto& x) { return x.rule.scope; });
}

void budget_rules::change(const budget_change& x) {
  std::erase_if(set_, [&](auto& y) { return y.rule.same_place(x.rule); });
  if (!x.undo) {
    // Who set it looked the zone up; UTC will do where the database has lost it since.
    auto zone = time_zone::find(x.rule.zone);
    set_.push_back({x.rule, zone ? *zone : time_zone{}});
    set_.back().rule.at_run_time = true;
  }
  count_anew();
}

std::vector<budget_rule> budget_rules::budgets() const {
  std::vector<budget_rule> result;
  for (auto& x : budgets_)
    result.push_back(x.rule);
  return result;
}

const budget_period& budget_rules::period_of(period_kind kind, const time_zone& zone,
                                             wall_time at) const {
  auto found = std::find_if(periods_.begin(), periods_.end(),
                            [&](auto& x) { return x.kind == kind && x.zone == zone.name(); });
  if (found == periods_.end())
    found = periods_.insert(periods_.end(), {kind, zone.name(), period_at(kind, zone, at)});
  else if (at < found->period.begin || at >= found->period.end)
    found->period = period_at(kind, zone, at);
  return found->period;
}

std::vector<ledger_account>
budget_rules::accounts_of(const charge_owner& owner, const std::string& model, wall_time at) const {
  std::vector<ledger_account> result;
  auto add = [&](budget_scope scope, const std::string& of_model, period_kind kind,
                 const time_zone& zone, std::optional<nanousd> limit, budget_action action) {
    auto& period = period_of(kind, zone, at);
    ledger_account x;
    x.scope = scope;
    x.owner = owner_of(owner, scope);
    x.model = of_model;
    x.period = kind;
    x.zone = zone.name();
    x.begin = period.begin;
    x.end = period.end;
    x.limit = limit;
    x.action = action;
    auto known = std::find_if(result.begin(), result.end(), [&](auto& y) { return same(x, y); });
    if (known == result.end())
      result.push_back(std::move(x));
    else
      join(*known, x);
  };
  auto tenant_has_one = std::any_of(budgets_.begin(), budgets_.end(), [&](auto& x) {
    return x.rule.scope == budget_scope::tenant && x.rule.model.empty() &&
           fits(x.rule, owner, model);
  });
  add(budget_scope::tenant, {}, period_kind::day, {},
      tenant_has_one ? std::nullopt : std::optional{daily_}, budget_action::refuse);
  for (auto& [rule, zone] : budgets_)
    if (fits(rule, owner, model))
      add(rule.scope, rule.model, rule.period, zone,
          rule.limited ? std::optional{rule.limit} : std::nullopt, rule.action);
  add(budget_scope::key, {}, period_kind::day, {}, std::nullopt, budget_action::refuse);
  return result;
}

std::string account_key(const ledger_account& x) {
  std::string result{to_string_view(x.scope)};
  for (auto* part :
       {&x.owner.tenant, &x.owner.team, &x.owner.user, &x.owner.key_id, &x.model, &x.zone})
    (result += '\0') += *part;
  result += '\0';
  result += std::to_string(static_cast<int>(x.period));
  result += '\0';
  return result += std::to_string(x.begin.time_since_epoch().count());
}

} // namespace sluice
