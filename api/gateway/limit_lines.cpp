#include "api/gateway/limit_lines.hpp"

#include "api/gateway/header_line.hpp"

namespace sluice {

void add_limit_lines(std::string& to, const budget_standing& budget,
                     const token_allowance& tokens) {
  if (budget.limited) {
    auto reset = std::chrono::ceil<std::chrono::seconds>(budget.reset);
    add_line(to, "x-sluice-budget-limit", to_usd_string(budget.limit));
    add_line(to, "x-sluice-budget-remaining", to_usd_string(budget.remaining));
    add_line(to, "x-sluice-budget-reset", std::to_string(reset.count()));
  }
  if (tokens.limit > 0) {
    add_line(to, "x-ratelimit-limit-tokens", std::to_string(tokens.limit));
    add_line(to, "x-ratelimit-remaining-tokens", std::to_string(tokens.remaining));
    add_line(to, "x-ratelimit-reset-tokens", std::to_string(tokens.reset.count()) + "ms");
  }
}

} // namespace sluice
