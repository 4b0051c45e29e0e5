#include "actors/ledger/budget_refusal.hpp"

#include "runtime/time_zone.hpp"

namespace sluice {

std::string period_name(const ledger_account& x) {
  // The zone stood in the configuration when the account was made; UTC will do where the database
  // has lost it since.
  auto zone = time_zone::find(x.zone);
  return period_at(x.period, zone ? *zone : time_zone{}, x.begin).name();
}

std::string budget_refusal(const account_view& by, nanousd left, nanousd most) {
  auto& owner = by.owner;
  auto& name = by.scope == budget_scope::tenant ? owner.tenant
               : by.scope == budget_scope::team ? owner.team
               : by.scope == budget_scope::user ? owner.user
                                                : owner.key_id;
  auto result = "The budget of " + std::string{to_string_view(by.scope)} + " '" + name + "'";
  if (!by.model.empty())
    result += " for the model '" + by.model + "'";
  result += " of $" + to_usd_string(by.limit) + " for the " +
            std::string{to_string_view(by.period)} + " " + by.period_name + " (" + by.zone +
            ") does not cover this request: $" + to_usd_string(std::max(left, nanousd{})) +
            " is left";
  if (by.open > nanousd{})
    result += ", $" + to_usd_string(by.open) + " is set aside for requests under way";
  return result + ", and it may cost $" + to_usd_string(most) + ". A lower max_tokens lowers that.";
}

} // namespace sluice
